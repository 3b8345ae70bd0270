"""Runs one ONNX model in the process that this is, and prints what it took.

One JSON object is the argument, another one the output, after `ANSWER`. Nothing else of the library is loaded: the
memory of the process is the interpreter's, ONNX Runtime's and the model's.
"""

from __future__ import annotations

import gc
import json
import os
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as untyped
from numpy.typing import NDArray

INPUT_UNKNOWN = 3
"""Exit status."""
ANSWER = "prerank: "
"""What the line of the output begins with; libraries may print lines of their own."""
onnxruntime: Any = untyped  # it ships no types
_FEWEST, _MOST = 10, 10_000  # timed runs
_WARM_UP = 3
_STATUS = Path("/proc/self/status")
_TYPES: dict[str, Any] = {"float": np.float32, "double": np.float64, "bool": np.bool_}


def main() -> None:
    """Read the order, run, print."""
    order = json.loads(sys.argv[1])
    pin(order["threads"])
    limit_memory(order["memory_bytes"])
    print(f"\n{ANSWER}{json.dumps(measured(order))}")  # after what others left without an end


def measured(order: Mapping[str, Any]) -> dict[str, float | None]:
    """Load the model, run it for some seconds, and say how long a run took and how much memory all of it needed."""
    forget_peak()
    before = resident("VmRSS")
    session = opened(order["model"], order["threads"], order["optimise"])
    feeds = accepted(session, fed(session, order["batch"], order["usual"], order["sizes"]))
    times = timed(lambda: session.run(None, feeds), order["seconds"])
    after = resident("VmHWM")
    return {
        "latency_ms": min(times) / 1e6,
        "median_ms": float(np.median(times)) / 1e6,
        "memory_bytes": None if before is None or after is None else after - before,
        "runs": len(times),
    }


def opened(model: str, threads: int, optimise: bool) -> Any:
    """A session that computes on so many threads, one operation at a time."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def timed(run: Callable[[], object], seconds: float) -> list[int]:
    """Nanoseconds of each run, after a warm-up: for as long as was asked, but at least a few."""
    for _ in range(_WARM_UP):
        run()
    gc.disable()
    times: list[int] = []
    end = time.perf_counter_ns() + int(seconds * 1e9)
    while len(times) < _FEWEST or (time.perf_counter_ns() < end and len(times) < _MOST):
        start = time.perf_counter_ns()
        run()
        times.append(time.perf_counter_ns() - start)
    return times


def fed(session: Any, batch: int, usual: tuple[int, int], sizes: Mapping[str, int]) -> dict[str, NDArray[Any]]:
    """Made-up inputs; the process ends with a status of its own if one cannot be made up.

    Args:
        session: What is fed.
        batch: Size of an open first axis.
        usual: Sizes of other open axes: the sides of images, and all else.
        sizes: Name of an open axis -> its size. One that is not named keeps the size that it has first.
    """
    known, puts = dict(sizes), session.get_inputs()
    try:
        see_batch(puts, batch)
        return {put.name: array(put, shape(put.shape, batch, usual, known)) for put in puts}
    except (ValueError, TypeError) as error:  # TypeError: a type that numpy lacks
        print(error, file=sys.stderr)
        sys.exit(INPUT_UNKNOWN)


def accepted(session: Any, feeds: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Inputs that the model runs with: where ones are no places of what it has, whole numbers are zeros."""
    try:
        session.run(None, feeds)
    except Exception:  # the runtime's own, which have no class of their own for an index out of range
        zeros = {name: np.zeros_like(fed) if fed.dtype.kind in "iu" else fed for name, fed in feeds.items()}
        try:
            session.run(None, zeros)
        except Exception:
            return feeds  # whose error is said
        return zeros
    return feeds


def see_batch(puts: Sequence[Any], batch: int) -> None:
    """Refuse a batch that no input takes: what is run would not be what is said to be."""
    firsts = [put.shape[0] for put in puts if put.shape]
    if batch != 1 and all(isinstance(first, int) and first != batch for first in firsts):
        shapes = ", ".join(f"{put.name} {put.shape}" for put in puts)
        raise ValueError(f"no input takes the batch {batch}: {shapes}; open a first axis, or measure with batch 1")


def shape(axes: Sequence[int | str | None], batch: int, usual: Sequence[int], known: dict[str, int]) -> list[int]:
    """Sizes of an input's axes, of which a number is closed, a name or None open."""
    found: list[int] = []
    for place, axis in enumerate(axes):
        size = batch if place == 0 else usual[0] if len(axes) == 4 and place > 1 else usual[1]
        found.append(axis if isinstance(axis, int) else known.setdefault(axis, size) if axis else size)
    return found


def array(put: Any, shape: Sequence[int]) -> NDArray[Any]:
    """What an input is fed: normal noise, or ones where it takes whole numbers or truths (see `accepted`)."""
    kind = re.fullmatch(r"tensor\((\w+)\)", put.type)
    if kind is None or kind[1] in ("string", "bfloat16"):
        raise ValueError(f"input {put.name!r} is a {put.type}, which cannot be made up; give it a default in the model")
    dtype: np.dtype[Any] = np.dtype(_TYPES.get(kind[1], kind[1]))
    if dtype.kind != "f":
        return np.ones(shape, dtype)
    return np.random.default_rng(0).standard_normal(shape, dtype=np.float32).astype(dtype)


def pin(threads: int) -> None:
    """Keep to the last so many of the processors that this process may use, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


def limit_memory(more: int) -> None:
    """Refuse allocations of more bytes than this on top of what is mapped already, where the system can."""
    mapped = resident("VmSize")
    if mapped is not None:
        import resource

        most = resource.getrlimit(resource.RLIMIT_AS)[1]  # that the system or a cluster sets, and that cannot be raised
        limit = mapped + more if most == resource.RLIM_INFINITY else min(mapped + more, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def forget_peak() -> None:
    """Make the peak start at what is resident now, where the system can; else it starts at an earlier one."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def resident(field: str) -> int | None:
    """Bytes of a field of the kernel's report on this process; None where there is no such report, or no such field.

    Not ``getrusage``: the peak that it gives starts at that of the process which this one was forked from.
    """
    if not _STATUS.exists():
        return None
    lines: Sequence[str] = [line for line in _STATUS.read_text().splitlines() if line.startswith(f"{field}:")]
    return int(lines[0].split()[1]) * 1024 if lines else None


if __name__ == "__main__":
    main()
