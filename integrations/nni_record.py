"""Results of trials that a tuner was told, kept in its experiment's folder.

NNI itself only keeps a list of jobs, which may have the parameters of trials that began together exchanged, and hands
that list to a tuner that is resumed.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple, cast

import nni

from ..surrogate.atomic import write_whole
from .nni_question import as_number

_logger = logging.getLogger("nni.prerank")
_FILE = "prerank_trials.json"


class Origin(IntEnum):
    """Where a result is from; a greater one is believed before a smaller one."""

    JOBS = 0  # NNI's list of jobs
    IMPORT = 1  # a list that somebody made, or a trial of before a resume, which NNI pairs rightly
    TRIAL = 2


class TrialResult(NamedTuple):
    """What a trial with some parameters came to; the value is nan where it failed, the job NNI's name of the trial."""

    parameters: Mapping[str, Any]
    value: float
    origin: Origin
    job: str | None = None


def imported(entry: Any) -> TrialResult | None:
    """An entry of an imported list, a dict or such as JSON; None if it has no parameters or no value."""
    read = _loaded(entry)
    if not isinstance(read, Mapping) or not {"parameter", "value"} <= read.keys():
        return None
    found = cast(Mapping[str, Any], read)
    parameters, job = _loaded(found["parameter"]), found.get("trialJobId")
    if not isinstance(parameters, Mapping):
        return None
    origin = Origin.IMPORT if job is None else Origin.JOBS
    return TrialResult(cast(Mapping[str, Any], parameters), as_number(found["value"]), origin, job)


def save(folder: Path, results: Iterable[TrialResult]) -> None:
    """Keep the results, as a list that NNI imports; a disk that is full does not end a search."""
    lines = dict.fromkeys(nni.dump(_entry(result)) for result in results)  # NNI hands out imports anew at each resume
    try:
        write_whole(folder / _FILE, "[\n{}\n]\n".format(",\n".join(lines)).encode())
    except OSError as error:
        _logger.warning("the results so far could not be written (%r)", error)


def load(folder: Path) -> list[TrialResult]:
    """The results kept; none where there is no file, or one that cannot be read, which the log says."""
    path = folder / _FILE
    if not path.exists():
        return []
    try:
        return [_kept(entry) for entry in cast(list[dict[str, Any]], nni.load(path.read_text("utf-8")))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        _logger.warning("%s cannot be read (%r); the search goes on with what NNI knows", path, error)
        return []


def _entry(result: TrialResult) -> dict[str, Any]:
    value = result.value if math.isfinite(result.value) else None  # JSON has no nan
    entry = {"parameter": dict(result.parameters), "value": value, "source": result.origin.name}
    return entry if result.job is None else entry | {"trialJobId": result.job}


def _kept(entry: Mapping[str, Any]) -> TrialResult:
    value = math.nan if entry["value"] is None else float(entry["value"])
    return TrialResult(entry["parameter"], value, Origin[entry["source"]], entry.get("trialJobId"))


def _loaded(entry: Any) -> Any:
    """What a text says as JSON, None if it is none; anything else as it is."""
    if not isinstance(entry, str):
        return entry
    try:
        return nni.load(entry)
    except ValueError:
        return None
