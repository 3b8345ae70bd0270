"""What was decided for a launch: kept in memory and in the user's cache folder, so that it is decided once.

A decision holds the configurations as text, so that anybody can read why a kernel runs as it does, and their places,
since two of one text may differ in what a text does not tell: a hook, a function.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .triton_cache import add_entries, file_of, read_entries
from .triton_launch import Tuning


class Decisions:
    """Decisions by launch, configurations and whatever else they depend on."""

    def __init__(self) -> None:
        self._files: dict[Path, tuple[int, dict[str, Any]]] = {}
        self._warned = False

    def find(self, tuning: Tuning, beside: str) -> list[int] | None:
        """Places of the configurations that were kept, best first; None: not decided yet.

        Args:
            tuning: The launch and its configurations.
            beside: What a decision depends on besides.
        """
        file = file_of("decisions.json", tuning.launch.kernel)
        entry = self._entries(file).get(_key(tuning, beside), {})
        return list(entry["places"]) if "places" in entry else None

    def add(self, tuning: Tuning, beside: str, kept: Sequence[int]) -> None:
        """Keep a decision; where the folder cannot be written, in memory alone."""
        file, keys = file_of("decisions.json", tuning.launch.kernel), tuning.keys
        told = {"kept": [keys[place] for place in kept], "best": tuning.words[kept[0]]}
        entry = {"launch": tuning.launch.to_json(), "of": len(keys), "places": list(kept), **told}
        new = {_key(tuning, beside): entry}
        self._files[file] = (_stamp(file), self._entries(file) | new)
        try:
            add_entries(file, new)
        except Exception as error:  # a full disk, a folder that is read only, a lock that is held
            if not self._warned:
                warnings.warn(f"prerank keeps its decisions in memory alone: {error!r}", stacklevel=2)
            self._warned = True
            return
        self._files[file] = (_stamp(file), self._files[file][1])

    def _entries(self, file: Path) -> dict[str, Any]:
        """What the file holds, read again if another process has written it."""
        stamp = _stamp(file)
        if file not in self._files or self._files[file][0] != stamp:
            known = self._files.get(file, (0, {}))[1]
            self._files[file] = (stamp, known | read_entries(file))
        return self._files[file][1]


def _stamp(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _key(tuning: Tuning, beside: str) -> str:
    return hashlib.sha256("\n".join([tuning.launch.key, beside, *tuning.keys]).encode()).hexdigest()[:24]
