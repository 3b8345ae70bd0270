"""The Autotuner that calls a pruner: found among the callers, since Triton does not pass it on."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

_FRAMES = 10  # callers that are looked at: a user's own pruner and a wrapper or two lie between


def calling_autotuner() -> tuple[Any, dict[str, Any]] | None:
    """The Autotuner that is calling, with the keyword arguments of its launch, if one is among the callers."""
    for frame in islice(_callers(), _FRAMES):
        candidate = frame.f_locals.get("self")
        if _is_autotuner(candidate):
            return candidate, dict(frame.f_locals.get("kwargs") or {})
    return None


def _is_autotuner(candidate: Any) -> bool:
    return all(hasattr(candidate, name) for name in ("configs", "arg_names", "fn", "prune_configs"))


def ranked_configs() -> list[Any] | None:
    """What an Autotuner asks its ``perf_model`` about: a user's own pruner may have made configurations."""
    for frame in islice(_callers(), _FRAMES):
        if frame.f_code.co_name == "prune_configs":
            return frame.f_locals.get("pruned_configs")
    return None


class Decorated(NamedTuple):
    """What an Autotuner is of.

    Args:
        kernel: What it decorates; None: no Autotuner was found.
        keys: Arguments that it tunes anew for.
        tuned: Names that its configurations give values to.
    """

    kernel: Any | None = None
    keys: Sequence[str] = ()
    tuned: Sequence[str] = ()


def decorated_kernel() -> Decorated:
    """What an Autotuner that is being made is of."""
    for frame in islice(_callers(), _FRAMES):
        known = frame.f_locals
        if frame.f_code.co_name == "__init__" and "prune_configs_by" in known:
            return Decorated(known.get("fn"), known.get("key") or (), _tuned(known.get("configs") or ()))
    return Decorated()


def traced_kernel() -> Decorated:
    """What the Autotuner is of whose launch torch.compile traces: the outermost one, which is the user's.

    Dynamo makes others of it, in whose configurations stands what heuristics give.
    """
    calls = [frame.f_locals for frame in _callers() if frame.f_code.co_name == "call_triton_kernel"]
    kernels: list[Any] = [getattr(known.get("variable"), "kernel", None) for known in calls]
    found = next(filter(_is_autotuner, reversed(kernels)), None)
    return Decorated(found.fn, found.keys, _tuned(found.configs)) if found else Decorated()


def _tuned(configs: Sequence[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for config in configs for name in config.kwargs))


def _callers() -> Iterator[Any]:
    """Frames, the caller of the caller first."""
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    while frame is not None:
        yield frame
        frame = frame.f_back


def benchmark_none(autotuner: Any, only: Any) -> None:
    """Let the only configuration left go without a benchmark, as Triton itself does in 3.9 but not yet in 3.7."""
    measure = autotuner._bench

    def bench(*args: Any, config: Any, **meta: Any) -> Any:
        benchmark_again(autotuner)
        return [0.0] * 3 if config is only else measure(*args, config=config, **meta)

    vars(autotuner)["_bench"] = bench


def benchmark_again(autotuner: Any | None) -> None:
    """Take back `benchmark_none`, which a cache of Triton's may have left unused."""
    if autotuner is not None:
        vars(autotuner).pop("_bench", None)
