"""The example on ONNX latency runs as a user would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "examples" / "onnx_latency.py"


@pytest.mark.slow
def test_it_predicts_measures_and_draws(tmp_path: Path) -> None:
    plot = tmp_path / "latency.png"
    command = [sys.executable, str(SCRIPT), "--seconds", "0", "--plot", str(plot)]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert "perceptron 128" in run.stdout
    assert run.stdout.count("learnt") == 10
    assert run.stdout.count("Spearman") == 2
    assert plot.read_bytes().startswith(b"\x89PNG")
