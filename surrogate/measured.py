"""Measurements on disk: JSON lines, each with a context, a metric, a candidate and a value; null: the candidate failed.

A line may say more (``direction``, the name of a file, a median); it is kept. Lines are only ever appended, whole ones,
so that a file outlives the process that writes it.
"""

from __future__ import annotations

import gzip
import json
import math
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_KEYS = ("context", "metric", "candidate")
_NO_ROW = (ValueError, TypeError, KeyError, OverflowError, RecursionError)  # what reading says of other lines
_BEGINNING = b'{"context": "'  # of the lines that are appended


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
        return json.dumps(row | dict(self.more))  # in ASCII: names of files may be no UTF-8


def read(path: Path) -> Iterator[Measured]:
    """The lines of a file, which may be compressed (``.gz``).

    Raises:
        ValueError: If a line is none, with its number, or the file is compressed and not whole. A last line that was
            cut short is passed over.
    """
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield from _rows(lines, path)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path} is no whole gzip file ({error}); copy or compress it again") from error


def append(path: Path, rows: Iterable[Measured]) -> None:
    """Write lines to the end of a file, and to the disk, before returning."""
    _write(path, "".join(row.to_json() + "\n" for row in rows).encode())


def mend(path: Path) -> None:
    """End a last line that lacks nothing else, and cut off one that was not written whole; without a file, nothing.

    Raises:
        ValueError: If lines cannot be added: the file is compressed, or ends with what is no part of a line.
    """
    if path.suffix == ".gz":
        raise ValueError(f"lines cannot be added to the compressed {path}; name a plain file, as in measured.jsonl")
    content = path.read_bytes() if path.exists() else b""
    whole = content.rfind(b"\n") + 1
    last = content[whole:]
    if not last.strip():
        return
    if _is_row(last):
        _write(path, b"\n")
    elif _is_cut_short(last):
        os.truncate(path, whole)
    else:
        raise ValueError(f"{path} ends with {last[:80]!r}, which is no measurement; remove it, or name another file")


def _rows(lines: Iterable[bytes], path: Path) -> Iterator[Measured]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield _measured(line)
        except _NO_ROW as error:
            if not line.endswith(b"\n") and _is_cut_short(line):
                return
            said = line.decode(errors="replace").strip()[:80]
            keys = '{"context": ..., "metric": ..., "candidate": ..., "value": number or null}'
            raise ValueError(f"{path}, line {number} is {said!r} ({error}); write {keys}") from error


def _write(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _is_cut_short(line: bytes) -> bool:
    """Whether a last line that is no row begins as one."""
    return line[: len(_BEGINNING)] == _BEGINNING[: len(line)]


def _is_row(line: bytes) -> bool:
    try:
        _measured(line)
    except _NO_ROW:
        return False
    return True


def _measured(line: bytes) -> Measured:
    row: Mapping[str, Any] = json.loads(line.decode("utf-8-sig"))
    missing = [key for key in (*_KEYS, "value") if key not in row]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    context, metric, candidate = (row[key] for key in _KEYS)
    if not all(isinstance(text, str) for text in (context, metric, candidate)):
        raise ValueError(f"{', '.join(_KEYS)} must be texts")
    value = math.nan if row["value"] is None else row["value"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the value is {value!r}")
    more = {key: other for key, other in row.items() if key not in (*_KEYS, "value")}
    return Measured(context, metric, candidate, float(value), more)
