"""A row of a measured table, the folder of the tables, and which rows are kept for tests."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from prerank.surrogate import Row

FOLDER = Path(os.environ.get("PRERANK_DATA", Path(__file__).parents[2] / "shared" / "data"))


@dataclass(frozen=True)
class Measured:
    """A row of a table.

    Args:
        row: What was measured.
        test: Whether the protocols keep it for tests.
        group: What it has in common with rows that say nearly the same: cells that compute alike, a shape on any
            device. Whole groups choose the weights. Empty: it is a group of its own.
    """

    row: Row
    test: bool
    group: str = ""


def table_file(folder: Path, name: str) -> Path:
    """Where a table lies.

    Raises:
        FileNotFoundError: If it does not.
    """
    file = folder / name
    if not file.exists():
        raise FileNotFoundError(f"there is no {file}; set PRERANK_DATA to the folder of the tables (see TABLES.md)")
    return file


def is_test(key: str) -> bool:
    """Whether an architecture, of a table without splits, is kept for tests."""
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % 10 == 0
