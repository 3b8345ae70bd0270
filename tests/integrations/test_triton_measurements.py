"""What was measured, as it is read back from its file, and taught."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fake_config import FakeConfig
from fake_surrogate import FakeSurrogate

from prerank.integrations.triton_experience import nearest, taught
from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tuning, config_key
from prerank.integrations.triton_measurements import Measurement, fastest, log_of, write
from prerank.integrations.triton_reading import readings

KERNEL = Kernel("mine", ("n",), "def mine(n): ...")
LAUNCH = Launch(KERNEL, {}, {"n": 8}, "NVIDIA A100")


def block(size: int) -> FakeConfig:
    return FakeConfig({"BLOCK": size})


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path))


def test_a_configuration_measured_again_counts_once_with_its_new_time() -> None:
    for ms in (5.0, 4.0, 3.0, 2.0, 1.0):
        write(LAUNCH, {block(64): ms})
    assert [measured.ms for measured in log_of(KERNEL).measurements] == [1.0]
    assert log_of(KERNEL).ms(LAUNCH.key, config_key(block(64))) == 1.0
    assert nearest(LAUNCH, log_of(KERNEL)) == []  # one configuration teaches nothing


def test_of_configurations_of_one_text_the_fastest_is_taught() -> None:
    times = {"fp16": 2.0, "float16": 1.0, "FP16": float("nan")}
    configs: dict[str, dict[str, Any]] = {kind: {"BLOCK": 64, "OUT": kind} for kind in times}
    measured = [Measurement(LAUNCH.to_json(), configs[kind], ms) for kind, ms in times.items()]
    surrogate: Any = FakeSurrogate()
    like = readings(LAUNCH, list(configs.values()))[0]
    taught(surrogate, KERNEL, measured, like)
    assert surrogate.values == {like.to_text(configs["fp16"]): 1.0}


def test_a_file_made_anew_is_read_from_its_start(tmp_path: Path) -> None:
    configs = [block(64), block(128)]
    tuning = Tuning(LAUNCH, configs, {})
    write(LAUNCH, {configs[0]: 1.0, configs[1]: 2.0})
    assert fastest(tuning, [0, 1]) == [0]
    (file,) = tmp_path.rglob("*.jsonl")
    file.unlink()
    write(LAUNCH, {configs[1]: 0.5})
    assert fastest(tuning, [0, 1]) == [0, 1]
    file.unlink()
    write(LAUNCH, {configs[0]: 2.5, configs[1]: 1.5, block(256): 1.0})  # longer than what was read before
    assert fastest(tuning, [0, 1]) == [1]
    file.unlink()
    assert log_of(KERNEL).measurements == []
