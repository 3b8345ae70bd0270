"""Recording where Triton has a listener, which the tested version may lack."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

triton = pytest.importorskip("triton")

from prerank.integrations.triton import rlm_prune  # noqa: E402


class Autotuner:
    """Calls the listener as Triton 3.9 does at the end of `run`."""

    def __init__(self, knobs: Any) -> None:
        self.configs = [triton.Config({"BLOCK": 2**n}) for n in (5, 6)]
        self.arg_names, self.fn, self.nargs = ["x", "n"], scale, {}
        self.early_config_prune = self.prune_configs = None
        self._knobs = knobs

    def run(self, *args: Any, **kwargs: Any) -> None:
        self.nargs = dict(zip(self.arg_names, args, strict=False))
        timings = dict(zip(self.configs, ([0.5] * 3, [float("inf")] * 3), strict=True))
        told = {"fn": scale, "key": (8,), "best_config": self.configs[0], "duration": 1.0}
        self._knobs.listener(**told, configs_timings=timings, cache_hit=kwargs.pop("hit", False))


def scale(x: Any, n: int, BLOCK: int) -> None: ...  # noqa: N803


def test_a_listener_is_chained_and_put_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []

    def before(**event: Any) -> None:
        told.append(event)

    knobs = SimpleNamespace(listener=before)
    monkeypatch.setattr(triton, "knobs", SimpleNamespace(autotuning=knobs, runtime=SimpleNamespace(interpret=False)))
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path))
    tuner = Autotuner(knobs)
    with rlm_prune.record():
        tuner.run(np.zeros(8), 8, grid=(1,), warmup=False)
        tuner.run(np.zeros(8), 8, grid=(1,), warmup=False, hit=True)
    assert knobs.listener is before
    tuner.run(np.zeros(8), 8, grid=(1,), warmup=False)
    assert len(told) == 3
    (log,) = (tmp_path / "triton").glob("scale-*.jsonl")
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(row["config"]["BLOCK"], row["ms"]) for row in rows] == [(32, 0.5), (64, None)]
    assert rows[0]["launch"]["scalars"] == {"n": 8}
    assert rows[0]["launch"]["tensors"]["x"]["dtype"] == "float64"
