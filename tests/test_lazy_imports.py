"""Importing a package loads no heavy library, and importing a host module loads its own host alone."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = {path.stem for path in (ROOT / "integrations").glob("*.py")} - {"__init__"}
HOSTS = sorted(stem for stem in FILES if not any(stem.startswith(f"{other}_") for other in FILES))
HEAVY = {"torch", "transformers", "optuna", "triton", "nni", "onnx", "onnxruntime", "scipy", "networkx", "sklearn"}


def loaded_by(module: str, folder: Path, code: str = "pass") -> set[str]:
    """The names in `sys.modules` after a fresh interpreter, away from the checkout, imported `module` and ran code."""
    command = [sys.executable, "-c", f"import sys, {module}; {code}; print(*sys.modules)"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return set(run.stdout.split())


@pytest.mark.parametrize("door", ["prerank", "prerank.surrogate", "prerank.search_spaces", "prerank.integrations"])
def test_door_loads_nothing_heavy(door: str, tmp_path: Path) -> None:
    assert not loaded_by(door, tmp_path) & HEAVY


@pytest.mark.parametrize("host", HOSTS)
def test_host_module_loads_its_host_and_no_torch(host: str, tmp_path: Path) -> None:
    loaded = loaded_by(f"prerank.integrations.{host}", tmp_path)
    assert "torch" not in loaded
    assert host in loaded or find_spec(host) is None or host == "command_line"  # which is no library
    assert not loaded & set(HOSTS) - {host}


@pytest.mark.parametrize(
    "code", ["load()", "load().knowledge", "load().fork().trust(prerank.surrogate.Problem('', 'm'))"]
)
def test_what_needs_no_weights_loads_nothing_heavy(code: str, tmp_path: Path) -> None:
    loaded = loaded_by("prerank.surrogate", tmp_path, f"prerank.surrogate.RLMSurrogate.{code}")
    assert not loaded & HEAVY


def test_a_cold_start_waits_for_no_library_that_it_does_not_need(tmp_path: Path) -> None:
    code = (
        "s, n = prerank.surrogate, prerank.search_spaces.nas_bench_101; "
        "cells = n.sample(numpy.random.default_rng(0), 3); "
        "s.rank(s.RLMSurrogate.load(backend='onnxruntime'), n.problem(), cells, n.to_text)"
    )
    loaded = loaded_by("numpy, prerank.surrogate, prerank.search_spaces.nas_bench_101", tmp_path, code)
    assert "onnxruntime" in loaded
    assert not loaded & (HEAVY - {"onnxruntime"})
