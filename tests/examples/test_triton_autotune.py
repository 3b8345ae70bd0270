"""The Triton example: a measured table replayed through the real Autotuner, and a product under the interpreter."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("triton")
EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    config = "BLOCK_SIZE_M={} BLOCK_SIZE_N=64 BLOCK_SIZE_K=32 GROUP_SIZE_M=8 num_stages={} num_warps=4"
    rows: list[dict[str, Any]] = [
        {
            "kernel": "triton_matmul_tutorial_fp16",
            "problem": "M=N=K=128",
            "config": config.format(m, stages),
            "ms": stages / m,
            "ok": int(stages < 5),
            "compile_time": 2.0,
        }
        for m in (16, 32, 64, 128)
        for stages in (2, 3, 5)
    ]
    file = tmp_path / "kernels" / "kernel_configs.csv.gz"
    file.parent.mkdir()
    pd.DataFrame(rows).to_csv(file, index=False)
    return file


def test_replayed_times_are_those_of_the_table(table: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    sys.path.append(str(EXAMPLES))
    example = importlib.import_module("triton_autotune")
    times = example.Times(pd.read_csv(table))
    blocks = {"BLOCK_SIZE_M": 64, "BLOCK_SIZE_N": 64, "BLOCK_SIZE_K": 32, "GROUP_SIZE_M": 8}
    runs, fails = (example.triton.Config(blocks, num_warps=4, num_stages=stages) for stages in (3, 5))
    kernel = example.product([runs, fails], None, times)
    kernel.nargs = {}
    assert kernel._bench(config=runs)[0] == pytest.approx(3 / 64)
    assert kernel._bench(config=fails)[0] == float("inf")
    assert times.seconds == pytest.approx(2 * 2.0 + 0.125)  # what fails is compiled and not benchmarked


def test_each_way_compiles_into_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.syspath_prepend(EXAMPLES)
    example: Any = importlib.import_module("triton_autotune")
    folders: list[Path] = []

    def multiply(kernel: Any, a: Any, b: Any) -> Any:
        folders.append(Path(os.environ["TRITON_CACHE_DIR"]))
        assert not list(folders[-1].iterdir())
        (folders[-1] / "compiled").touch()
        return a.float() @ b.float()

    monkeypatch.setattr(example, "multiply", multiply)
    monkeypatch.setattr(example, "product", lambda *_: SimpleNamespace(best_config=None))
    example.tune(16, lambda device: None)
    assert len(set(folders)) == 2
    assert not any(folder.exists() for folder in folders)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [["--replay", "--top-k", "3"], ["--size", "32", "--top-k", "3"]])
def test_the_example_runs(arguments: list[str], table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path / "cache"))
    where = ["--data", str(table.parents[1]), "--plot", str(tmp_path / "plot.png")]
    command = [sys.executable, str(EXAMPLES / "triton_autotune.py"), *arguments, *where]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if "--replay" in arguments:
        assert "128: rlm_prune: 3 benchmarked" in told
        assert (tmp_path / "plot.png").exists()
    else:
        assert told.count("largest error 0.0") == 2
