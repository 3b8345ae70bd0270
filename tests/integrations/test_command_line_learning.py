"""prerank calibrate and train: what is learnt, and what is written."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path

import pytest
from command_line_calls import FakeSurrogate, call

from prerank.integrations.command_line_learning import by_problem
from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.measured import Measured, append


@pytest.mark.parametrize("command", ["calibrate", "train"])
def test_a_file_is_no_folder_to_save_to(fake: FakeSurrogate, rows: Path, command: str) -> None:
    assert "is a file; name a folder" in call(command, rows, "--out", rows, status=2)[1].replace("\n", " ")


def test_few_measurements_are_called_few(fake: FakeSurrogate, tmp_path: Path) -> None:
    append(table := tmp_path / "few.jsonl", [Measured("c", "latency_ms", "a" * n, float(n), {}) for n in (1, 2)])
    assert "only 2 were measured" in call("calibrate", table, "--out", tmp_path / "mine")[1]


@pytest.mark.parametrize("command", ["eval", "calibrate", "train"])
def test_a_compressed_table_that_was_cut_is_named(fake: FakeSurrogate, tmp_path: Path, command: str) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(Measured("c", "m", "t", 1.0).to_json().encode() * 99)[:-9])
    options = [] if command == "eval" else ["--out", tmp_path / "mine"]
    assert "cut.jsonl.gz" in call(command, cut, *options, status=2)[1].replace("\n", "")


def test_a_direction_goes_for_all_rows_of_a_metric() -> None:
    rows = [Measured("c", "score", f"n={n}", n + 1.0, {"direction": "maximize"} if n == 3 else {}) for n in range(6)]
    (problem,) = by_problem(rows)
    assert problem.direction == "maximize"
    assert len(by_problem(rows)[problem]) == 6
    with pytest.raises(ValueError, match="one direction"):
        by_problem([*rows, Measured("c", "score", "n=9", 1.0, {"direction": "minimize"})])


def test_a_failure_is_observed(fake: FakeSurrogate, tmp_path: Path) -> None:
    table = tmp_path / "rows.jsonl"
    append(table, [Measured("c", "latency_ms", "a", 1.0), Measured("c", "latency_ms", "b", math.nan)])
    call("calibrate", table, "--out", tmp_path / "mine")
    assert math.isnan(fake.observed["b"])


def test_files_measured_elsewhere_are_read_from_a_table(
    fake: FakeSurrogate, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "broken.onnx").unlink()
    asked = json.loads(call("predict", folder, "--device", "pixel 3", "--json")[0])
    context, metric = asked[0]["context"], asked[0]["metric"]
    table = folder / "rows.jsonl"
    monkeypatch.chdir(tmp_path)
    names = ["8.onnx", "models/64.onnx", str(folder / "512.onnx")]  # in the folder of the table, from here, anywhere
    append(table, [Measured(context, metric, name, float(n)) for n, name in enumerate(names)])
    call("calibrate", table, "--out", "mine")
    assert fake.problems[-1].metric == metric
    texts = {Path(entry["candidate"]).name: entry["text"] for entry in asked}
    assert fake.observed == {texts["8.onnx"]: 0.0, texts["64.onnx"]: 1.0, texts["512.onnx"]: 2.0}


@pytest.mark.parametrize("name", ["absent.onnx", "broken.onnx"])
def test_a_file_of_a_table_that_cannot_be_read_is_named(
    fake: FakeSurrogate, folder: Path, tmp_path: Path, name: str
) -> None:
    append(folder / "rows.jsonl", [Measured("c", "m", name, 1.0)])
    assert name in call("calibrate", folder / "rows.jsonl", "--out", tmp_path / "mine", status=2)[1]
    assert not fake.observed


def test_what_a_finished_training_needed_to_go_on_is_removed(fake: FakeSurrogate, rows: Path, tmp_path: Path) -> None:
    call("train", rows, "--out", tmp_path / "mine")
    assert fake.trained_in == [tmp_path / "mine" / "training"]
    assert not (tmp_path / "mine" / "training").exists()


def test_the_usual_training_is_that_of_the_library(fake: FakeSurrogate, tmp_path: Path) -> None:
    """As many steps as the rows take that are trained on: one in twenty is kept out, unless others are."""
    table, other = tmp_path / "rows.jsonl", tmp_path / "other.jsonl"
    append(table, [Measured("net", "latency_ms", f"net width={n}", float(n)) for n in range(4000)])
    append(other, [Measured("net", "latency_ms", "net width=4000", 1.0)])
    call("train", table, "--out", tmp_path / "mine")
    call("train", table, "--out", tmp_path / "mine", "--validation", other)
    assert fake.steps == [16 * 3800 // 256, 16 * 4000 // 256]


@pytest.mark.slow
def test_calibrated_weights_are_saved_and_asked(tmp_path: Path) -> None:
    table, mine = tmp_path / "rows.jsonl", tmp_path / "mine"
    texts = [f"workers={n} cache_mb={64 * (n % 3 + 1)}" for n in range(1, 31)]
    append(table, [Measured("web server", "latency_ms", text, 100 / n) for n, text in enumerate(texts, start=1)])
    found = json.loads(call("calibrate", table, "--out", mine, "--json")[0])
    assert found[0]["after"] > found[0]["before"] == 0
    asked = ["--context", "web server", "--metric", "latency_ms", "--surrogate", mine]
    asked = call("predict", *asked, "--json", given="workers=3 cache_mb=64\nworkers=29 cache_mb=64\n")[0]
    slow, fast = (entry["mean"] for entry in json.loads(asked))
    assert slow > 20 > 5 > fast


@pytest.mark.slow
def test_the_direction_of_a_table_is_that_of_its_surrogate(tmp_path: Path) -> None:
    table, mine = tmp_path / "rows.jsonl", tmp_path / "mine"
    rows = [("net", "tps", f"workers={n}", float(n), {"direction": "maximize"}) for n in range(1, 13)]
    append(table, [Measured(*row) for row in rows])
    call("calibrate", table, "--out", mine)
    asked = ["rank", "--context", "net", "--metric", "tps", "--surrogate", mine, "--json"]
    for option, best in (([], "workers=12"), (["--minimize"], "workers=1")):
        found = json.loads(call(*asked, *option, given="workers=1\nworkers=12\n")[0])
        assert found[0]["candidate"] == best


@pytest.mark.slow
def test_training_saves_what_it_learnt(tmp_path: Path, rows: Path) -> None:
    mine = tmp_path / "mine"
    call("train", rows, "--out", mine, "--steps", "3")
    first = RLMSurrogate.load(mine)
    assert "net" in first.knowledge
    problem, texts = Problem("net", "latency_ms"), ["net width=33 params_m=2"]
    before = first.predict(problem, texts).mean
    call("train", rows, "--out", mine, "--surrogate", mine, "--steps", "3")  # is no continuation of the first
    assert (RLMSurrogate.load(mine).predict(problem, texts).mean != before).all()


def test_a_direction_that_no_line_tells_is_named(fake: FakeSurrogate, tmp_path: Path) -> None:
    table = tmp_path / "rows.jsonl"
    append(table, [Measured("net", "fps", f"width={n}", float(n)) for n in range(12)])
    assert "less 'fps' is taken for better" in call("calibrate", table, "--out", tmp_path / "mine")[1]
    append(table, [Measured("net", "fps", "width=12", 12.0, {"direction": "maximize"})])
    assert "taken for better" not in call("calibrate", table, "--out", tmp_path / "mine")[1]


def test_a_direction_that_is_none_is_named_with_its_table(fake: FakeSurrogate, tmp_path: Path) -> None:
    append(tmp_path / "rows.jsonl", [Measured("net", "fps", "width=12", 12.0, {"direction": "up"})])
    said = call("calibrate", tmp_path / "rows.jsonl", "--out", tmp_path / "mine", status=2)[1]
    assert all(word in said for word in ("rows.jsonl", "width=12", "'up'"))
