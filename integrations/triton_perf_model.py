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


class PerfModel:
    """Place of a configuration among all that Triton asks about, from 0.

    Where pruning is switched off it is false, and Triton does without. Where it fails, all places are the first, and
    Triton keeps the first configurations.

    Args:
        read: Reads the launch.
        order: Places of its configurations, best first.
        failed: Is told what went wrong.
    """

    def __init__(
        self, read: ReadTuning, order: Callable[[Tuning], Sequence[int]], failed: Callable[[Exception], None]
    ) -> None:
        self._read, self._order, self._failed = read, order, failed
        self._ranked: tuple[str, Sequence[Any], dict[int, int]] = ("", (), {})

    def __bool__(self) -> bool:
        return os.environ.get("PRERANK_PRUNE") != "0"

    def __call__(self, **arguments: Any) -> float:
        calling = calling_autotuner()
        if calling is None:
            raise RuntimeError("rlm_prune's perf_model is called outside of triton.autotune; call rlm_prune.prune")
        try:
            return self._place(*calling, arguments)
        except Exception as error:  # a kernel must run, whatever happens to its pruner
            self._failed(error)
            return 0.0

    def _place(self, autotuner: Any, keywords: Mapping[str, Any], arguments: Mapping[str, Any]) -> float:
        configs = ranked_configs() or autotuner.configs
        tuning = self._read(autotuner, autotuner.nargs, keywords, configs)
        if self._ranked[0] != tuning.launch.key or self._ranked[1] is not configs:
            ranks = {own: rank for rank, own in enumerate(self._order(tuning))}
            self._ranked = tuning.launch.key, configs, ranks
        own = next(n for n, config in enumerate(configs) if config.all_kwargs().items() <= arguments.items())
        return float(self._ranked[2][own])
