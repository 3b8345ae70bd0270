"""A table of NAS-Bench-101 that stands in for training: every cell has the accuracy of the row nearest to it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prerank.search_spaces import nas_bench_101
from prerank.search_spaces.nas_bench_101 import PARAMETERS, Cell

REMEDY = "a line is a JSON object with hash, adjacency, ops, val_acc_108 (a fraction) and split"


@dataclass(frozen=True)
class CellTable:
    """R rows in the order of their hashes.

    Args:
        texts: Cells as the surrogate reads them.
        choices: Their parameters, each as its place among `PARAMETERS`' choices, (26, R): numpy is quick along rows.
        accuracy: Validation accuracy after 108 epochs, (R,).
    """

    texts: list[str]
    choices: NDArray[np.uint8]
    accuracy: NDArray[np.float64]

    def nearest(self, cell: Cell) -> int:
        """The row with the fewest parameters that differ from a cell's, the first of equals."""
        return int((self.choices != choices(cell)[:, None]).sum(axis=0, dtype=np.uint8).argmin())

    def to_text(self, params: Mapping[str, Any]) -> str | None:
        """Text of the row that parameters stand for; None: no valid cell."""
        cell = nas_bench_101.from_params(params)
        return None if cell is None else self.texts[self.nearest(cell)]


def read(path: Path) -> CellTable:
    """The rows with ``split=test`` of gzipped JSON lines.

    Raises:
        ValueError: If a line is no row of NAS-Bench-101, or none is a test row.
    """
    rows: dict[str, tuple[Cell, float]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                record = json.loads(line)
                if record["split"] == "test":
                    rows[record["hash"]] = nas_bench_101.from_record(record), _accuracy(record)
            except (ValueError, KeyError, TypeError) as error:
                raise ValueError(f"{path}, line {number}: {error!r}; {REMEDY}") from error
    if not rows:
        raise ValueError(f"{path} has no row with split 'test'; {REMEDY}")
    cells, accuracy = zip(*(rows[key] for key in sorted(rows)), strict=True)
    texts = [nas_bench_101.to_text(cell) for cell in cells]
    return CellTable(texts, np.stack([choices(cell) for cell in cells], axis=1), np.array(accuracy))


def choices(cell: Cell) -> NDArray[np.uint8]:
    """Each parameter of a cell as its place among the choices, (26,)."""
    params = nas_bench_101.to_params(cell)
    return np.array([options.index(params[name]) for name, options in PARAMETERS.items()], dtype=np.uint8)


def _accuracy(record: Mapping[str, Any]) -> float:
    accuracy = float(record["val_acc_108"])
    if not 0 <= accuracy <= 1:
        raise ValueError(f"val_acc_108 is {accuracy}")
    return accuracy
