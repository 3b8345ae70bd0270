"""Recording where Triton has a listener, which the tested version may lack."""

from __future__ import annotations

import json
from collections.abc import Sequence
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

    def run(self, *args: Any, times: Sequence[float] = (0.5, float("inf")), **kwargs: Any) -> None:
        self.nargs = dict(zip(self.arg_names, args, strict=False))
        timings = {config: [ms] * 3 for config, ms in zip(self.configs, times, strict=False)}
        told = {"fn": scale, "key": (8,), "best_config": self.configs[0], "duration": 1.0}
        self._knobs.listener(**told, configs_timings=timings, cache_hit=kwargs.pop("hit", False))


def scale(x: Any, n: int, BLOCK: int) -> None: ...  # noqa: N803


@pytest.fixture
def knobs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Those of a Triton with a listener, and an empty folder of timings."""
    found = SimpleNamespace(listener=None)
    monkeypatch.setattr(triton, "knobs", SimpleNamespace(autotuning=found, runtime=SimpleNamespace(interpret=False)))
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path))
    return found


def rows(folder: Path) -> list[dict[str, Any]]:
    files = (folder / "triton").glob("scale-*.measurements.jsonl")
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def test_what_is_told_of_one_configuration_or_took_no_time_is_no_timing(knobs: Any, tmp_path: Path) -> None:
    tuner = Autotuner(knobs)
    with rlm_prune.record():
        tuner.run(np.zeros(8), 8, times=[0.0])
        tuner.run(np.zeros(8), 8, times=[0.5])
        tuner.run(np.zeros(8), 8, times=[0.0, 0.0])
        assert rows(tmp_path) == []
        tuner.run(np.zeros(8), 8, times=[0.0, 0.5])
    assert [(row["config"]["BLOCK"], row["ms"]) for row in rows(tmp_path)] == [(64, 0.5)]


def test_timings_are_filed_under_the_current_device(
    knobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prerank.integrations.triton.device_name", lambda: "NVIDIA L4")
    tuner = Autotuner(knobs)
    with rlm_prune(device="NVIDIA H100").record():
        tuner.run(np.zeros(8), 8)
    assert {row["launch"]["device"] for row in rows(tmp_path)} == {"NVIDIA L4"}
    assert {row["launch"]["compiler"] for row in rows(tmp_path)} == {f"{triton.__version__} cuda:89"}


@pytest.mark.filterwarnings("error")
def test_timings_that_cannot_be_written_do_not_end_the_tuning(
    knobs: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path / "file"))
    tuner = Autotuner(knobs)
    with rlm_prune.record():
        tuner.run(np.zeros(8), 8)


def test_listeners_are_put_back_in_whatever_order_they_stop(knobs: Any, tmp_path: Path) -> None:
    first, second = rlm_prune.record(), rlm_prune.record()
    first.stop()
    Autotuner(knobs).run(np.zeros(8), 8)
    second.stop()
    assert knobs.listener is None
    assert len(rows(tmp_path)) == 2


def test_a_listener_is_chained_and_put_back(knobs: Any, tmp_path: Path) -> None:
    told: list[dict[str, Any]] = []

    def before(**event: Any) -> None:
        told.append(event)

    knobs.listener = before
    tuner = Autotuner(knobs)
    with rlm_prune.record():
        tuner.run(np.zeros(8), 8, grid=(1,), warmup=False)
        tuner.run(np.zeros(8), 8, grid=(1,), warmup=False, hit=True)
    assert knobs.listener is before
    tuner.run(np.zeros(8), 8, grid=(1,), warmup=False)
    assert len(told) == 3
    written = rows(tmp_path)
    assert [(row["config"]["BLOCK"], row["ms"]) for row in written] == [(32, 0.5), (64, None)]
    assert written[0]["launch"]["scalars"] == {"n": 8}
    assert written[0]["launch"]["tensors"]["x"]["dtype"] == "float64"
