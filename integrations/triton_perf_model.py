"""Triton's ``perf_model``: it is asked of one configuration at a time, where a user's own pruner took our place."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .triton_autotuner import calling_autotuner, ranked_configs
from .triton_launch import Tuning

_OFF = ("0", "false", "off", "no")


class Kept(float):
    """The ``top_k`` of a user who gives Triton none: Triton takes it for a share, and comes to as many as are kept."""

    _count: Callable[[], int]

    def __new__(cls, count: Callable[[], int]) -> Kept:
        """A share of all, as long as nothing asks."""
        share = super().__new__(cls, 1.0)
        share._count = count
        return share

    def __rmul__(self, n: float) -> float:
        return float(self._count())


def their_top_k(autotuner: Any) -> int | None:
    """How many configurations a user's own ``top_k`` lets an Autotuner keep; None: they gave it none."""
    top_k = autotuner.configs_top_k
    if isinstance(top_k, Kept):
        return None
    return int(len(autotuner.configs) * top_k) if isinstance(top_k, float) else top_k


class ReadTuning(Protocol):
    """Reads the launch of an Autotuner: positional arguments by name, keyword arguments, configurations."""

    def __call__(
        self, decorated: Any, named: Mapping[str, Any], keywords: Mapping[str, Any], configs: Sequence[Any]
    ) -> Tuning: ...


class Ranking:
    """Places of the configurations of one launch, which are asked for one by one.

    Args:
        configs: The configurations.
        named: Positional arguments of the launch by name.
        order: Places of the configurations, best first.
        wanted: How many of them are worth a benchmark.
    """

    def __init__(self, configs: Sequence[Any], named: Mapping[str, Any], order: Sequence[int], wanted: int) -> None:
        self._configs, self._named = configs, named
        self.wanted = wanted
        self._names = {name for config in configs for name in config.all_kwargs()}
        self._ranks: dict[frozenset[tuple[str, Any]], int] = {}
        for rank, place in enumerate(order):  # of two that differ in a hook alone the first counts
            self._ranks.setdefault(frozenset(configs[place].all_kwargs().items()), rank)
        self.left = len(configs)

    def is_of(self, configs: Sequence[Any], named: Mapping[str, Any]) -> bool:
        """Whether these are the very objects that were ranked."""
        return self._configs is configs and self._named is named

    def rank(self, arguments: Mapping[str, Any]) -> int:
        """Place, from 0, of the configuration that is among the arguments of a launch."""
        self.left -= 1
        return self._ranks[frozenset((name, value) for name, value in arguments.items() if name in self._names)]


class PerfModel:
    """Place of a configuration among all that Triton asks about, from 0.

    Where pruning is switched off it is false, and Triton does without. Where it fails, all places are the first, and
    Triton keeps the first configurations.

    Args:
        read: Reads the launch.
        order: Launch and Autotuner -> places of its configurations, best first, and how many are worth a benchmark.
        failed: Is told what went wrong.
    """

    def __init__(
        self,
        read: ReadTuning,
        order: Callable[[Tuning, Any], tuple[Sequence[int], int]],
        failed: Callable[[Exception], None],
    ) -> None:
        self._read, self._order, self._failed = read, order, failed
        self._ranking: Ranking | None = None

    def __bool__(self) -> bool:
        return not switched_off()

    def __call__(self, **arguments: Any) -> float:
        try:
            calling = calling_autotuner()
            if calling is not None:
                return float(self._ranked(*calling).rank(arguments))
        except Exception as error:  # a kernel must run, whatever happens to its pruner
            self._failed(error)
            return 0.0
        raise RuntimeError("rlm_prune's perf_model is called outside of triton.autotune; call rlm_prune.prune")

    def wanted(self) -> int:
        """How many configurations of the launch that is tuned are worth a benchmark; all, where it fails."""
        try:
            calling, configs = calling_autotuner(), ranked_configs() or ()
            wanted = self._ranked(*calling).wanted if calling and len(configs) > 1 else sys.maxsize
            if wanted >= len(configs):  # none is asked about then
                self._ranking = None
        except Exception as error:  # as above
            self._failed(error)
            return sys.maxsize
        return wanted

    def _ranked(self, autotuner: Any, keywords: Mapping[str, Any]) -> Ranking:
        """The ranking of the launch; after its last question it is held no more, since its arguments are tensors."""
        configs, named = ranked_configs() or autotuner.configs, autotuner.nargs
        ranking = self._ranking
        if ranking is None or not ranking.is_of(configs, named):
            order, wanted = self._order(self._read(autotuner, named, keywords, configs), autotuner)
            ranking = Ranking(configs, named, order, wanted)
        self._ranking = ranking if ranking.left > 1 else None
        return ranking


def switched_off() -> bool:
    """Whether ``PRERANK_PRUNE`` says that nothing is to be pruned."""
    return os.environ.get("PRERANK_PRUNE", "").strip().lower() in _OFF
