"""What ONNX models cost on this machine, measured with ONNX Runtime.

Each model runs in a process of its own with limits of time and memory: one that hangs, swells or crashes the runtime is
a failure with a reason, and the next one is measured. `measure` is for one model, `measure_all` writes a table of many
that can be interrupted and gone on with.
"""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import onnxruntime

from ..search_spaces.onnx_operations import LENGTH, SIDE
from ..surrogate import Problem
from ..surrogate.measured import Measured, append, mend, read
from .onnxruntime_child import ANSWER, INPUT_UNKNOWN, resident
from .onnxruntime_conditions import METRICS, Conditions

__all__ = [
    "METRICS",
    "Conditions",
    "InputUnknownError",
    "Measurement",
    "MeasurementError",
    "Network",
    "NoModelError",
    "measure",
    "measure_all",
]
_CHILD = f"{__package__}.onnxruntime_child"


class Measurement(NamedTuple):
    """What runs of a model took.

    latency_ms is the shortest run, which repeats best; memory_bytes the peak of resident memory above that of the
    runtime without a model, nan on systems that do not tell.
    """

    latency_ms: float
    median_ms: float
    memory_bytes: float
    runs: int


class MeasurementError(RuntimeError):
    """A model that could not be run, with the reason."""


class InputUnknownError(MeasurementError):
    """A model that might run, were it known what to feed it, or fed with another batch."""


class NoModelError(MeasurementError):
    """A candidate of which there is nothing to run: its file is gone, say, or could not be written."""


_SAYING_NOTHING = (InputUnknownError, NoModelError)  # of what the candidate costs


class Network(NamedTuple):
    """A model to measure: its name, what it shares with others, its text, and what gives the file, in a folder."""

    name: Any
    context: str
    text: str
    file: Callable[[Path], Path]


def measure(
    model: str | Path,
    conditions: Conditions | None = None,
    *,
    seconds: float = 1.0,
    timeout: float = 60.0,
    memory_bytes: int = 4 << 30,
) -> Measurement:
    """Run a model file on made-up inputs in a process of its own.

    Args:
        model: An ONNX file.
        conditions: Threads, batch, optimisation; None: the usual ones.
        seconds: How long it runs after the warm-up; at least ten times anyway.
        timeout: Seconds after which it counts as failed, with loading and warm-up.
        memory_bytes: Most memory that it may map.

    Raises:
        FileNotFoundError: If there is no such file.
        MeasurementError: If it could not be run within the limits.
        InputUnknownError: If it has an input that cannot be made up, or none that takes the batch.
        NoModelError: If its name is no UTF-8.
    """
    path = Path(model)
    if not path.is_file():
        raise FileNotFoundError(f"there is no model file {path}")
    order = vars(conditions or Conditions()) | {"model": _name(path), "usual": (SIDE, LENGTH)}
    found = _run(order | {"seconds": seconds, "memory_bytes": memory_bytes}, timeout)
    memory = math.nan if found["memory_bytes"] is None else found["memory_bytes"]
    return Measurement(found["latency_ms"], found["median_ms"], memory, found["runs"])


def measure_all(
    networks: Iterable[Network],
    out: Path,
    conditions: Conditions | None = None,
    *,
    seconds: float = 1.0,
    timeout: float = 60.0,
    memory_bytes: int = 4 << 30,
) -> Iterator[list[Measured]]:
    """Measure the networks that a table lacks or where they failed, and add a line for each of `METRICS`.

    A metric that the system does not tell has no line. Of a network measured again, the later lines count.

    Yields:
        The lines of each network, once they are on the disk; none for one that the table has already. Failed ones have
        the value nan and an ``error``; those without a file, or of an unknown input, too, but they are not written:
        they say nothing.

    Raises:
        ValueError: If lines cannot be added to the file, which is left as it is.
    """
    conditions = conditions or Conditions()
    out.parent.mkdir(parents=True, exist_ok=True)
    done = _known(out)
    for network in networks:
        problems = [conditions.problem(network.context, metric) for metric in METRICS]
        told = problems if _tells_memory() else problems[:1]
        if {(problem.context, problem.metric, network.text) for problem in told} <= done:
            yield []
            continue
        try:
            values, more = _costs(network, conditions, seconds, timeout, memory_bytes)
        except _SAYING_NOTHING as error:
            yield _lines(network, problems, (math.nan, math.nan), {"error": str(error)})
            continue
        rows = _lines(network, problems, values, more)
        append(out, rows)
        done |= {row.key for row in rows}
        yield rows


