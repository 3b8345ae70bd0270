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
from .triton_reading import LaunchReading, reading_like

FEWEST = 5
"""Measurements of a launch below which nothing is learnt from it; the fastest of them are tried all the same."""
TELLING = 30
"""Measurements of a launch from which on they outweigh what the weights say of themselves."""
_FEW = 2.0  # logarithms of sizes that a launch may be farther, for each by which it has more measurements
_NEAR = math.log(2)  # logarithm of a ratio of sizes that is as good as none
_FAR = 3.0  # logarithm of a ratio, beyond that, at which what was learnt deserves half of its trust
_ELSEWHERE = 1e6  # distance of what has other types
_MOST = 300  # measurements that are observed; more would cost seconds and teach little


class Learner(Predictor, Protocol):
    """What predicts and learns; `RLMSurrogate` is one."""

    def observe(self, problem: Question, texts: Sequence[str], values: ArrayLike) -> None: ...
    def fork(self) -> Learner: ...


def nearest(launch: Launch, log: Log, fewest: int = FEWEST) -> list[Measurement]:
    """Measurements of the launch whose sizes are nearest, on the same device; the launch itself is nearest of all.

    One of few measurements, since it was pruned, counts as farther. What was compiled by another version of Triton
    serves where there is no less distant one by this.

    Args:
        launch: The launch to come.
        log: What was measured of its kernel.
        fewest: How many measurements a launch has at least that is looked at.
    """

    def apart(measured: Sequence[Measurement]) -> tuple[float, bool]:
        other = measured[0].launch
        away, fewer = distance(launch, other), math.log(most / min(len(measured), most))
        return away and away + _FEW * fewer, other.get("compiler", "") != launch.compiler

    enough = [measured for measured in log.launches(launch.counted) if len(measured) >= fewest]
    here = [measured for measured in enough if measured[0].launch["device"] == launch.device]
    most = min(max(map(len, here), default=0), _MOST)
    nothing: list[Measurement] = []
    return min(here, key=apart, default=nothing)


def taught(surrogate: Learner, kernel: Kernel, measured: Sequence[Measurement], like: LaunchReading) -> Learner:
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
    return sum(_ratios(launch, other).values()) + _ELSEWHERE * _is_typed_otherwise(launch, other)


def likeness(launch: Launch, other: Mapping[str, Any]) -> float:
    """How far what was measured of another launch tells of one, in [0, 1].

    Less where a size differs by more than a factor of two, or one that is compiled in by any.
    """
    constants = launch.kernel.constants
    ratios = _ratios(launch, other).items()
    farthest = max((own if name in constants else max(own - _NEAR, 0.0) for name, own in ratios), default=0.0)
    return 0.0 if _is_typed_otherwise(launch, other) else 1 / (1 + (farthest / _FAR) ** 2)


def _is_typed_otherwise(launch: Launch, other: Mapping[str, Any]) -> bool:
    tensors = {name: tensor.dtype for name, tensor in launch.tensors.items()}
    return tensors != {name: tensor["dtype"] for name, tensor in other["tensors"].items()}


def _ratios(launch: Launch, other: Mapping[str, Any]) -> dict[Any, float]:
    """Size -> logarithm of its ratio to that of another launch."""
    sizes, others = (_sizes(counting(scalars, launch.counted)) for scalars in (launch.scalars, other["scalars"]))
    if not sizes and not others:  # sizes in the shapes alone
        sizes = {(n, axis): size for n, t in launch.tensors.items() for axis, size in enumerate(t.shape)}
        others = {(n, axis): size for n, t in other["tensors"].items() for axis, size in enumerate(t["shape"])}
    names = dict.fromkeys([*sizes, *others])
    return {name: abs(math.log((1 + sizes.get(name, 0)) / (1 + others.get(name, 0)))) for name in names}


def _sizes(scalars: Mapping[str, Any]) -> dict[Any, int]:
    return {name: value for name, value in scalars.items() if type(value) is int and value >= 0}
