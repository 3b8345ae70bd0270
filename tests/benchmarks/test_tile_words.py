"""Whether the two trainings differ in what they read, and in nothing else."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import tile_words

from prerank.search_spaces import kernel_configs
from prerank.surrogate import Row, Training, table

CONTEXT = kernel_configs.problem("triton_mm", "NVIDIA A100", "m=500 n=64 k=64").context
ROWS = [Row(CONTEXT, (f"block_m={block} block_n=32",), {"slowdown": 1 + block / 64}) for block in (16, 32, 64)]


def test_one_reads_tiles_and_the_other_texts_as_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def run(self: Training, model: Any, table_: Any, validate: Any = None) -> None:
        read.append(vars(table)["with_tiles"](CONTEXT, ROWS[0].texts[0]))

    monkeypatch.setattr(Training, "run", run)
    monkeypatch.setattr(tile_words, "shapes", lambda data: (ROWS, {CONTEXT: ROWS}))
    monkeypatch.setattr(tile_words, "LINES", ("triton matmul",))
    monkeypatch.setattr(sys, "argv", ["", "--steps", "1", "--out", str(tmp_path / "out.json")])
    tile_words.main()
    assert ["tiles_m" in text for text in read] == [True, False]
    frame = next(iter(tile_words.tables(json.loads((tmp_path / "out.json").read_text())).values()))
    assert list(frame["read"]) == ["as written", "tiles"]
    assert "tiles_m" in vars(table)["with_tiles"](CONTEXT, ROWS[0].texts[0])  # as before
