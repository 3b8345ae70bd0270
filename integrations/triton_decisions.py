"""What was decided for a launch: kept in the user's cache folder, so that it is decided once.

A decision holds the configurations as text, so that anybody can read why a kernel runs as it does, and their places,
since two of one text may differ in what a text does not tell: a hook. A launch that could not be read in full, or whose
configurations could not, has none.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any, cast

from ..surrogate.once import Once
from .triton_cache import Lines, append, file_of
from .triton_launch import Tuning


class Decisions:
    """Decisions by launch, configurations and whatever else they depend on; the last one counts."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines: defaultdict[Path, Lines] = defaultdict(Lines)
        self._written: defaultdict[Path, dict[str, list[int]]] = defaultdict(dict)
        self._unwritten: dict[tuple[Path, str], list[int]] = {}
        self._warn = Once()

    def find(self, tuning: Tuning, beside: str) -> list[int] | None:
        """Places of the configurations that were kept, best first; None: not decided yet.

        Args:
            tuning: The launch and its configurations.
            beside: What a decision depends on besides.
        """
        if not tuning.is_told:
            return None
        file, key = _file(tuning), _key(tuning, beside)
        with self._lock:
            places = self._read(file).get(key) or self._unwritten.get((file, key)) or []
        return list(places) if places and max(places) < len(tuning.configs) else None

    def add(self, tuning: Tuning, beside: str, kept: Sequence[int]) -> None:
        """Keep a decision; where the folder cannot be written, in memory alone."""
        if not tuning.is_told:
            return
        file, key, texts = _file(tuning), _key(tuning, beside), tuning.keys
        told = {"of": len(texts), "kept": [texts[place] for place in kept], "best": tuning.words[kept[0]]}
        row = {"launch": tuning.launch.to_json(), **told, "places": list(kept), "decision": key}
        try:
            append(file, [row])
        except Exception as error:  # a full disk, a folder that is read only, a lock that is held
            self._unwritten[file, key] = list(kept)
            self._warn("unwritten", f"prerank keeps its decisions in memory alone: {error!r}")

    def _read(self, file: Path) -> dict[str, list[int]]:
        """Places by decision: what the file holds by now, whoever has written it."""
        places = self._written[file]
        rows, anew = self._lines[file].read_on(file)
        if anew:
            places.clear()
        places.update({row["decision"]: row["places"] for row in rows if is_decision(row)})
        return places


def is_decision(row: Mapping[str, Any]) -> bool:
    """Whether a line says what was decided of a launch, in places from 0; anybody may have edited it."""
    places: Any = row.get("places")
    whole = isinstance(places, list) and all(type(place) is int and place >= 0 for place in cast("list[Any]", places))
    return whole and isinstance(row.get("decision"), str) and isinstance(row.get("launch"), dict)


def _file(tuning: Tuning) -> Path:
    return file_of("decisions.jsonl", tuning.launch.kernel)


def _key(tuning: Tuning, beside: str) -> str:
    return hashlib.sha256("\n".join([tuning.launch.key, beside, *tuning.keys]).encode()).hexdigest()[:24]
