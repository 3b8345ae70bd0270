"""Triton's ``perf_model``: it is asked of one configuration at a time, where a user's own pruner took our place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from .triton_autotuner import calling_autotuner, ranked_configs
from .triton_launch import Tuning


class Share(float):
    """A share of some configurations that is one of them at least; Triton rounds down, and must not come to none."""

    def __rmul__(self, n: float) -> float:
        return max(1.0, n * float(self))


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
    """

    def __init__(self, configs: Sequence[Any], named: Mapping[str, Any], order: Sequence[int]) -> None:
        self._configs, self._named = configs, named
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
        order: Launch and Autotuner -> places of its configurations, best first.
        failed: Is told what went wrong.
    """

    def __init__(
        self, read: ReadTuning, order: Callable[[Tuning, Any], Sequence[int]], failed: Callable[[Exception], None]
    ) -> None:
        self._read, self._order, self._failed = read, order, failed
        self._ranking: Ranking | None = None

    def __bool__(self) -> bool:
        return os.environ.get("PRERANK_PRUNE") != "0"

    def __call__(self, **arguments: Any) -> float:
        try:
            calling = calling_autotuner()
            if calling is not None:
                return float(self._ranked(*calling).rank(arguments))
        except Exception as error:  # a kernel must run, whatever happens to its pruner
            self._failed(error)
            return 0.0
        raise RuntimeError("rlm_prune's perf_model is called outside of triton.autotune; call rlm_prune.prune")

    def _ranked(self, autotuner: Any, keywords: Mapping[str, Any]) -> Ranking:
        """The ranking of the launch; after its last question it is held no more, since its arguments are tensors."""
        configs, named = ranked_configs() or autotuner.configs, autotuner.nargs
        ranking = self._ranking
        if ranking is None or not ranking.is_of(configs, named):
            order = self._order(self._read(autotuner, named, keywords, configs), autotuner)
            ranking = Ranking(configs, named, order)
        self._ranking = ranking if ranking.left > 1 else None
        return ranking
