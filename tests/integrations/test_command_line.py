"""The prerank command: what is printed where, exit statuses, and real runs with the packaged weights."""

from __future__ import annotations

import gzip
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from prerank.integrations.command_line import app
from prerank.integrations.command_line_candidates import gathered, listed, sampled
from prerank.integrations.command_line_output import table
from prerank.integrations.command_line_plain_models import LEARNERS, totals
from prerank.integrations.command_line_spaces import chosen, spaces
from prerank.surrogate import Prediction, Problem, RLMSurrogate, Row, Training
from prerank.surrogate.measured import Measured, append, read
from prerank.surrogate.training_run import STATE


class FakeSurrogate:
    """Predicts the number of letters in a text, and what it observed of a text; remembers both."""

    def __init__(self) -> None:
        self.knowledge = {"nas_bench_201": {"params": 0.99}}
        self.provenance = {"data": "nothing"}
        self.problems: list[Problem] = []
        self.observed: dict[str, float] = {}
        self.saved: list[Path] = []
        self.fingerprint = "fake"
        self.trained_in: list[Path | None] = []
        self.steps: list[int] = []

    def fork(self) -> FakeSurrogate:
        other = FakeSurrogate()
        other.observed = dict(self.observed)
        return other

    def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
        self.problems.append(problem)
        value = np.array([[self.observed.get(text, float(len(text)))] for text in texts]).reshape(-1, 1)
        ones = np.ones(len(texts))
        return Prediction(value, value, ones[:, None], 0 * ones, self.trust(problem) * ones)

    def trust(self, problem: Problem) -> float:
        return 0.9 if self.observed else 0.1

    def observe(self, problem: Problem, texts: Sequence[str], values: Sequence[float]) -> None:
        self.problems.append(problem)
        self.observed |= dict(zip(texts, values, strict=True))

    def forget(self, problem: Problem, texts: Sequence[str]) -> None:
        self.observed = {text: value for text, value in self.observed.items() if text not in texts}

    def fit(self, rows: Sequence[Row], run: Training, validation: Sequence[Row]) -> None:
        assert run.folder
        run.folder.mkdir(parents=True)
        (run.folder / STATE).write_bytes(b"")
        self.trained_in.append(run.folder)
        self.steps.append(run.steps)

    def save(self, path: Path) -> None:
        self.saved.append(path)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeSurrogate:
    surrogate = FakeSurrogate()
    monkeypatch.setattr(RLMSurrogate, "load", lambda *_, **__: surrogate)
    return surrogate


