"""The example with NNI: both strategies train as many networks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "nni_strategy.py"


@pytest.mark.slow
def test_both_strategies_train(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE), "--models", "2"]
    home = os.environ | {"HOME": str(tmp_path)}  # NNI keeps a list of experiments there
    run = subprocess.run(command, cwd=tmp_path, env=home, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("trained a network") == 4
    assert "best of RLMStrategy" in run.stdout
