"""Decisions, as they are kept and found again."""

from __future__ import annotations

import json
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest
from fake_config import FakeConfig

from prerank.integrations.triton_cache import folder
from prerank.integrations.triton_decisions import Decisions
from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tuning

LAUNCH = Launch(Kernel("mine", ("n",)), {}, {"n": 8}, "NVIDIA A100", compiler="3.7.1 cuda:80")
CONFIGS = [FakeConfig({"BLOCK": size}) for size in (64, 128, 256)]
TUNING = Tuning(LAUNCH, CONFIGS, {})


pytestmark = pytest.mark.usefixtures("own_cache")


def of(n: int) -> Tuning:
    return Tuning(replace(LAUNCH, scalars={"n": n}), CONFIGS, {})


def test_what_another_process_decides_is_seen_and_the_last_decision_counts() -> None:
    one, other = Decisions(), Decisions()
    assert one.find(TUNING, "") is None
    other.add(TUNING, "", [2, 0])
    assert one.find(TUNING, "") == [2, 0]
    one.add(TUNING, "", [1])
    assert other.find(TUNING, "") == one.find(TUNING, "") == [1]
    assert other.find(TUNING, "top_k") is None
    assert other.find(Tuning(replace(LAUNCH, compiler="3.8.0 cuda:80"), CONFIGS, {}), "") is None


def test_a_decision_is_a_line_and_leaves_the_others_as_they_are(tmp_path: Path) -> None:
    decisions = Decisions()
    decisions.add(of(1), "", [0, 1])
    (file,) = tmp_path.rglob("*.decisions.jsonl")
    before = file.read_bytes()
    decisions.add(of(2), "", [2])
    assert file.read_bytes().startswith(before)
    last = json.loads(file.read_text().splitlines()[-1])
    assert last["kept"] == ["BLOCK=256 num_warps=4 num_stages=3"]
    assert last["launch"]["compiler"] == "3.7.1 cuda:80"


def test_a_folder_that_is_removed_is_forgotten(tmp_path: Path) -> None:
    decisions = Decisions()
    decisions.add(TUNING, "", [1])
    (file,) = tmp_path.rglob("*.decisions.jsonl")
    file.unlink()
    assert decisions.find(TUNING, "") is None
    decisions.add(of(2), "", [2])
    assert decisions.find(TUNING, "") is None
    assert decisions.find(of(2), "") == [2]


def test_files_of_earlier_versions_and_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    decisions = Decisions()
    decisions.add(TUNING, "", [1])
    (file,) = tmp_path.rglob("*.decisions.jsonl")
    file.with_suffix(".json").write_text('{"version": 1, "entries": {"a": {"places": [0]}}}')
    with file.open("a") as lines:
        lines.write("[" * 100_000 + '\n[]\n{"version": 0}\n\n{"version": 1, "laun')
    decisions.add(of(2), "", [2])
    for found in (decisions, Decisions()):
        assert (found.find(TUNING, ""), found.find(of(2), "")) == ([1], [2])


@pytest.mark.parametrize("action", ["always", "error"])
def test_where_nothing_can_be_written_memory_holds_what_was_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, action: Literal["always", "error"]
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path / "file"))
    decisions = Decisions()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter(action)
        decisions.add(of(1), "", [1])
        decisions.add(of(2), "", [2])
    assert (decisions.find(of(1), ""), decisions.find(of(2), ""), decisions.find(of(3), "")) == ([1], [2], None)
    assert len(caught) == (action == "always")


def test_a_launch_that_was_not_read_in_full_is_not_settled(tmp_path: Path) -> None:
    decisions, tuning = Decisions(), Tuning(replace(LAUNCH, unread=("activation",)), CONFIGS, {})
    decisions.add(tuning, "", [1])
    assert decisions.find(tuning, "") is None
    assert list(tmp_path.rglob("*.jsonl")) == []


def test_threads_that_decide_at_once_see_all_decisions() -> None:
    decisions = Decisions()

    def decide(n: int) -> list[int] | None:
        decisions.add(of(n), "", [n % 3])
        return decisions.find(of(n), "")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(decide, range(40)))
    assert found == [[n % 3] for n in range(40)]
    assert [Decisions().find(of(n), "") for n in range(40)] == found


@pytest.mark.parametrize("places", [[3], [-1], ["0"], [], 1, None])
def test_a_line_that_holds_no_places_decides_nothing(places: object) -> None:
    Decisions().add(TUNING, "", [1])
    (file,) = folder().glob("*.jsonl")
    row = json.loads(file.read_text())
    file.write_text(json.dumps({**row, "places": places}) + "\n" + json.dumps({"version": 1}) + "\n")
    decisions = Decisions()
    assert decisions.find(TUNING, "") is None
    decisions.add(TUNING, "", [2])
    assert decisions.find(TUNING, "") == [2]