def call(*arguments: str | Path | int, status: int = 0, given: str | None = None) -> tuple[str, str]:
    """What is printed on the standard output, and on the standard error."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=given)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


def rank_json(*arguments: str | Path | int, **options: Any) -> list[dict[str, Any]]:
    return json.loads(call("rank", *arguments, "--json", **options)[0])


def network(path: Path, width: int, batch: int | str = 1) -> Path:
    """A matrix product and what follows it."""
    weight = numpy_helper.from_array(np.eye(width, dtype=np.float32), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["h"]), helper.make_node("Relu", ["h"], ["y"])]
    put, out = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, width]) for name in "xy")
    graph = helper.make_graph(nodes, "graph", [put], [out], [weight])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three models and one broken file."""
    models = tmp_path / "models"
    models.mkdir()
    for width in (8, 64, 512):
        network(models / f"{width}.onnx", width)
    (models / "broken.onnx").write_bytes(b"\x08garbage")
    return models


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Measured texts whose value is the logarithm of what one of their fields says."""
    path, rng = tmp_path / "rows.jsonl", np.random.default_rng(0)
    sizes = rng.permutation(np.arange(10, 70)).tolist()
    append(path, [Measured("net", "latency_ms", f"net width={n} params_m={n % 7 + 1}", 0.1 * n**2) for n in sizes])
    return path


# rank and predict


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


def test_a_name_that_was_printed_can_be_read_again(fake: FakeSurrogate, tmp_path: Path) -> None:
    drawn = rank_json("nas_bench_201", "--sample", 20)
    file = tmp_path / "candidates.jsonl"
    file.write_text("".join(json.dumps(entry["candidate"]) + "\n" for entry in drawn))
    assert rank_json("nas_bench_201", "--candidates", file) == drawn


def test_what_was_printed_can_be_read_again(fake: FakeSurrogate, tmp_path: Path) -> None:
    file, texts = tmp_path / "ranked.json", ["--context", "c", "--metric", "m", "--candidates"]
    for asked, again in ((["nas_bench_201", "--sample", 5], ["nas_bench_201", "--candidates"]), ([*texts, "-"], texts)):
        file.write_text(call("rank", *asked, "--json", given="a\nbb\n")[0])
        assert rank_json(*again, file) == json.loads(file.read_text())


@pytest.mark.parametrize("name", spaces())
def test_candidates_of_all_spaces_can_be_read_again(name: str, tmp_path: Path) -> None:
    of = chosen([name])
    entries = sampled(of, 5, seed=0)
    file = tmp_path / "candidates.jsonl"
    file.write_text("\n\n".join(json.dumps(entry.name) for entry in entries))
    assert listed(file, of) == (entries, [])


def test_records_as_the_tables_have_them_are_read(fake: FakeSurrogate) -> None:
    cell = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|"
    lines = f"{cell}\n{json.dumps(cell)}\n|none~0|\n"
    out, err = call("rank", "nas_bench_201", "--candidates", "-", "--json", given=lines, status=1)
    assert [entry["candidate"]["ops"][0] for entry in json.loads(out)] == ["conv3x3"] * 2
    assert "line 3" in err


def test_a_problem_of_ones_own(fake: FakeSurrogate) -> None:
    lines = "workers=4\nworkers=16\nworkers=128\n"
    asked = ["--context", "web server", "--metric", "requests a second", "--maximize", "--candidates", "-"]
    found = rank_json(*asked, given=lines)
    assert [entry["candidate"] for entry in found] == ["workers=128", "workers=16", "workers=4"]
    assert fake.problems[0] == Problem("web server", "requests a second", "maximize")


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


def test_a_name_that_is_no_utf_8_is_printed(
    fake: FakeSurrogate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a long path would be wrapped, anywhere
    name = os.fsdecode(b"caf\xe9.onnx")
    try:
        network(tmp_path / name, 8)
    except OSError:
        pytest.skip("this file system has no such names")
    assert [Path(entry["candidate"]).name for entry in rank_json(tmp_path)] == [name]
    assert r"caf\udce9.onnx" in call("rank", name)[0]
    network(tmp_path / "other.onnx", 8)
    out = tmp_path / "out.jsonl"
    assert "is no UTF-8" in call("measure", tmp_path, "--out", out, "--seconds", "0", status=1)[1]
    assert {Path(row.more["name"]).name for row in read(out)} == {"other.onnx"}  # ONNX Runtime takes no such name


def test_a_list_is_read_without_a_draw_for_each_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from prerank.search_spaces import nas_bench_201

    of, draws = chosen(["nas_bench_201"]), list[int]()
    entries = sampled(of, 20, seed=0)
    file, sample = tmp_path / "candidates.jsonl", nas_bench_201.sample
    file.write_text("\n".join(json.dumps(entry.name) for entry in entries))
    monkeypatch.setattr(nas_bench_201, "sample", lambda rng, n: draws.append(n) or sample(rng, n))
    assert listed(file, of) == (entries, [])
    assert len(draws) <= 1


def test_a_context_may_begin_with_an_empty_line(fake: FakeSurrogate, rows: Path, tmp_path: Path) -> None:
    assert "web server" in call("rank", "--context", "\nweb server", "--metric", "m", given="a\nb\n")[0]
    append(table := tmp_path / "table.jsonl", [replace(row, context="\nnas_bench_201") for row in read(rows)])
    assert "0.99" in call("train", table, "--out", tmp_path / "mine")[0]
    questions = {entry["question"] for entry in json.loads(call("eval", table, "--splits", "3", "--json")[0])}
    assert questions == {"nas_bench_201: latency_ms"}


def test_sizes_of_open_axes_are_in_the_text(fake: FakeSurrogate, tmp_path: Path) -> None:
    path = str(network(tmp_path / "open.onnx", 8, batch="rows"))
    texts = {gathered([path], chosen([path]), None, None, 0, sizes)[0][0].text for sizes in ({"rows": 2}, {"rows": 9})}
    assert len(texts) == 2
    call("rank", path, "--size", "rows=2")
    assert "wrong" in call("rank", path, "--size", "wrong=2", status=2)[1]


def test_a_size_concerns_the_models_that_have_the_axis(fake: FakeSurrogate, tmp_path: Path) -> None:
    for name, batch in (("open", "rows"), ("closed", 1), ("other", "batch")):
        network(tmp_path / f"{name}.onnx", 8, batch)
    call("rank", tmp_path, "--size", "rows=2", "--size", "batch=3")
    found, broken = gathered([str(tmp_path)], chosen([str(tmp_path)]), None, None, 0, {"rows": 2, "batch": 3})
    assert [entry.text.count(f"input:{size}x8") for entry, size in zip(found, (1, 2, 3), strict=True)] == [1, 1, 1]
    assert not broken
    assert "['batch', 'rows']" in call("rank", tmp_path, "--size", "wrong=2", status=2)[1]


@pytest.mark.parametrize("error", [IndexError, TypeError, MemoryError, RecursionError, RuntimeError])
def test_whatever_a_file_breaks_the_others_are_ranked(
    fake: FakeSurrogate, folder: Path, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    from prerank.search_spaces import onnx_graph

    read = onnx_graph.from_record

    def from_record(path: Path, sizes: Any) -> Any:
        if path.name == "8.onnx":
            raise error
        return read(path, sizes)

    monkeypatch.setattr(onnx_graph, "from_record", from_record)
    out, err = call("rank", folder, "--json", status=1)
    assert {Path(entry["candidate"]).name for entry in json.loads(out)} == {"64.onnx", "512.onnx"}
    assert error.__name__ in err


def test_what_is_asked_is_what_is_drawn_and_read(fake: FakeSurrogate) -> None:
    from prerank.search_spaces import nds

    found = rank_json("nds", "--where", "space=enas", "--sample", 5)
    assert {entry["candidate"]["space"] for entry in found} == {"enas"}
    assert fake.problems[0].context == nds.problem(space="enas").context
    sides = [["avg_pool_3x3", 0], ["sep_conv_3x3", 1], ["sep_conv_3x3", 0], ["sep_conv_5x5", 2], ["sep_conv_3x3", 0]]
    blocks = [*sides, ["avg_pool_3x3", 3], ["sep_conv_3x3", 1], ["skip_connect", 1], *sides[:2]]
    cells = {"normal": blocks, "reduce": blocks, "normal_concat": [4, 5, 6], "reduce_concat": [4, 5, 6]}
    line = json.dumps({"genotype": cells, "width": 16, "depth": 20})
    found = rank_json("nds", "--where", "space=amoeba", "--candidates", "-", given=line)
    assert [entry["candidate"]["space"] for entry in found] == ["amoeba"]


def test_configurations_of_any_kernel_may_be_listed(fake: FakeSurrogate) -> None:
    asked = ["kernel_configs", "--device", "NVIDIA A100", "--where"]
    assert len(rank_json(*asked, "kernel=conv2d", "--candidates", "-", given="BLOCK=64\nBLOCK=128\n")) == 2
    assert len(rank_json(*asked, "kernel=bmm", "--sample", 3)) == 3


@pytest.mark.parametrize("space", ["nas_bench_201", "nas_bench_macro", "nds", "fbnet", "nas_bench_101"])
@pytest.mark.parametrize("line", ['{"ops": 3}', "text", '"text"', "{}"])
def test_a_record_of_another_kind_is_named(fake: FakeSurrogate, space: str, line: str) -> None:
    out, err = call("rank", space, "--metric", "latency_ms x", "--candidates", "-", "--json", given=line, status=1)
    assert json.loads(out) == []
    assert "line 1" in err


def test_a_line_is_one_candidate_however_a_file_is_marked(fake: FakeSurrogate, tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("workers=1 note=a\u2028b\nworkers=2\r\n", encoding="utf-8-sig")
    out, _ = call("predict", "--context", "c", "--metric", "m", "--candidates", str(file), "--json")
    assert [row["candidate"] for row in json.loads(out)] == ["workers=1 note=a\u2028b", "workers=2"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rank"], "nothing to compare"),
        (["rank", "no_such_space"], "no_such_space"),
        (["rank", "fbnet", "ofa"], "fbnet"),
        (["rank", "nas_bench_201", "--metric", "beauty"], "beauty"),
        (["rank", "nas_bench_101", "--device", "pixel 3"], "pixel 3"),
        (["rank", "nas_bench_201", "--where", "dataset"], "dataset"),
        (["rank", "nas_bench_201", "--where", "colour=red"], "colour"),
        (["rank", "fbnet", "--context", "c", "--metric", "m"], "--context"),
        (["rank", "--context", "c"], "--metric"),
        (["rank", "fbnet", "--candidates", "absent.txt"], "absent.txt"),
        (["rank", "nas_bench_201", "--sample", "99999"], "99999"),
        (["rank", "nas_bench_201", "--where", "metric=latency_ms"], "--metric latency_ms"),
        (["rank", "nas_bench_201", "--where", "device=pixel 3"], "--device 'pixel 3'"),
        (["rank", "nas_bench_201", "--device", "pixel 3", "--where", "device=pixel2"], "--device pixel2"),
        (["rank", "kernel_configs", "--device", "NVIDIA A100", "--where", "kernel=conv2d"], "--candidates"),
        (["rank", ".", "--candidates", "list.txt"], "lists candidates of a space"),
        (["measure", ".", "--candidates", "list.txt"], "lists candidates of a space"),
        (["measure", "nas_bench_macro", "--sample", "1", "--out", "out.jsonl.gz"], "out.jsonl.gz"),
        (["rank", "fbnet", "--size", "rows"], "rows"),
        (["rank", "fbnet", "--top", "0"], "--top"),
        (["rank", "fbnet", "--seed", "-1"], "--seed"),
        (["rank", "nas_bench_201", "--where", "dataset=a", "--where", "dataset=b"], "dataset is 'a' and 'b'"),
        (["rank", "absent.onnx"], "there is no file 'absent.onnx'"),
        (["rank", "fbnet", "absent.onnx"], "'fbnet' is a space"),
        (["rank", "--colour"], "colour"),
        (["rank", "nas_bench_201", "--metric", ""], "metric"),
        (["rank", "nas_bench_201", "--device", " "], "--device is empty"),
        (["rank", "nas_bench_201", "--candidates", "-"], "no candidates"),
        (["measure", ".", "--size", "rows=2", "--size", "rows=3"], "rows is 2 and 3"),
        (["measure", ".", "--out", "."], "--out . is a folder"),
        (["measure", "nas_bench_graph"], "nas_bench_graph"),
        (["measure", ".", "--threads", "4096"], "4096"),
        (["measure", ".", "--memory", "inf"], "--memory is inf"),
        (["measure", ".", "--timeout", "inf"], "--timeout is inf"),
        (["measure", ".", "--seconds", "inf"], "--seconds is inf"),
        (["measure", ".", "--seconds", "nan"], "--seconds"),
        (["measure", "nds", "--where", "colour=red"], "colour"),
        (["measure", "nds", "--where", "space=moon"], "moon"),
        (["rank", "fbnet", "--size", "rows=2"], "--size rows=2"),
        (["measure", "fbnet", "--size", "rows=2"], "--size rows=2"),
        (["predict", "--context", "c", "--metric", "m", "--size", "rows=2"], "--size rows=2"),
        (["eval", "absent.jsonl"], "absent.jsonl"),
    ],
)
def test_a_call_that_makes_no_sense_is_explained(fake: FakeSurrogate, arguments: list[str], said: str) -> None:
    out, err = call(*arguments, status=2)
    assert said in err
    assert not out
    assert "Traceback" not in err


def test_candidates_that_are_no_text_are_refused(fake: FakeSurrogate, tmp_path: Path) -> None:
    (tmp_path / "wrong.txt").write_bytes(b"\xff\xfe")
    err = call("rank", "--context", "c", "--metric", "m", "--candidates", tmp_path / "wrong.txt", status=2)[1]
    assert "wrong.txt" in err.replace("\n", "") and "UTF-8" in err


@pytest.mark.parametrize("command", ["calibrate", "train"])
def test_a_file_is_no_folder_to_save_to(fake: FakeSurrogate, rows: Path, command: str) -> None:
    assert "is a file; name a folder" in call(command, rows, "--out", rows, status=2)[1].replace("\n", " ")


def test_few_measurements_are_called_few(fake: FakeSurrogate, tmp_path: Path) -> None:
    append(table := tmp_path / "few.jsonl", [Measured("c", "latency_ms", "a" * n, float(n), {}) for n in (1, 2)])
    assert "only 2 were measured" in call("calibrate", table, "--out", tmp_path / "mine")[1]


def test_a_folder_without_models_is_named(fake: FakeSurrogate, tmp_path: Path) -> None:
    assert str(tmp_path) in call("rank", tmp_path, status=2)[1].replace("\n", "")


# measure, calibrate, train, eval, info


def test_measure_goes_on_where_it_was(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    shown, said = call("measure", folder, "--out", out, "--seconds", "0", status=1)
    assert "latency ms" in shown
    assert all(f"{row.value:.4g}" in shown for row in read(out) if row.metric.startswith("latency_ms"))
    assert "3 measured, 0 known already, 0 failed" in said
    assert "broken.onnx" in said
    lines = out.read_text()
    (folder / "broken.onnx").unlink()
    shown, said = call("measure", folder, "--out", out)
    assert "0 measured, 3 known already" in said
    assert not shown
    assert out.read_text() == lines
    assert {row.metric.split()[0] for row in read(out)} == {"latency_ms", "memory_bytes"}


def test_measure_leaves_a_compressed_table_as_it_is(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl.gz"
    content = gzip.compress(Measured("c", "m", "t", 1.0).to_json().encode() + b"\n")
    out.write_bytes(content)
    assert "compressed" in call("measure", folder, "--out", out, "--seconds", "0", status=2)[1]
    assert out.read_bytes() == content


@pytest.mark.parametrize("command", ["eval", "calibrate", "train"])
def test_a_compressed_table_that_was_cut_is_named(fake: FakeSurrogate, tmp_path: Path, command: str) -> None:
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(Measured("c", "m", "t", 1.0).to_json().encode() * 99)[:-9])
    options = [] if command == "eval" else ["--out", tmp_path / "mine"]
    assert "cut.jsonl.gz" in call(command, cut, *options, status=2)[1].replace("\n", "")


def test_candidates_of_a_space_are_measured_as_networks(fake: FakeSurrogate, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    call("measure", "nas_bench_201", "--sample", 2, "--out", out, "--seconds", "0", "--threads", 1, "--batch", 2)
    found = list(read(out))
    assert len(found) == 4
    assert all(row.value > 0 and row.context.startswith("nas_bench_201") and " batch=2 " in row.metric for row in found)
    names = "".join(json.dumps(row.more["name"]) + "\n" for row in found)
    asked = ["nas_bench_201", "--metric", found[0].metric, "--candidates", "-"]
    rank_json(*asked, given=names)
    assert fake.problems[0] == Problem(found[0].context, found[0].metric)


def test_the_cells_that_are_asked_for_are_measured(tmp_path: Path) -> None:
    from prerank.search_spaces import nds

    out = tmp_path / "out.jsonl"
    call("measure", "nds", "--where", "space=enas", "--sample", 1, "--out", out, "--seconds", "0")
    found = next(read(out))
    assert found.context == nds.problem(space="enas").context
    assert found.more["name"]["space"] == "enas"


@pytest.mark.slow
def test_an_interrupted_measuring_keeps_what_it_has(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    command = [Path(sys.executable).with_name("prerank"), "measure", str(folder), "--out", str(out), "--seconds", "2"]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (out.exists() and out.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    run.send_signal(signal.SIGINT)
    err = run.communicate(timeout=30)[1]
    assert run.returncode not in (0, None)
    assert "Traceback" not in err
    assert "measured now are in" in err
    assert 2 <= len(list(read(out))) < 6
    assert "2 measured, 1 known already" in call("measure", folder, "--out", out, "--seconds", "0", status=1)[1]


def test_what_is_measured_is_what_is_asked(fake: FakeSurrogate, folder: Path, tmp_path: Path) -> None:
    (folder / "broken.onnx").unlink()
    table, saved = tmp_path / "out.jsonl", tmp_path / "mine"
    call("measure", folder, "--out", table, "--seconds", "0")
    found = json.loads(call("calibrate", table, "--out", saved, "--json")[0])
    assert [entry["measured"] for entry in found] == [3, 3]
    assert {(round(entry["before"], 6), round(entry["after"], 6)) for entry in found} == {(0.1, 0.9)}
    assert fake.saved == [saved]
    measured = {row.more["name"]: row.value for row in read(table) if row.metric.startswith("memory")}
    ranked = rank_json(folder, "--metric", "memory_bytes")  # observed texts, so the fake knows the values
    assert {entry["candidate"]: entry["mean"] for entry in ranked} == measured


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


@pytest.mark.parametrize("command", ["calibrate", "eval"])
def test_a_direction_that_is_none_is_named(fake: FakeSurrogate, tmp_path: Path, command: str) -> None:
    table = tmp_path / "rows.jsonl"
    append(table, [Measured("c", "m", "a", 1.0, {"direction": "up"})])
    options = [] if command == "eval" else ["--out", tmp_path / "mine"]
    err = call(command, table, *options, status=2)[1]
    assert "'up'" in err
    assert "'minimize' or 'maximize'" in err


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


@pytest.mark.parametrize("name", LEARNERS)
def test_plain_models_learn_from_what_did_not_fail(name: str) -> None:
    texts = [f"net width={n}" for n in range(1, 41)]
    values = np.array([math.nan if n % 7 == 0 else float(n**2) for n in range(1, 41)])
    asked = ["net width=2", "net width=12", "net width=35"]
    small, middle, large = LEARNERS[name](texts, values, asked)
    assert small < middle < large
    assert not LEARNERS[name](texts[:2], values[:2], asked).any()  # two values teach nothing


def test_totals_are_known_where_all_texts_name_them() -> None:
    texts = ["params_m=0.5 macs_m=3 conv", "macs_m=2e3 params=7"]
    assert {name: sizes.tolist() for name, sizes in totals(texts).items()} == {
        "parameters": [0.5, 7],
        "MACs": [3, 2000],
    }
    assert list(totals(["params_m=1 macs=1", "macs=2"])) == ["MACs"]
    assert totals(["params_m=2E-05", "params=.5e+3"])["parameters"].tolist() == [2e-05, 500]


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


def test_info_names_spaces_and_this_machine(fake: FakeSurrogate) -> None:
    found = json.loads(call("info", "--json")[0])
    assert "nas_bench_201" in found["spaces"]
    assert "onnxruntime" in found["this machine"]
    assert found["knowledge"] == fake.knowledge
    assert "0.99" in call("info")[0]


@pytest.mark.parametrize("command", ["rank", "predict", "measure", "calibrate", "train", "eval", "info"])
def test_help_shows_an_example(command: str) -> None:
    assert f"prerank {command}" in call(command, "--help")[0].split("Usage:")[1].split("\n", 1)[1]


# the packaged weights


def test_the_packaged_weights_rank_by_latency() -> None:
    from prerank.search_spaces import nas_bench_201

    found = rank_json("nas_bench_201", "--metric", "latency_ms", "--device", "pixel 3", "--sample", 60)
    macs = [nas_bench_201.macs(nas_bench_201.Cell(tuple(entry["candidate"]["ops"]))) for entry in found]
    assert np.corrcoef(np.argsort(np.argsort(macs)), np.arange(60))[0, 1] > 0.7
    assert not any(math.isnan(entry["std"]) for entry in found)


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
def test_measurements_of_which_more_is_better_are_predicted(tmp_path: Path) -> None:
    table, mine = tmp_path / "rows.jsonl", tmp_path / "mine"
    texts, more = [f"workers={n} cache_mb={64 * (n % 3 + 1)}" for n in range(1, 31)], {"direction": "maximize"}
    append(table, [Measured("web server", "requests a second", text, 9.0 * n, more) for n, text in enumerate(texts)])
    call("calibrate", table, "--out", mine)
    asked = ["--context", "web server", "--metric", "requests a second", "--surrogate", mine, "--json"]
    few, many = (entry["mean"] for entry in json.loads(call("predict", *asked, given="\n".join(texts[3:28:24]))[0]))
    assert few < 100 < 180 < many


@pytest.mark.slow
def test_eval_rates_a_calibrated_surrogate_as_if_the_table_were_new(tmp_path: Path, rows: Path) -> None:
    mine = tmp_path / "mine"
    fresh = call("eval", rows, "--splits", "3", "--json")[0]
    call("calibrate", rows, "--out", mine)
    calibrated = call("eval", rows, "--splits", "3", "--json", "--surrogate", mine)[0]
    scores = [[entry["spearman"] for entry in json.loads(found)] for found in (fresh, calibrated)]
    assert scores[0] == pytest.approx(scores[1], abs=0.02)


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


def test_without_its_packages_the_command_names_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from prerank.integrations.command_line_entry import main; main()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "typer" in run.stderr
    assert "pip install 'prerank[cli]'" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_installed_command_speaks_json_and_loads_no_torch_for_help(folder: Path) -> None:
    command = [Path(sys.executable).with_name("prerank"), "rank", str(folder), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    assert len(json.loads(run.stdout)) == 3
    assert "broken.onnx" in run.stderr
    code = "import sys; from prerank.integrations.command_line import app; app(['--help'], standalone_mode=False); "
    run = subprocess.run([sys.executable, "-c", f"{code}print('torch' in sys.modules)"], capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == "False", run.stderr


def test_a_narrow_table_folds_texts_and_keeps_numbers(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    table("title", ["space", "metric", "rank"], [["nas_bench_201", "latency_ms " + "gpu " * 30, 0.98765]])
    printed = capsys.readouterr().out
    assert "nas_bench_201" in printed
    assert "0.9877" in printed
    assert printed.count("gpu") == 30


@pytest.mark.parametrize("reason", [ModuleNotFoundError("onnxruntime is not installed"), ValueError("a/model")])
def test_what_does_not_run_on_onnxruntime_runs_on_torch_and_says_so(
    reason: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends: list[str] = []

    def load(path: Path | None, backend: str = "torch") -> FakeSurrogate:
        backends.append(backend)
        if backend != "torch":
            raise reason
        return FakeSurrogate()

    monkeypatch.setattr(RLMSurrogate, "load", load)
    _, err = call("rank", "nas_bench_201", "--metric", "params", "--sample", "3", "--json")
    assert backends == ["onnxruntime", "torch"]
    assert f"this runs on torch, which starts slower: {reason}" in err


def test_ranking_loads_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from prerank.integrations.command_line import app;"
        "app(['rank', 'nas_bench_101', '--sample', '5', '--json'], standalone_mode=False);"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "False"
