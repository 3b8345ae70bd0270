"""The example search: what counts as an evaluation, and what is left after Ctrl-C."""

from __future__ import annotations

import argparse
import gzip
import importlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from fake_surrogate import FakeSurrogate
from optuna.samplers import RandomSampler
from optuna.trial import TrialState

from prerank.search_spaces import nas_bench_101
from prerank.search_spaces.nas_bench_101 import PARAMETERS, Cell

EXAMPLES = Path(__file__).parents[2] / "examples"
sys.path.append(str(EXAMPLES))  # scripts import their neighbours by bare name
search = importlib.import_module("nas_bench_101_search")
cell_table = importlib.import_module("cell_table")

CELLS = nas_bench_101.sample(np.random.default_rng(0), 60)
NO_CELL: dict[str, Any] = {name: choices[0] for name, choices in PARAMETERS.items()}
optuna.logging.set_verbosity(optuna.logging.ERROR)


def record(number: int, cell: Cell, **changes: Any) -> dict[str, Any]:
    row = {"hash": f"{number:04}", "adjacency": cell.adjacency, "ops": cell.ops, "split": "test"}
    return row | {"val_acc_108": 0.5 + number / 1000} | changes


def written(folder: Path, lines: Sequence[object]) -> Path:
    path = folder / "table.jsonl.gz"
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))
    return path


@pytest.fixture
def table(tmp_path: Path) -> Any:
    return cell_table.read(written(tmp_path, [json.dumps(record(*entry)) for entry in enumerate(CELLS)]))


def arguments(folder: Path, **options: Any) -> argparse.Namespace:
    return argparse.Namespace(**{"trials": 2, "seeds": 2, "seed": 0, "budget": 4, "out": folder / "out.png"} | options)


def test_the_nearest_row_differs_in_the_fewest_parameters(table: Any) -> None:
    rows = [nas_bench_101.to_params(cell) for cell in CELLS]
    for cell in nas_bench_101.sample(np.random.default_rng(1), 100):
        params = nas_bench_101.to_params(cell)
        distances = [sum(row[name] != params[name] for name in PARAMETERS) for row in rows]
        assert table.nearest(cell) == distances.index(min(distances))


def test_equally_near_rows_go_by_hash_and_only_test_rows_count(tmp_path: Path) -> None:
    rows = [record(3, CELLS[0]), record(2, CELLS[0]), record(1, CELLS[0], split="train")]
    table = cell_table.read(written(tmp_path, [json.dumps(row) for row in rows]))
    assert table.accuracy.tolist() == [0.502, 0.503]
    assert table.nearest(CELLS[0]) == 0


def test_the_surrogate_reads_the_row_that_a_draw_stands_for(table: Any) -> None:
    assert table.to_text(nas_bench_101.to_params(CELLS[5])) == nas_bench_101.to_text(CELLS[5])
    assert table.to_text(NO_CELL) is None


@pytest.mark.parametrize(
    "bad",
    [
        "{",
        "[]",
        json.dumps({"split": "test"}),
        json.dumps(record(1, CELLS[1], val_acc_108=None)),
        json.dumps(record(1, CELLS[1], val_acc_108=float("nan"))),
        json.dumps(record(1, CELLS[1], val_acc_108=93.4)),
        json.dumps(record(1, CELLS[1], ops=["input"])),
    ],
)
def test_a_bad_row_is_named_with_a_remedy(tmp_path: Path, bad: str) -> None:
    path = written(tmp_path, [json.dumps(record(0, CELLS[0])), bad])
    with pytest.raises(ValueError, match=r"line 2: .*adjacency, ops, val_acc_108"):
        cell_table.read(path)


def test_a_table_without_test_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no row with split 'test'"):
        cell_table.read(written(tmp_path, [json.dumps(record(0, CELLS[0], split="train"))]))


def test_an_invalid_draw_is_redrawn_free() -> None:
    study = optuna.create_study()
    study.enqueue_trial(NO_CELL)
    study.enqueue_trial(nas_bench_101.to_params(CELLS[0]))
    trial, cell = search.ask(study)
    assert nas_bench_101.to_text(cell) == nas_bench_101.to_text(CELLS[0])
    assert [t.state for t in study.trials] == [TrialState.FAIL, TrialState.RUNNING]
    assert trial.number == 1


def test_the_budget_counts_distinct_rows(table: Any) -> None:
    found = search.look_up(RandomSampler(seed=0), table, 10)
    assert len(set(found)) == 10
    assert set(found) <= set(table.accuracy)


def test_a_search_that_finds_no_more_rows_ends(tmp_path: Path) -> None:
    table = cell_table.read(written(tmp_path, [json.dumps(record(0, CELLS[0]))]))
    assert search.look_up(RandomSampler(seed=0), table, 3).tolist() == [0.5, 0.5, 0.5]


def test_replay_prints_regrets_and_draws(
    table: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "REPLAY_POOL", 8)
    search.replay(FakeSurrogate(), table, arguments(tmp_path))
    assert "TPE's mean regret after 4 cells is reached by RLM" in capsys.readouterr().out
    assert (tmp_path / "out.png").stat().st_size > 0


@pytest.mark.parametrize(("trained", "cells"), [(0, {}), (1, {"random": 1}), (4, {"random": 2, "TPE": 1, "RLM": 1})])
def test_ctrl_c_keeps_what_was_done(
    trained: int, cells: dict[str, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, shown = iter(range(trained)), dict[str, int]()

    def train(cell: Cell, seed: int) -> float:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return 0.5

    def show(searches: list[Any]) -> None:
        shown.update({one.name: len(one.trained) for one in searches if one.trained and one.seed == 0})

    monkeypatch.setattr(search, "digits_accuracy", train)
    monkeypatch.setattr(search, "show_searches", show)
    search.live(FakeSurrogate(), arguments(tmp_path, seeds=1))
    assert shown == cells
    assert (tmp_path / "out.png").exists() == (trained > 0)


def test_the_best_so_far_covers_what_all_seeds_have_done() -> None:
    runs = {0: [0.1, 0.3, 0.2], 1: [0.5, 0.4]}
    searches = [search.Search("TPE", None, seed, [(CELLS[0], value) for value in run]) for seed, run in runs.items()]
    unstarted = search.Search("RLM", None, 0)
    assert {name: rows.tolist() for name, rows in search.best_so_far([*searches, unstarted]).items()} == {
        "TPE": [[0.1, 0.3], [0.5, 0.5]]
    }


@pytest.mark.slow
def test_the_command_searches_live(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "nas_bench_101_search.py"), "--trials", "2", "--seeds", "1"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "failed" not in run.stderr  # the sampler goes on without a surrogate, with a warning
    assert all(word in run.stdout for word in ("a second", "random", "TPE", "RLM", "nas_bench_101_search.png"))
    assert (tmp_path / "nas_bench_101_search.png").exists()
