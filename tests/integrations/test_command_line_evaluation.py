"""prerank eval: learning curves beside plain models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line_calls import FakeSurrogate, call

from prerank.surrogate.measured import Measured, append, read


@pytest.mark.parametrize("command", ["calibrate", "eval"])
def test_a_direction_that_is_none_is_named(fake: FakeSurrogate, tmp_path: Path, command: str) -> None:
    table = tmp_path / "rows.jsonl"
    append(table, [Measured("c", "m", "a", 1.0, {"direction": "up"})])
    options = [] if command == "eval" else ["--out", tmp_path / "mine"]
    err = call(command, table, *options, status=2)[1]
    assert "'up'" in err
    assert "'minimize' or 'maximize'" in err


def test_eval_compares_with_plain_models(fake: FakeSurrogate, rows: Path, tmp_path: Path) -> None:
    plot = tmp_path / "curve.png"
    found = json.loads(call("eval", rows, "--splits", "3", "--plot", plot, "--json")[0])
    by = {(entry["model"], entry["measured"]): entry["spearman"] for entry in found}
    assert {size for _, size in by} == {0, 5, 10, 30}
    assert by["ridge", 30] > 0.95
    assert by["boosted trees", 30] > 0.8
    assert abs(by["parameters", 0]) < 0.6
    assert by["prerank", 0] == 0  # all texts have the same length or one letter less: it cannot tell
    assert plot.read_bytes().startswith(b"\x89PNG")
    verdicts = {entry["measured"]: entry["verdicts"] for entry in found if entry["model"] == "prerank"}
    assert [*verdicts[0]] == ["parameters"]
    assert all("parameters" in own for own in verdicts.values())
    assert verdicts[30]["ridge"] == "worse than"
    shown = " ".join(call("eval", rows, "--splits", "3")[0].split())
    assert f"worse than ridge and {verdicts[30]['parameters']} parameters" in shown


def test_eval_makes_the_folder_of_its_plot(fake: FakeSurrogate, rows: Path, tmp_path: Path) -> None:
    call("eval", rows, "--splits", "3", "--plot", plot := tmp_path / "new" / "curve.svg")
    assert b"<svg" in plot.read_bytes()


def test_eval_names_a_plot_without_a_format_before_any_work(rows: Path, tmp_path: Path) -> None:
    assert "curve.pgn" in call("eval", rows, "--plot", tmp_path / "curve.pgn", "--surrogate", "absent", status=2)[1]


def test_eval_compares_what_was_kept_out_alike(fake: FakeSurrogate, tmp_path: Path) -> None:
    """Totals that some texts name, and contexts of one question that differ in what they name and how much."""
    table = tmp_path / "rows.jsonl"
    append(table, [Measured("net\nsmall", "latency_ms", f"net params_m={n} x={n}", n) for n in range(1, 19)])
    append(
        table, [Measured("net\nlarge", "latency_ms", f"net{' macs=1e-05' * (n % 9 > 0)} x={n}", n) for n in range(60)]
    )
    out, _ = call("eval", table, "--splits", "3")
    assert "prerank, " in out


def test_totals_may_go_with_less(fake: FakeSurrogate, tmp_path: Path) -> None:
    table = tmp_path / "rows.jsonl"
    append(table, [Measured("net", "throughput", f"net params_m={n}e-03", 1 / n) for n in range(1, 40)])
    found = json.loads(call("eval", table, "--splits", "3", "--json")[0])
    assert {entry["spearman"] for entry in found if entry["model"] == "parameters"} == {1.0}


def test_eval_leaves_the_surrogate_as_it_was(fake: FakeSurrogate, rows: Path) -> None:
    call("eval", rows, "--splits", "3")
    assert not fake.observed


def test_eval_sets_aside_what_a_surrogate_was_told_of_the_table(fake: FakeSurrogate, rows: Path) -> None:
    untold = call("eval", rows, "--splits", "3", "--json")[0]
    fake.observed = {row.candidate: row.value for row in read(rows)} | {"another": 1.0}
    assert call("eval", rows, "--splits", "3", "--json")[0] == untold
    assert len(fake.observed) == 61


def test_too_few_rows_are_named(fake: FakeSurrogate, tmp_path: Path) -> None:
    table = tmp_path / "rows.jsonl"
    append(table, [Measured("c", "latency_ms", str(n), float(n)) for n in range(9)])
    assert "9 measured candidates" in call("eval", table, status=2)[1]


@pytest.mark.slow
def test_eval_rates_a_calibrated_surrogate_as_if_the_table_were_new(tmp_path: Path, rows: Path) -> None:
    mine = tmp_path / "mine"
    fresh = call("eval", rows, "--splits", "3", "--json")[0]
    call("calibrate", rows, "--out", mine)
    calibrated = call("eval", rows, "--splits", "3", "--json", "--surrogate", mine)[0]
    scores = [[entry["spearman"] for entry in json.loads(found)] for found in (fresh, calibrated)]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)
