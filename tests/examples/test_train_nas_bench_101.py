"""The training command on a handful of rows."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prerank.search_spaces import nas_bench_101
from prerank.surrogate import RLMSurrogate

SCRIPT = Path(__file__).parents[2] / "examples" / "train_nas_bench_101.py"
METRICS = ("val_acc_4", "val_acc_12", "val_acc_36", "val_acc_108", "params", "train_seconds_108")


def records(n: int) -> list[dict[str, Any]]:
    cells = nas_bench_101.sample(np.random.default_rng(0), n)
    return [
        {"adjacency": cell.adjacency, "ops": cell.ops, "split": "train"}
        | {name: 0.5 + number / n / 3 for name in METRICS}
        for number, cell in enumerate(cells)
    ]


def train(folder: Path, lines: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    with gzip.open(folder / "table.jsonl.gz", "wt") as table:
        table.writelines(json.dumps(line) + "\n" for line in lines)
    command = [sys.executable, str(SCRIPT), str(folder / "table.jsonl.gz"), "--steps", "1"]
    command += ["--out", str(folder / "out"), "--run", str(folder / "run")]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
def test_it_writes_a_checkpoint_and_a_log(tmp_path: Path) -> None:
    done = train(tmp_path, records(1020))
    assert done.returncode == 0, done.stderr
    surrogate = RLMSurrogate.load(tmp_path / "out")
    assert surrogate.provenance["rows"] == 20
    assert np.isfinite(surrogate.predict(nas_bench_101.problem(), ["input conv3x3<0 output<1"]).mean).all()
    assert json.loads((tmp_path / "run" / "log.jsonl").read_text())["step"] == 1


def test_a_bad_row_is_named(tmp_path: Path) -> None:
    rows = records(3)
    del rows[1]["params"]
    assert "line 2: KeyError('params'); a line is a JSON object with" in train(tmp_path, rows).stderr
