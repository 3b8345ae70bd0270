"""The user's cache folder: files that several processes write, whole or not at all.

`PRERANK_CACHE` names the folder; else it is where the system keeps caches.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from .triton_kernel import Kernel

VERSION = 1
"""Of all files; those of another version are not read."""


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
def locked(file: Path) -> Generator[None]:
    """Alone among all processes that write this file."""
    from filelock import FileLock

    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock", timeout=10):
        yield


def append(file: Path, rows: list[dict[str, Any]]) -> None:
    """Append rows as JSON lines; a line that a crash left unfinished is closed first."""
    text = "".join(json.dumps({"version": VERSION, **row}) + "\n" for row in rows)
    with locked(file), file.open("ab+") as lines:
        if lines.tell():
            lines.seek(-1, os.SEEK_END)
            text = text if lines.read(1) == b"\n" else "\n" + text
        lines.write(text.encode())
        lines.flush()
        os.fsync(lines.fileno())


def lines_from(file: Path, offset: int) -> tuple[list[dict[str, Any]], int]:
    """Rows from an offset on, and the offset behind them; what is no row of this version is passed over."""
    try:
        with file.open("rb") as lines:
            lines.seek(offset)
            text = lines.read()
    except FileNotFoundError:
        return [], 0
    whole = text[: text.rfind(b"\n") + 1]
    found = [row for line in whole.splitlines() if (row := _row(line)) is not None]
    return found, offset + len(whole)


def bytes_before(file: Path, offset: int, most: int) -> bytes:
    """The last bytes before an offset; none if there is no file."""
    start = max(offset - most, 0)
    try:
        with file.open("rb") as lines:
            lines.seek(start)
            return lines.read(offset - start)
    except FileNotFoundError:
        return b""


def read_entries(file: Path) -> dict[str, Any]:
    """Entries of a JSON file; none if it is missing, damaged or of another version."""
    try:
        found: Any = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found["entries"] if _is_current(found) else {}


def add_entries(file: Path, entries: Mapping[str, Any]) -> None:
    """Add entries to a JSON file, in one step that a crash cannot cut in two."""
    with locked(file):
        both = {"version": VERSION, "entries": read_entries(file) | dict(entries)}
        part = file.with_name(f"{file.name}.{os.getpid()}")
        part.write_text(json.dumps(both, indent=1) + "\n", "utf-8")
        part.replace(file)


def _row(line: bytes) -> dict[str, Any] | None:
    try:
        row: Any = json.loads(line)
    except ValueError:
        return None
    return row if _is_current(row) else None


def _is_current(found: Any) -> bool:
    """Whether something read is of this version."""
    return isinstance(found, dict) and cast("dict[str, Any]", found).get("version") == VERSION
