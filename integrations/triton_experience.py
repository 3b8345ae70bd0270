"""What was measured of a kernel, taught to a fork of the surrogate before the next launch is ranked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from ..surrogate.problem import Question
from ..surrogate.ranking import Predictor
from .triton_kernel import Kernel
from .triton_launch import Launch, counting
from .triton_measurements import Log, Measurement
from .triton_reading import Reading, reading_like

FEWEST = 5
"""Measurements of a launch below which nothing is learnt from it."""
_MOST = 300  # measurements that are observed; more would cost seconds and teach little


class Learner(Predictor, Protocol):
    """What predicts and learns; `RLMSurrogate` is one."""

    def observe(self, problem: Question, texts: Sequence[str], values: ArrayLike) -> None: ...
    def fork(self) -> Learner: ...


def nearest(launch: Launch, log: Log) -> list[Measurement]:
    """Measurements of the launch whose sizes are nearest, on the same device; the launch itself is nearest of all.

    What was compiled by another version of Triton serves where there is no less distant one by this.
    """

    def apart(measured: Sequence[Measurement]) -> tuple[float, bool]:
        other = measured[0].launch
        return distance(launch, other), other.get("compiler", "") != launch.compiler

    enough = [measured for measured in log.launches(launch.counted) if len(measured) >= FEWEST]
    here = [measured for measured in enough if measured[0].launch["device"] == launch.device]
    nothing: list[Measurement] = []
    return min(here, key=apart, default=nothing)


def taught(surrogate: Learner, kernel: Kernel, measured: Sequence[Measurement], like: Reading) -> Learner:
    """A fork of the surrogate that has observed measurements of one launch as milliseconds.

    Args:
        surrogate: What learns.
        kernel: The kernel.
        measured: Measurements of one launch.
        like: How the launch to come is read; those measured are read alike.
    """
    student = surrogate.fork()
    reading = reading_like(like, Launch.from_json(kernel, measured[0].launch), [m.config for m in measured])
    times: dict[str, float] = {}
    for own in _spread(measured):
        times.setdefault(reading.to_text(own.config), own.ms)  # of one text the fastest
    student.observe(reading.problem("latency_ms"), list(times), np.array(list(times.values())))
    return student


def fastest_elsewhere(
    measured: Sequence[Measurement], words: Sequence[Mapping[str, Any]], places: Sequence[int]
) -> list[int]:
    """Those places whose configurations were measured and ran, the fastest first.

    Args:
        measured: Measurements of one launch.
        words: Names and values of all configurations.
        places: Which of them may run.
    """
    times: dict[frozenset[tuple[str, Any]], float] = {}
    for own in measured:
        if math.isfinite(own.ms):
            config = frozenset(own.config.items())
            times[config] = min(own.ms, times.get(config, math.inf))
    configs = {place: frozenset(words[place].items()) for place in places}
    return sorted((place for place in places if configs[place] in times), key=lambda place: times[configs[place]])


def _spread(measured: Sequence[Measurement]) -> list[Measurement]:
    """At most `_MOST`: every other one, every third one, ... of the order of their times."""
    ordered = sorted(measured, key=lambda m: (math.isnan(m.ms), m.ms))
    return ordered[:: math.ceil(len(ordered) / _MOST)]


def distance(launch: Launch, other: Mapping[str, Any]) -> float:
    """Sum of the logarithms of the ratios of all sizes, 0 of the launch itself; other types or arguments are far."""
    tensors = {name: tensor.dtype for name, tensor in launch.tensors.items()}
    far = tensors != {name: tensor["dtype"] for name, tensor in other["tensors"].items()}
    sizes, others = (_sizes(counting(scalars, launch.counted)) for scalars in (launch.scalars, other["scalars"]))
    if not sizes and not others:  # sizes in the shapes alone
        sizes = {(n, axis): size for n, t in launch.tensors.items() for axis, size in enumerate(t.shape)}
        others = {(n, axis): size for n, t in other["tensors"].items() for axis, size in enumerate(t["shape"])}
    ratios = [abs(math.log((1 + sizes.get(n, 0)) / (1 + others.get(n, 0)))) for n in sizes.keys() | others.keys()]
    return 1e6 * far + sum(ratios)


def _sizes(scalars: Mapping[str, Any]) -> dict[Any, int]:
    return {name: value for name, value in scalars.items() if type(value) is int and value >= 0}
