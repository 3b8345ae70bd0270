"""The sweep of our own Triton kernels, under the interpreter."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")
SWEEP = Path(__file__).parents[2] / "benchmarks" / "triton_sweep.py"


def rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.slow
def test_every_kernel_computes_what_torch_does_and_a_stopped_sweep_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "sweep.csv"
    command = [sys.executable, str(SWEEP), "--interpret", "--out", str(file)]
    subprocess.run(command, capture_output=True, check=True)
    whole = rows(file)
    assert len({row["kernel"] for row in whole}) == 12
    assert {row["ok"] for row in whole} == {"1"}
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-3]))
    subprocess.run(command, capture_output=True, check=True)
    assert [row["config"] for row in rows(file)] == [row["config"] for row in whole]