def _known(out: Path) -> set[tuple[str, str, str]]:
    """What a table has already, but for failures, which may have been those of the machine; its last line is mended."""
    rows = list(read(out)) if out.exists() else []
    mend(out)
    last = {row.key: row for row in rows}
    return {key for key, row in last.items() if "error" not in row.more}


def _tells_memory() -> bool:
    """Whether the system tells the peak of a process's memory; a sandbox may tell what is resident alone."""
    return resident("VmHWM") is not None


def _costs(
    network: Network, conditions: Conditions, seconds: float, timeout: float, memory_bytes: int
) -> tuple[tuple[float, float], dict[str, Any]]:
    """The values of `METRICS`, and what else there is to say."""
    try:
        with tempfile.TemporaryDirectory(prefix="prerank-") as folder:
            file = _file(network, Path(folder))
            found = measure(file, conditions, seconds=seconds, timeout=timeout, memory_bytes=memory_bytes)
    except _SAYING_NOTHING:
        raise
    except OSError as error:  # a file that was there when the list was made
        raise NoModelError(str(error)) from error
    except MeasurementError as error:
        return (math.nan, math.nan), {"error": str(error)}
    return (found.latency_ms, found.memory_bytes), {"median_ms": found.median_ms, "runs": found.runs}


def _file(network: Network, folder: Path) -> Path:
    """The file of a network.

    Raises:
        NoModelError: Whatever one candidate breaks; the others are measured.
    """
    try:
        return network.file(folder)
    except Exception as error:
        raise NoModelError(f"it cannot be written as ONNX: {error!r}") from error


def _name(path: Path) -> str:
    """The whole path of a model file, as ONNX Runtime takes it.

    Raises:
        NoModelError: If it is no UTF-8.
    """
    name = str(path.resolve())
    if name.encode(errors="replace").decode() != name:
        raise NoModelError(f"{name!r} is no UTF-8, and ONNX Runtime takes no other names; rename it")
    return name


def _lines(
    network: Network, problems: Iterable[Problem], values: Iterable[float], more: Mapping[str, Any]
) -> list[Measured]:
    """The lines of a network; a value that is not known is none, unless it failed."""
    said = {"name": network.name, "onnxruntime": onnxruntime.__version__, **more}
    found = zip(problems, values, strict=True)
    return [
        Measured(p.context, p.metric, network.text, v, said) for p, v in found if "error" in more or not math.isnan(v)
    ]


def _run(order: Mapping[str, Any], timeout: float) -> dict[str, Any]:
    """What the child answers, whatever else libraries print.

    Raises:
        MeasurementError: If it does not answer, with what it said last.
    """
    command = [sys.executable, "-P", "-m", _CHILD, json.dumps(order)]
    try:
        run = subprocess.run(command, capture_output=True, errors="replace", timeout=timeout, check=False)
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(f"it took more than {timeout:g} s; allow more, or measure a smaller batch") from error
    answers = [line.removeprefix(ANSWER) for line in run.stdout.splitlines() if line.startswith(ANSWER)]
    if run.returncode == 0 and answers:
        return json.loads(answers[-1])
    kind = InputUnknownError if run.returncode == INPUT_UNKNOWN else MeasurementError
    raise kind(_reason(run, int(order["memory_bytes"])))


def _reason(run: subprocess.CompletedProcess[str], memory_bytes: int) -> str:
    """Why a child failed, in one line."""
    said = [line.strip() for line in run.stderr.splitlines() if line.strip()]
    last = said[-1] if said else ""
    if re.search(r"bad.?alloc|MemoryError|[Ff]ailed to (allocate|map)|Cannot allocate|Unable to allocate", run.stderr):
        return f"it needs more than {memory_bytes / 2**30:.3g} GiB of memory; allow more, or measure a smaller batch"
    if run.returncode < 0:
        return f"ONNX Runtime was ended by signal {-run.returncode} ({signal.strsignal(-run.returncode)})"
    return re.sub(r"^[\w.]+: ", "", last)[:300] or f"ONNX Runtime ended with exit status {run.returncode}"
