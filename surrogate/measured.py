"""Measurements on disk: JSON lines, each with a context, a metric, a candidate and a value; null: the candidate failed.

A line may say more (``direction``, the name of a file, a median); it is kept. Lines are only ever appended, whole ones,
so that a file outlives the process that writes it.
"""

from __future__ import annotations

import gzip
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_KEYS = ("context", "metric", "candidate")


@dataclass(frozen=True)
class Measured:
    """One line.

    Args:
        context: What the candidate shares with others (see `Problem`).
        metric: What was measured.
        candidate: Its text.
        value: In the metric's units; nan: the candidate failed.
        more: Whatever else the line says.
    """

    context: str
    metric: str
    candidate: str
    value: float
    more: Mapping[str, Any] = field(default_factory=dict[str, Any], compare=False)

    @property
    def key(self) -> tuple[str, str, str]:
        """What was measured, without the outcome."""
        return self.context, self.metric, self.candidate

    def to_json(self) -> str:
        """The line, without its end."""
        value = self.value if math.isfinite(self.value) else None
        row = {"context": self.context, "metric": self.metric, "candidate": self.candidate, "value": value}
        return json.dumps(row | dict(self.more), ensure_ascii=False)


def read(path: Path) -> Iterator[Measured]:
    """The lines of a file, which may be compressed (``.gz``).

    Raises:
        ValueError: If a line is none, with its number. A last line that was cut short is passed over.
    """
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                yield _measured(json.loads(line))
            except (ValueError, TypeError, KeyError) as error:
                if not line.endswith("\n"):
                    return
                keys = '{"context": ..., "metric": ..., "candidate": ..., "value": number or null}'
                raise ValueError(f"{path}, line {number} is {line.strip()[:80]!r} ({error}); write {keys}") from error


def append(path: Path, rows: Iterable[Measured]) -> None:
    """Write lines to the end of a file, and to the disk, before returning."""
    content = "".join(row.to_json() + "\n" for row in rows).encode()
    with path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def mend(path: Path) -> None:
    """Cut off a last line that was not written whole; without a file, nothing."""
    if not path.exists():
        return
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def _measured(row: Mapping[str, Any]) -> Measured:
    missing = [key for key in (*_KEYS, "value") if key not in row]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    context, metric, candidate = (row[key] for key in _KEYS)
    if not all(isinstance(text, str) for text in (context, metric, candidate)):
        raise ValueError(f"{', '.join(_KEYS)} must be texts")
    value = math.nan if row["value"] is None else float(row["value"])
    more = {key: other for key, other in row.items() if key not in (*_KEYS, "value")}
    return Measured(context, metric, candidate, value, more)
