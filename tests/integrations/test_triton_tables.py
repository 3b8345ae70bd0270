"""Decisions that are exported and read back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from fake_config import FakeConfig

from prerank.integrations.triton_cache import VERSION, folder
from prerank.integrations.triton_decisions import Decisions
from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tuning
from prerank.integrations.triton_measurements import write
from prerank.integrations.triton_tables import export, read_table

LAUNCH = Launch(Kernel("mine", ("n",)), {}, {"n": 8}, "NVIDIA A100")


pytestmark = pytest.mark.usefixtures("own_cache")


def block(size: int, **beside: int) -> FakeConfig:
    return FakeConfig({"BLOCK": size, "RATE": 0.5, "MODE": "none of both", **beside})


def exported(path: Path, configs: list[FakeConfig], kept: list[int]) -> Path:
    """The table of one decision."""
    Decisions().add(Tuning(LAUNCH, configs, {}), "", kept)
    (file,) = export(path)
    return file


def test_an_unmeasured_decision_comes_back_as_it_was(tmp_path: Path) -> None:
    configs = [block(64), block(128)]
    file = exported(tmp_path / "table.json", configs, [1, 0])
    assert read_table(file).find(LAUNCH, configs) == 1
    assert read_table(file).find(replace(LAUNCH, unread=("activation",)), configs) is None


def test_a_configuration_is_taken_for_itself_though_another_says_more(tmp_path: Path) -> None:
    configs = [block(64, maxnreg=64), block(64), block(64, maxnreg=32)]
    for place in range(3):
        file = exported(tmp_path / "table.json", configs, [place])
        assert read_table(file).find(LAUNCH, configs) == place


def test_of_what_was_measured_again_the_newest_counts(tmp_path: Path) -> None:
    configs = [block(64), block(128), block(256)]
    write(LAUNCH, dict(zip(configs, (1.0, 2.0, 1.5), strict=True)))
    write(LAUNCH, {configs[0]: 3.0, configs[2]: float("inf")})
    (entry,) = json.loads(exported(tmp_path / "table.json", configs, [0, 1, 2]).read_text())["entries"]
    assert (entry["config"]["BLOCK"], entry["ms"]) == (128, 2.0)


def test_a_table_is_exported_into_a_new_folder_whole(tmp_path: Path) -> None:
    file = exported(tmp_path / "new" / "table.json", [block(64)], [0])
    assert read_table(file).find(LAUNCH, [block(64)]) == 0
    assert [path.name for path in file.parent.iterdir()] == ["table.json"]


def test_what_another_version_of_triton_measured_is_not_exported(tmp_path: Path) -> None:
    configs = [block(64), block(128)]
    write(replace(LAUNCH, compiler="3.6.0"), dict(zip(configs, (1.0, 2.0), strict=True)))
    (entry,) = json.loads(exported(tmp_path / "table.json", configs, [1, 0]).read_text())["entries"]
    assert (entry["config"]["BLOCK"], "ms" in entry) == (128, False)
    Decisions().add(Tuning(replace(LAUNCH, compiler="3.6.0"), configs, {}), "", [1, 0])
    (file,) = export(tmp_path / "table.json")
    (entry,) = json.loads(file.read_text())["entries"]
    assert (entry["config"]["BLOCK"], entry["ms"], entry["launch"]["compiler"]) == (64, 1.0, "3.6.0")
    assert read_table(file).find(LAUNCH, configs) == 0  # a shipped table is taken as it stands


def test_of_kernels_of_one_name_each_gets_its_own(tmp_path: Path) -> None:
    """A single one is served whatever its source was; of several, another source is none of them."""
    configs = [block(64), block(128)]
    one, other, third = (replace(LAUNCH, kernel=Kernel("mine", ("n",), source)) for source in "abc")
    Decisions().add(Tuning(one, configs, {}), "", [0])
    (file,) = export(tmp_path / "table.json")
    assert read_table(file).find(third, configs) == 0
    Decisions().add(Tuning(other, configs, {}), "", [1])
    table = read_table(*export(tmp_path / "table.json"))
    assert [table.find(own, configs) for own in (one, other, third)] == [0, 1, None]


def test_lines_of_another_form_are_not_exported(tmp_path: Path) -> None:
    configs = [block(64), block(128)]
    write(LAUNCH, {configs[0]: 2.0, configs[1]: 1.0})
    before = exported(tmp_path / "table.json", configs, [0]).read_text()
    for file in folder().glob("*.jsonl"):
        with file.open("a") as lines:
            lines.write('{"version": 1, "best": {}}\n{"version": 1, "launch": {}, "ms": "fast"}\n')
    assert exported(tmp_path / "table.json", configs, [0]).read_text() == before


@pytest.mark.parametrize("entries", ["5", '[{"launch": {}}]', "[5]", "{}"])
def test_a_table_of_other_entries_is_named(tmp_path: Path, entries: str) -> None:
    path = tmp_path / "tuned.json"
    path.write_text(f'{{"version": {VERSION}, "entries": {entries}}}')
    with pytest.raises(ValueError, match=r"entry 0 of .*tuned\.json"):
        read_table(path)
