"""The user's cache folder: files that several processes write, whole or not at all.

`PRERANK_CACHE` names the folder; else it is where the system keeps caches.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from .triton_kernel import Kernel

VERSION = 1
"""Of all files; those of another version are not read."""
_TELLING = 128  # bytes at the end of what was read that tell a file from another in its place


def folder() -> Path:
    """Where the files lie."""
    named = os.environ.get("PRERANK_CACHE")
    if named:
        return Path(named) / "triton"
    from platformdirs import user_cache_path

    return user_cache_path("prerank") / "triton"


def file_of(kind: str, kernel: Kernel) -> Path:
    """A kernel's own file; a changed source is another kernel."""
    name = re.sub(r"\W", "_", kernel.name)[:80]
    return folder() / f"{name}-{kernel.digest}.{kind}"


@contextmanager
def _locked(file: Path) -> Generator[None]:
    """Alone among all processes that write this file."""
    from filelock import FileLock

    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=10):
        yield


def append(file: Path, rows: list[dict[str, Any]]) -> None:
    """Append rows as JSON lines; a line that a crash left unfinished is closed first."""
    text = "".join(json.dumps({"version": VERSION, **row}) + "\n" for row in rows)
    with _locked(file), file.open("ab+") as lines:
        if lines.tell():
            lines.seek(-1, os.SEEK_END)
            text = text if lines.read(1) == b"\n" else "\n" + text
        lines.write(text.encode())
        lines.flush()
        os.fsync(lines.fileno())


class Lines:
    """Rows of a file that others append to, each read once."""

    def __init__(self) -> None:
        self._offset, self._last = 0, b""
        self._stamp: tuple[int, ...] = ()

    def read_on(self, file: Path) -> tuple[list[dict[str, Any]], bool]:
        """Rows appended since, and whether they are all there are, since the file is another one than before."""
        stamp = _stamp(file)  # before it is read: what is appended meanwhile makes another one
        if stamp == self._stamp:
            return [], False
        self._stamp = stamp
        anew = _bytes_before(file, self._offset, _TELLING) != self._last
        rows, self._offset = lines_from(file, 0 if anew else self._offset)
        self._last = _bytes_before(file, self._offset, _TELLING)
        return rows, anew


def _stamp(file: Path) -> tuple[int, ...]:
    """Another one for each state of a file; empty if there is none."""
    try:
        found = file.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns


def lines_from(file: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Rows of this version from an offset on, and the offset behind them; none if the file cannot be read."""
    try:
        with file.open("rb") as lines:
            lines.seek(offset)
            text = lines.read()
    except OSError:
        return [], 0
    whole = text[: text.rfind(b"\n") + 1]
    found = [row for line in whole.splitlines() if (row := _row(line)) is not None]
    return found, offset + len(whole)


def _bytes_before(file: Path, offset: int, most: int) -> bytes:
    """The last bytes before an offset; none if the file cannot be read."""
    start = max(offset - most, 0)
    try:
        with file.open("rb") as lines:
            lines.seek(start)
            return lines.read(offset - start)
    except OSError:
        return b""


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):  # thousands of brackets
        return None
    found = cast("dict[str, Any]", row if isinstance(row, dict) else {})
    return found if found.get("version") == VERSION else None
