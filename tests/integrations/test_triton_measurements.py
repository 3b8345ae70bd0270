"""What was measured, as it is read back from its file, and taught."""

from __future__ import annotations

import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fake_config import FakeConfig
from fake_surrogate import FakeSurrogate

from prerank.integrations import triton_measurements
from prerank.integrations.triton_cache import folder
from prerank.integrations.triton_config import config_key
from prerank.integrations.triton_experience import nearest, taught
from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tuning, identity, read_tuning
from prerank.integrations.triton_measurements import Measurement, fastest, log_of, write
from prerank.integrations.triton_reading import readings

KERNEL = Kernel("mine", ("n",), "def mine(n): ...")
LAUNCH = Launch(KERNEL, {}, {"n": 8}, "NVIDIA A100")


def block(size: int) -> FakeConfig:
    return FakeConfig({"BLOCK": size})


pytestmark = pytest.mark.usefixtures("own_cache")


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


def test_another_version_of_triton_settles_nothing_and_teaches_where_this_has_no_timings() -> None:
    old, new = replace(LAUNCH, compiler="3.6.0 cuda:80"), replace(LAUNCH, compiler="3.7.1 cuda:80")
    configs = [block(size) for size in (16, 32, 64, 128, 256)]
    places = list(range(5))
    write(old, {config: 1.0 + place for place, config in enumerate(configs)})
    assert fastest(Tuning(old, configs, {}), places) == [0]
    assert fastest(Tuning(new, configs, {}), places) == places
    assert [own.ms for own in nearest(new, log_of(KERNEL))] == [1.0, 2.0, 3.0, 4.0, 5.0]
    write(new, {config: 9.0 - place for place, config in enumerate(configs)})
    assert fastest(Tuning(new, configs, {}), places) == [4]
    assert [own.ms for own in nearest(new, log_of(KERNEL))] == [9.0, 8.0, 7.0, 6.0, 5.0]
    assert [own.ms for own in nearest(old, log_of(KERNEL))] == [1.0, 2.0, 3.0, 4.0, 5.0]


def test_timings_that_name_no_version_are_read_and_settle_nothing(tmp_path: Path) -> None:
    configs = [block(size) for size in (16, 32, 64, 128, 256)]
    write(LAUNCH, {config: 1.0 for config in configs})
    (file,) = tmp_path.rglob("*.jsonl")
    assert all("compiler" not in json.loads(line)["launch"] for line in file.read_text().splitlines())
    new = replace(LAUNCH, compiler="3.7.1")
    assert fastest(Tuning(new, configs, {}), [0, 1]) == [0, 1]
    assert len(nearest(new, log_of(KERNEL))) == 5


def test_each_measurement_is_told_apart_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Mapping[str, Any]] = []

    def noted(launch: Mapping[str, Any], counted: Any) -> Any:
        told.append(launch)
        return identity(launch, counted)

    monkeypatch.setattr(triton_measurements, "identity", noted)
    configs = [block(size) for size in (16, 32, 64, 128, 256)]
    for number in range(1, 4):
        write(replace(LAUNCH, scalars={"n": number}), {config: 1.0 for config in configs})
        write(replace(LAUNCH, scalars={"n": 1}), {configs[0]: float(number)})  # again: no new place
        assert len(nearest(LAUNCH, log_of(KERNEL))) == 5
        assert len(told) == 5 * number
    launches = log_of(KERNEL).launches(None)
    assert [[own.ms for own in measured] for measured in launches] == [[3.0, 1.0, 1.0, 1.0, 1.0], [1.0] * 5, [1.0] * 5]


def test_threads_read_each_row_once() -> None:
    configs = [block(size) for size in range(200)]
    write(LAUNCH, {config: 1.0 for config in configs})
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: log_of(KERNEL).ms(LAUNCH.key, config_key(configs[-1])), range(64)))
    assert set(found) == {1.0}
    assert len(log_of(KERNEL).measurements) == 200


def test_a_folder_that_cannot_be_read_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path / "file"))
    assert log_of(KERNEL).measurements == []
    assert fastest(Tuning(LAUNCH, [block(64)], {}), [0]) == [0]


def test_lines_of_another_form_are_left_out() -> None:
    write(LAUNCH, {block(64): 1.0, block(128): 2.0})
    (file,) = folder().glob("*.jsonl")
    whole = json.loads(file.read_text().splitlines()[0])
    broken = [
        {**whole, "ms": "fast"},
        {**whole, "ms": 10**400},
        {**whole, "launch": {}},
        {"version": 1},
        {**whole, "key": None},
    ]
    with file.open("a") as lines:
        lines.writelines(json.dumps(row) + "\n" for row in broken)
        lines.write("[" * 100_000 + "\n")
    write(LAUNCH, {block(256): 3.0})
    assert [own.ms for own in log_of(KERNEL).measurements] == [1.0, 2.0, 3.0]


def test_of_configurations_of_one_text_none_is_settled() -> None:
    """They may differ in a hook, and the text does not tell whose time it was."""
    configs = [block(64), block(64), block(128)]
    write(LAUNCH, {configs[1]: 1.0, configs[2]: 2.0})
    assert fastest(Tuning(LAUNCH, configs, {}), [0, 1, 2]) == [0, 1, 2]
    assert fastest(Tuning(LAUNCH, configs, {}), [1, 2]) == [1]


def test_numbers_that_are_keys_tell_launches_apart_whole_or_not() -> None:
    def of(**values: float) -> Launch:
        named = {"n": 8, "rate": 0.5, "seed": 1, "factor": 0.5, **values}
        kernel = Kernel("mine", tuple(named), constants=("factor",))
        return read_tuning(kernel, [block(64)], named, {}, "", keys=("n", "rate")).launch

    assert of().key == of(seed=2).key
    assert len({own.key for own in (of(), of(rate=0.25), of(factor=2.0), of(n=9))}) == 4
    assert of().counted == ("n", "rate", "factor")
