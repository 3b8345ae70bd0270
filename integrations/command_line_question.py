"""What the command line asks: a metric of a space's candidates or of the user's own, on a device or on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from inspect import signature
from shlex import quote

from ..search_spaces.problem import MAXIMIZED
from ..surrogate import Problem
from ..surrogate.measured import Measured
from .command_line_spaces import SpaceModule, drawn_from
from .onnxruntime_conditions import METRICS, USUAL, Conditions
from .onnxruntime_machine import machine

_LESS = ("latency_ms", "memory_bytes", "energy_mj", "train_seconds", "params", "macs", "slowdown")  # is better
_ELSEWHERE = "is not: leave them out, or ask for latency_ms or memory_bytes without --device"


def asked(
    space: SpaceModule, metric: str | None, device: str | None, where: Mapping[str, str], run: Conditions = USUAL
) -> Problem:
    """What to ask of a space's candidates.

    Args:
        space: What is asked about.
        metric: One of its metrics, or of those that are measured here; None: its usual one. Several words, as tables
            have them, are taken as they are.
        device: Any device; None: this machine.
        where: More arguments of the space's `problem`, as `assignments` has them.
        run: How a network is run, of what is measured on this machine.

    Raises:
        ValueError: If the space does not know one of them, there is an option of its own for one, the usual metric
            does not depend on the device, or the metric does not on the run.
    """
    given, known = _arguments(space, device, where), signature(space.problem).parameters
    word = str(known["metric"].default) if metric is None else metric
    if device is None and word in METRICS and measurable(space):
        return run.problem(space.problem(**given).context, word)
    if not run.usual:
        raise ValueError(f"--threads, --batch and --no-optimise are of what is measured here; {word} {_ELSEWHERE}")
    if len(word.split()) > 1:
        return directed(space.problem(**given).context, word)
    if device is None and "device" in known:
        given["device"] = _accelerator() if "kernel" in known else machine()
    found = space.problem(**given, metric=word)
    if device is not None and metric is None and found == space.problem(**{**given, "device": "another"}, metric=word):
        raise ValueError(f"--device is {device!r}, and {word} is the same on all; add --metric, as in latency_ms")
    return Problem(found.context, found.metric, found.direction)


def _arguments(space: SpaceModule, device: str | None, where: Mapping[str, str]) -> dict[str, str]:
    """Arguments of a space's `problem` beside the metric."""
    for name in ("metric", "device"):
        if name in where:
            raise ValueError(f"{name} is {where[name]!r} in --where; give it as --{name} {quote(where[name])}")
    if device is not None and not device.strip():
        raise ValueError("--device is empty; name a device, or leave it out for this machine")
    given, known = ({} if device is None else {"device": device}) | dict(where), signature(space.problem).parameters
    for name, value in given.items():
        if name not in known:
            raise ValueError(f"{name} is {value!r}; this space can be asked with {', '.join(known)}")
    return given


def assignments(texts: Iterable[str]) -> dict[str, str]:
    """More of the question, as in ``dataset=cifar100``.

    Raises:
        ValueError: If one is no assignment, or says again what another one says.
    """
    found: dict[str, str] = {}
    for name, value in map(_assignment, texts):
        if found.setdefault(name, value) != value:
            raise ValueError(f"{name} is {found[name]!r} and {value!r} in --where; give one of them")
    return found


def directed(context: str, metric: str, maximize: bool | None = None) -> Problem:
    """A problem of the user's own; unless it is said, the metric's first word tells which way is better."""
    more = metric.partition(" ")[0] in MAXIMIZED if maximize is None else maximize
    return Problem(context, metric, "maximize" if more else "minimize")


def guessed(metric: str) -> bool:
    """Whether `directed` takes less for better only because nothing tells."""
    return metric.partition(" ")[0] not in (*MAXIMIZED, *_LESS)


def of_row(row: Measured) -> Problem:
    """The problem of a measurement.

    Raises:
        ValueError: If its direction is none.
    """
    direction = row.more.get("direction")
    return directed(row.context, row.metric) if direction is None else Problem(row.context, row.metric, direction)


def measurable(space: SpaceModule) -> bool:
    """Whether the candidates are ONNX files or can be written as such."""
    return hasattr(space, "to_onnx") or not drawn_from(space)


def _accelerator() -> str:
    """Name of this machine's GPU, which runs kernels.

    Raises:
        ValueError: If there is none.
    """
    import torch

    if not torch.cuda.is_available():
        raise ValueError("this machine has no GPU to run kernels; name one with --device")
    return torch.cuda.get_device_name()


def _assignment(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"{text!r} is no assignment; write it as in dataset=cifar100")
    return name, value
