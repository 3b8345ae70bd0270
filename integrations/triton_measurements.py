"""Timings that Triton took, appended to a file for each kernel and read back.

Triton tells them to `knobs.autotuning.listener` where there is one (not yet in 3.7; in 3.9 the whole list at the end).
Elsewhere, and under the interpreter, whose kernels Triton 3.9 cannot name to a listener, `Autotuner._bench` is wrapped,
which yields each as it is taken.
"""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, cast

from ..surrogate.once import Once
from .triton_autotuner import calling_autotuner
from .triton_cache import Lines, append, file_of
from .triton_config import Config, config_key, config_words
from .triton_kernel import Kernel
from .triton_launch import Launch, Tuning, identity

_LONGEST = sys.float_info.max  # a whole number in JSON may be larger
_PLAIN = (int, float, str, bool)  # values of a configuration
_TOLD = {"kernel", "device", "tensors", "scalars"}  # of a launch
Calling = Callable[[], "tuple[Any, Mapping[str, Any]] | None"]
"""Tells the Autotuner that is calling, with the keyword arguments of its launch."""


@dataclass(frozen=True)
class Measurement:
    """A configuration's time on a launch, milliseconds; nan: it did not run."""

    launch: Mapping[str, Any]
    config: Mapping[str, Any]
    ms: float


class Log:
    """What was measured of one kernel: each configuration of a launch once, in the order of the file, the newest time.

    Threads may share it.
    """

    def __init__(self) -> None:
        self.measurements: list[Measurement] = []
        self._places: dict[tuple[str, str], int] = {}
        """Launch and configuration, both as text -> place among the measurements."""
        self._groups: dict[tuple[str, ...] | None, dict[str, list[int]]] = {}
        self._lines, self._lock = Lines(), Lock()

    def read_on(self, file: Path) -> Log:
        """Read what has been appended; all of it where the file is another one than before."""
        with self._lock:
            rows, anew = self._lines.read_on(file)
            if anew:
                self.measurements, self._places, self._groups = [], {}, {}
            for row in filter(is_measurement, rows):
                self._add(row)
        return self

    def ms(self, launch: str, config: str) -> float | None:
        """The time of a configuration, nan if it did not run; None: not measured."""
        with self._lock:
            place = self._places.get((launch, config))
            return None if place is None else self.measurements[place].ms

    def launches(self, counted: tuple[str, ...] | None) -> list[list[Measurement]]:
        """Measurements of each launch, and each version of Triton, apart.

        Args:
            counted: Names of the numbers that tell launches apart; None: all whole ones do.
        """
        with self._lock:
            groups = self._groups.setdefault(counted, {})
            known = sum(map(len, groups.values()))  # the first ones; a place stays with its launch
            for place, own in enumerate(self.measurements[known:], known):
                told = identity(own.launch, counted), own.launch.get("compiler")
                groups.setdefault(repr(told), []).append(place)
            return [[self.measurements[place] for place in places] for places in groups.values()]

    def _add(self, row: Mapping[str, Any]) -> None:
        ms = float("nan") if row["ms"] is None else float(row["ms"])
        place = self._places.setdefault((row["key"], row["config_key"]), len(self.measurements))
        self.measurements[place : place + 1] = [Measurement(row["launch"], row["config"], ms)]


def is_measurement(row: Mapping[str, Any]) -> bool:
    """Whether a line says all that a measurement has; anybody may have edited it."""
    texts, ms = isinstance(row.get("key"), str) and isinstance(row.get("config_key"), str), row.get("ms", "")
    return texts and tells_launch(row) and (ms is None or (type(ms) in (int, float) and abs(ms) <= _LONGEST))


def tells_launch(row: Mapping[str, Any]) -> bool:
    """Whether a line says of which launch and which configuration it is."""
    launch, config = row.get("launch"), row.get("config")
    plain = isinstance(config, dict) and all(isinstance(own, _PLAIN) for own in cast("dict[str, Any]", config).values())
    return plain and isinstance(launch, dict) and launch.keys() >= _TOLD


_logs: dict[Path, Log] = {}


def log_of(kernel: Kernel) -> Log:
    """What was measured of a kernel, by this process or another."""
    file = file_of("measurements.jsonl", kernel)
    return _logs.setdefault(file, Log()).read_on(file)


