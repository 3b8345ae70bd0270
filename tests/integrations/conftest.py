"""What tests begin with: of the command line models and measured rows, of Triton a cache of their own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import optuna
import pytest
from command_line_calls import FakeSurrogate, network

from prerank.integrations.triton_decisions import Decisions
from prerank.surrogate import RLMSurrogate
from prerank.surrogate.measured import Measured, append

optuna.logging.set_verbosity(optuna.logging.ERROR)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeSurrogate:
    surrogate = FakeSurrogate()
    monkeypatch.setattr(RLMSurrogate, "load", lambda *_, **__: surrogate)
    return surrogate


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three models and one broken file."""
    models = tmp_path / "models"
    models.mkdir()
    for width in (8, 64, 512):
        network(models / f"{width}.onnx", width)
    (models / "broken.onnx").write_bytes(b"\x08garbage")
    return models


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Measured texts whose value is the logarithm of what one of their fields says."""
    path, rng = tmp_path / "rows.jsonl", np.random.default_rng(0)
    sizes = rng.permutation(np.arange(10, 70)).tolist()
    append(path, [Measured("net", "latency_ms", f"net width={n} params_m={n % 7 + 1}", 0.1 * n**2) for n in sizes])
    return path


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions and timings are kept in the folder of the test."""
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path))


@pytest.fixture
def interpreted(own_cache: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Triton's interpreter launches, nothing is decided yet, and no switch of the user's is set."""
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    for name in ("PRERANK_PRUNE", "PRERANK_EXPLAIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("prerank.integrations.triton_pruning._decisions", Decisions())


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Torch runs on two threads."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    assert torch.get_num_threads() == 2
    torch.set_num_threads(before)
