"""Decisions that are exported and read back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from prerank.integrations.triton_decisions import Decisions
from prerank.integrations.triton_launch import Kernel, Launch, Tuning
from prerank.integrations.triton_tables import export, read_table


@dataclass(frozen=True)
class Config:
    block: int
    num_warps: int = 4
    num_stages: int = 3
    pre_hook: None = None

    @property
    def kwargs(self) -> dict[str, Any]:
        return {"BLOCK": self.block, "RATE": 0.5, "MODE": "none of both"}

    def all_kwargs(self) -> dict[str, Any]:
        return self.kwargs


def test_an_unmeasured_decision_comes_back_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path))
    launch = Launch(Kernel("mine", ("n",)), {}, {"n": 8}, "NVIDIA A100")
    configs = [Config(64), Config(128)]
    Decisions().add(Tuning(launch, configs, {}), "", [1, 0])
    (file,) = export(tmp_path / "table.json")
    assert read_table(file).find(launch, configs) == 1
