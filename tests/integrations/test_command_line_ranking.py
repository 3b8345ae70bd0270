"""prerank rank and predict: what is printed, in which order, with which trust."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line_calls import FakeSurrogate, call, network, rank_json

from prerank.surrogate import Prediction, Problem
from prerank.surrogate.measured import Measured, append, read


def test_rank_prints_one_array_best_first(fake: FakeSurrogate) -> None:
    found = rank_json("nas_bench_201", "--metric", "latency_ms", "--device", "pixel 3", "--sample", 50, "--top", 10)
    assert len(found) == 10
    assert [set(entry) for entry in found] == [{"candidate", "mean", "std", "score"}] * 10
    assert [entry["mean"] for entry in found] == sorted(entry["mean"] for entry in found)
    assert all(entry["score"] == -entry["mean"] for entry in found)
    assert "pixel-3" in fake.problems[0].metric


def test_more_is_better_of_an_accuracy(fake: FakeSurrogate) -> None:
    found = rank_json("nas_bench_201", "--where", "dataset=cifar100", "--where", "epochs=12", "--sample", 20)
    assert [entry["mean"] for entry in found] == sorted((entry["mean"] for entry in found), reverse=True)
    assert fake.problems[0].metric == "val_accuracy cifar100 12 epochs"


def test_which_way_is_better_can_be_said_of_a_space(fake: FakeSurrogate) -> None:
    asked = ["nas_bench_201", "--metric", "latency_ms", "--device", "pixel 3", "--sample", 20]
    for option, worst_first in (("--minimize", False), ("--maximize", True)):
        means = [entry["mean"] for entry in rank_json(*asked, option)]
        assert means == sorted(means, reverse=worst_first)
    found = rank_json("nas_bench_101", "--metric", "requests a second", "--maximize", "--sample", 5)
    assert all(entry["score"] == entry["mean"] for entry in found)


def test_without_a_device_it_is_this_machine(fake: FakeSurrogate, folder: Path) -> None:
    from prerank.integrations.onnxruntime import Conditions

    here = Conditions().problem("").metric
    rank_json("fbnet", "--sample", 2)
    assert here.split()[2] in fake.problems[-1].metric.split()
    rank_json(folder, status=1)
    assert fake.problems[-1].metric == here
    rank_json(folder, "--metric", "memory_bytes", status=1)
    assert fake.problems[-1].metric == Conditions().problem("", "memory_bytes").metric


def test_it_is_said_how_networks_run_here(fake: FakeSurrogate, folder: Path) -> None:
    from prerank.integrations.onnxruntime import Conditions

    rank_json(folder, "--batch", 4, "--no-optimise", status=1)
    assert fake.problems[-1].metric == Conditions(batch=4, optimise=False).problem("").metric
    for elsewhere in (["--device", "pixel 3"], ["--metric", "params"], ["--metric", "latency_ms of mine"]):
        assert "leave them out" in call("rank", folder, "--batch", 4, *elsewhere, status=2)[1]


def test_a_device_is_refused_where_nobody_asked_for_what_depends_on_it(fake: FakeSurrogate) -> None:
    said = call("rank", "nas_bench_201", "--device", "pixel 3", status=2)[1]
    assert "'pixel 3'" in said
    assert "latency_ms" in said
    rank_json("nas_bench_201", "--device", "pixel 3", "--metric", "val_accuracy", "--sample", 2)
    rank_json("fbnet", "--device", "pixel 3", "--sample", 2)


def test_a_metric_of_several_words_is_taken_as_it_is(fake: FakeSurrogate) -> None:
    rank_json("nas_bench_101", "--metric", "latency_ms batch=1 some-phone", "--sample", 2)
    assert fake.problems[0].metric == "latency_ms batch=1 some-phone"
    assert fake.problems[0].context.startswith("nas_bench_101")


def test_a_broken_file_is_named_and_the_others_are_ranked(fake: FakeSurrogate, folder: Path) -> None:
    out, err = call("rank", folder, "--json", status=1)
    assert {Path(entry["candidate"]).name for entry in json.loads(out)} == {"8.onnx", "64.onnx", "512.onnx"}
    assert "broken.onnx" in err
    assert "Traceback" not in err


def test_where_all_is_broken_nothing_is_ranked(fake: FakeSurrogate, tmp_path: Path) -> None:
    (tmp_path / "broken.onnx").write_bytes(b"\x08garbage")
    out, err = call("rank", tmp_path, "--json", status=1)
    assert json.loads(out) == []
    assert "broken.onnx" in err


def test_what_a_graph_tells_exactly_is_not_estimated(fake: FakeSurrogate, folder: Path) -> None:
    found = rank_json(folder, "--metric", "params", "--maximize", status=1)
    assert [(Path(entry["candidate"]).name, entry["mean"], entry["std"]) for entry in found] == [
        ("512.onnx", 512**2, 0),
        ("64.onnx", 64**2, 0),
        ("8.onnx", 64, 0),
    ]
    entry, *_ = json.loads(call("predict", folder / "64.onnx", "--metric", "macs", "--json")[0])
    assert {entry[name] for name in ("mean", "low", "high")} == {64**2}
    assert (entry["std"], entry["p_fail"], entry["trust"]) == (0, 0, 1)
    assert "input:1x64" in entry["text"]
    assert not fake.problems


def test_a_table_shows_the_best_and_how_many_more(fake: FakeSurrogate) -> None:
    out, err = call("rank", "nas_bench_macro", "--sample", 30, "--top", 3)
    assert "27 more" in out
    assert "trust is 0.10" in err


def test_the_trust_that_is_said_is_that_of_what_is_shown(fake: FakeSurrogate, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = fake.predict

    def unsure(problem: Problem, texts: Sequence[str]) -> Prediction:
        return replace(predict(problem, texts), trust=np.array([len(text) / 10 for text in texts]))

    monkeypatch.setattr(fake, "predict", unsure)
    asked = ["rank", "--context", "c", "--metric", "m", "--candidates", "-"]
    out, err = call(*asked, "--top", 2, given="a\nbbb\nccccccc\n")
    assert "trust 0.20" in out
    assert "trust is 0.20" in err
    assert len(fake.problems) == 1  # nothing is predicted twice
    assert "trust is 0.20" in call(*asked, "--top", 2, "--json", given="a\nbbb\nccccccc\n")[1]
    assert "trust is" not in call(*asked, "--json", given="a\nbbb\nccccccc\n")[1]


def test_a_problem_of_ones_own(fake: FakeSurrogate) -> None:
    lines = "workers=4\nworkers=16\nworkers=128\n"
    asked = ["--context", "web server", "--metric", "requests a second", "--maximize", "--candidates", "-"]
    found = rank_json(*asked, given=lines)
    assert [entry["candidate"] for entry in found] == ["workers=128", "workers=16", "workers=4"]
    assert fake.problems[0] == Problem("web server", "requests a second", "maximize")


def test_the_candidate_of_a_line_of_a_table_is_asked_and_not_its_value(fake: FakeSurrogate, tmp_path: Path) -> None:
    append(table := tmp_path / "rows.jsonl", [Measured("c", "m", text, 9.0) for text in ("bb", "a: 1\nb: 2\n")])
    found = json.loads(call("predict", "--context", "c", "--metric", "m", "--candidates", table, "--json")[0])
    assert [entry["candidate"] for entry in found] == ["bb", "a: 1\nb: 2\n"]
    assert (
        json.loads(call("predict", "--context", "c", "--metric", "m", "--json", given='{"bb": 1}\n')[0])[0]["candidate"]
        == '{"bb": 1}'
    )


def test_predict_says_that_it_knows_little(fake: FakeSurrogate, monkeypatch: pytest.MonkeyPatch) -> None:
    predict = fake.predict

    def unsure(problem: Problem, texts: Sequence[str]) -> Prediction:
        return replace(predict(problem, texts), trust=np.full(len(texts), 0.1))

    monkeypatch.setattr(fake, "predict", unsure)
    assert "trust is 0.10" in call("predict", "--context", "c", "--metric", "m", given="a\n")[1]


def test_predict_keeps_the_order(fake: FakeSurrogate) -> None:
    lines = "bbbb\na\nccc\n"
    out, _ = call("predict", "--context", "c", "--metric", "m", "--json", given=lines)
    found = json.loads(out)
    assert [entry["candidate"] for entry in found] == ["bbbb", "a", "ccc"]
    assert [entry["mean"] for entry in found] == [4, 1, 3]
    assert [*found[0]][:7] == ["candidate", "mean", "std", "low", "high", "p_fail", "trust"]
    assert [(entry["context"], entry["metric"], entry["text"]) for entry in found] == [
        ("c", "m", "bbbb"),
        ("c", "m", "a"),
        ("c", "m", "ccc"),
    ]


def test_a_context_may_begin_with_an_empty_line(fake: FakeSurrogate, rows: Path, tmp_path: Path) -> None:
    assert "web server" in call("rank", "--context", "\nweb server", "--metric", "m", given="a\nb\n")[0]
    append(table := tmp_path / "table.jsonl", [replace(row, context="\nnas_bench_201") for row in read(rows)])
    assert "0.99" in call("train", table, "--out", tmp_path / "mine")[0]
    questions = {entry["question"] for entry in json.loads(call("eval", table, "--splits", "3", "--json")[0])}
    assert questions == {"nas_bench_201: latency_ms"}


@pytest.mark.parametrize("error", [IndexError, TypeError, MemoryError, RecursionError, RuntimeError])
def test_whatever_a_file_breaks_the_others_are_ranked(
    fake: FakeSurrogate, folder: Path, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    from prerank.search_spaces import onnx_graph

    read = onnx_graph.from_record

    def from_record(path: Path, sizes: Any, *, batch: int) -> Any:
        if path.name == "8.onnx":
            raise error
        return read(path, sizes, batch=batch)

    monkeypatch.setattr(onnx_graph, "from_record", from_record)
    out, err = call("rank", folder, "--json", status=1)
    assert {Path(entry["candidate"]).name for entry in json.loads(out)} == {"64.onnx", "512.onnx"}
    assert error.__name__ in err


def test_the_packaged_weights_rank_by_latency() -> None:
    from prerank.search_spaces import nas_bench_201

    found = rank_json("nas_bench_201", "--metric", "latency_ms", "--device", "pixel 3", "--sample", 60)
    macs = [nas_bench_201.macs(nas_bench_201.Cell(tuple(entry["candidate"]["ops"]))) for entry in found]
    assert np.corrcoef(np.argsort(np.argsort(macs)), np.arange(60))[0, 1] > 0.7
    assert not any(math.isnan(entry["std"]) for entry in found)


@pytest.mark.slow
def test_measurements_of_which_more_is_better_are_predicted(tmp_path: Path) -> None:
    table, mine = tmp_path / "rows.jsonl", tmp_path / "mine"
    texts, more = [f"workers={n} cache_mb={64 * (n % 3 + 1)}" for n in range(1, 31)], {"direction": "maximize"}
    append(table, [Measured("web server", "requests a second", text, 9.0 * n, more) for n, text in enumerate(texts)])
    call("calibrate", table, "--out", mine)
    asked = ["--context", "web server", "--metric", "requests a second", "--surrogate", mine, "--json"]
    few, many = (entry["mean"] for entry in json.loads(call("predict", *asked, given="\n".join(texts[3:28:24]))[0]))
    assert few < 100 < 180 < many


def test_a_direction_that_nothing_tells_is_named(fake: FakeSurrogate) -> None:
    asked = ["rank", "--context", "c", "--candidates", "-", "--json", "--metric"]
    assert "less 'fps' is taken for better" in call(*asked, "fps", given="a\n")[1]
    for told in (["fps", "--maximize"], ["fps", "--minimize"], ["latency_ms"], ["throughput of mine"]):
        assert "taken for better" not in call(*asked, *told, given="a\n")[1]


def test_it_is_said_that_a_table_of_commas_is_read_as_text(fake: FakeSurrogate, tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("workers,threads\n4,2\n")
    for command in ("rank", "predict"):
        asked = [command, "--context", "c", "--metric", "latency_ms", "--candidates", tmp_path / "own.csv"]
        assert "a header too" in call(*asked)[1]


def test_models_that_cannot_run_with_a_batch_are_named(fake: FakeSurrogate, tmp_path: Path) -> None:
    for name, axis in (("open", "batch"), ("one", 1), ("four", 4)):
        network(tmp_path / f"{name}.onnx", 8, axis)
    said = call("rank", tmp_path, "--batch", 4)[1]
    assert "1 of 3 models" in said
    assert "one.onnx" in said
    assert "takes the batch" not in call("rank", tmp_path)[1]
