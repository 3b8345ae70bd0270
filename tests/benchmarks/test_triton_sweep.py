"""The sweep of our own Triton kernels, under the interpreter."""

from __future__ import annotations

import csv
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import triton_sweep

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


@pytest.mark.parametrize(("error", "written"), [("an illegal memory access was encountered", 1), ("", 2)])
def test_a_sweep_ends_where_the_gpu_answers_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str, written: int
) -> None:
    def fails(*_: Any) -> None:
        raise RuntimeError(error)

    add = SimpleNamespace(kernel=SimpleNamespace(__name__="add"))
    cases = [triton_sweep.Case(add, 4, 16, {"BLOCK": 16}, warps) for warps in (1, 2)]
    monkeypatch.setattr(triton_sweep, "cases", lambda _: cases)
    monkeypatch.setattr(triton_sweep, "measured", fails)
    monkeypatch.setattr(triton_sweep, "name_of", lambda _: "GPU")
    monkeypatch.setattr("torch.cuda.synchronize", fails if error else lambda: None)
    monkeypatch.setattr("sys.argv", ["triton_sweep.py", "--out", str(tmp_path / "sweep.csv")])
    with pytest.raises(SystemExit, match=f"{error}.*goes on") if error else nullcontext():
        triton_sweep.main()
    assert [row["ok"] for row in rows(tmp_path / "sweep.csv")] == ["0"] * written