def times_of(tuning: Tuning, places: Collection[int]) -> dict[int, float] | None:
    """Place -> time of each of some configurations, nan if it did not run; None: not all of them are known."""
    if len({tuning.keys[place] for place in places}) < len(places):
        return None  # of one text, which may differ in a hook: whose time it was is not known
    log, key = log_of(tuning.launch.kernel), tuning.launch.key
    known = {place: log.ms(key, tuning.keys[place]) for place in sorted(places)}
    found = {place: ms for place, ms in known.items() if ms is not None}
    return found if len(found) == len(known) else None


def fastest(tuning: Tuning, kept: list[int]) -> list[int]:
    """The fastest of those kept, if all of them were measured and one runs; else all of them."""
    running = {place: ms for place, ms in (times_of(tuning, kept) or {}).items() if not math.isnan(ms)}
    return [min(running, key=lambda n: running[n])] if running else kept


def write(launch: Launch, timings: Mapping[Config, Any]) -> None:
    """Append timings as Triton holds them, milliseconds, or median and quantiles; a time of 0 was not taken."""
    told, times = {"launch": launch.to_json(), "key": launch.key}, {own: _milliseconds(timings[own]) for own in timings}
    rows = [
        {**told, "config": config_words(config), "config_key": config_key(config), "ms": ms}
        for config, ms in times.items()
        if ms != 0
    ]
    if rows:
        append(file_of("measurements.jsonl", launch.kernel), rows)


class ReadLaunch(Protocol):
    """Reads the launch that an Autotuner is making, with its keyword arguments."""

    def __call__(self, autotuner: Any, keywords: Mapping[str, Any]) -> Launch: ...


class Recording:
    """Writes down what Triton measures, from now until `stop`; in a ``with`` statement, until its end.

    Args:
        read: Reads the launch of an Autotuner.
    """

    def __init__(self, read: ReadLaunch) -> None:
        import triton

        self._read = read
        self._warn = Once()
        knobs: Any = getattr(triton, "knobs", None)
        listens = hasattr(getattr(knobs, "autotuning", None), "listener") and not knobs.runtime.interpret
        self._owner: Any = knobs.autotuning if listens else triton.runtime.Autotuner
        self._name = "listener" if listens else "_bench"
        self._before: Any = getattr(self._owner, self._name)
        self._hook = (self._listener if listens else self._bench)(self._before)
        self._writes = True
        setattr(self._owner, self._name, self._hook)
        _recordings.append(self)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Write no more. Of several that are stopped in any order, nothing is left behind."""
        self._writes = False
        for own in reversed(_recordings.copy()):  # what was hooked in last is taken away first
            own._unhook()

    def _unhook(self) -> None:
        if not self._writes and getattr(self._owner, self._name) is self._hook:  # else another one calls it still
            setattr(self._owner, self._name, self._before)
            _recordings.remove(self)

    def _listener(self, before: Any) -> Callable[..., None]:
        def listener(**told: Any) -> None:
            if before is not None:
                before(**told)
            timings: Mapping[Config, Any] = told.get("configs_timings") or {}
            measured = len(timings) > 1 and not told.get("cache_hit")  # one alone need not be: see `benchmark_none`
            if measured and self._writes:
                self._write(calling_autotuner, timings)

        return listener

    def _bench(self, before: Any) -> Callable[..., Any]:
        @functools.wraps(before)
        def bench(autotuner: Any, *args: Any, config: Config, **meta: Any) -> Any:
            timing = before(autotuner, *args, config=config, **meta)
            if self._writes:
                self._write(lambda: (autotuner, meta), {config: timing})
            return timing

        return bench

    def _write(self, calling: Calling, timings: Mapping[Config, Any]) -> None:
        try:
            found = calling()
            if found is not None:
                write(self._read(*found), timings)
        except Exception as error:  # the user's tuning goes on
            self._warn("unwritten", f"prerank could not write down a timing: {error!r}")


_recordings: list[Recording] = []
"""Those that are hooked in, the newest last; one that has stopped stays as long as another is hooked in above it."""


def _milliseconds(timing: float | Sequence[float]) -> float | None:
    first = timing[0] if isinstance(timing, Sequence) else timing
    return float(first) if math.isfinite(first) else None
