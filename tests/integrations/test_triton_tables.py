"""Decisions that are exported and read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_config import FakeConfig

from prerank.integrations.triton_decisions import Decisions
from prerank.integrations.triton_launch import Kernel, Launch, Tuning
from prerank.integrations.triton_tables import export, read_table


def block(size: int) -> FakeConfig:
    return FakeConfig({"BLOCK": size, "RATE": 0.5, "MODE": "none of both"})


def test_an_unmeasured_decision_comes_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path))
    launch = Launch(Kernel("mine", ("n",)), {}, {"n": 8}, "NVIDIA A100")
    configs = [block(64), block(128)]
    Decisions().add(Tuning(launch, configs, {}), "", [1, 0])
    (file,) = export(tmp_path / "table.json")
    assert read_table(file).find(launch, configs) == 1
