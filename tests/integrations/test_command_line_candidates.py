"""Candidates of the command line: files, lists, records, draws, sizes of open axes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from command_line_calls import FakeSurrogate, call, network, rank_json

from prerank.integrations.command_line_candidates import gathered, listed, refuses, sampled
from prerank.integrations.command_line_spaces import chosen, spaces
from prerank.integrations.onnxruntime_conditions import Conditions
from prerank.search_spaces.onnx_graph import from_record
from prerank.surrogate.measured import read


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


def test_sizes_of_open_axes_are_in_the_text(fake: FakeSurrogate, tmp_path: Path) -> None:
    path = str(network(tmp_path / "open.onnx", 8, batch="rows"))
    runs = Conditions(sizes={"rows": 2}), Conditions(sizes={"rows": 9}), Conditions(batch=9)
    two, nine, batch = (gathered([path], chosen([path]), None, None, 0, run)[0][0].text for run in runs)
    assert two != nine == batch
    call("rank", path, "--size", "rows=2")
    assert "wrong" in call("rank", path, "--size", "wrong=2", status=2)[1]


def test_a_size_concerns_the_models_that_have_the_axis(fake: FakeSurrogate, tmp_path: Path) -> None:
    for name, batch in (("open", "rows"), ("closed", 1), ("other", "batch")):
        network(tmp_path / f"{name}.onnx", 8, batch)
    call("rank", tmp_path, "--size", "rows=2", "--size", "batch=3")
    run = Conditions(sizes={"rows": 2, "batch": 3})
    found, broken = gathered([str(tmp_path)], chosen([str(tmp_path)]), None, None, 0, run)
    assert [entry.text.count(f"input:{size}x8") for entry, size in zip(found, (1, 2, 3), strict=True)] == [1, 1, 1]
    assert not broken
    assert "['batch', 'rows']" in call("rank", tmp_path, "--size", "wrong=2", status=2)[1]


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


def test_candidates_that_are_no_text_are_refused(fake: FakeSurrogate, tmp_path: Path) -> None:
    (tmp_path / "wrong.txt").write_bytes(b"\xff\xfe")
    err = call("rank", "--context", "c", "--metric", "m", "--candidates", tmp_path / "wrong.txt", status=2)[1]
    assert "wrong.txt" in err.replace("\n", "") and "UTF-8" in err


def test_a_folder_without_models_is_named(fake: FakeSurrogate, tmp_path: Path) -> None:
    assert str(tmp_path) in call("rank", tmp_path, status=2)[1].replace("\n", "")


def test_an_array_over_several_lines_is_read_or_refused(fake: FakeSurrogate) -> None:
    asked = ["--context", "c", "--metric", "latency_ms", "--candidates", "-"]
    printed = json.dumps([{"candidate": "a=1", "mean": 2.0}, {"candidate": "bb=2"}], indent=4)
    assert {entry["candidate"] for entry in rank_json(*asked, given=printed)} == {"a=1", "bb=2"}
    said = call("rank", *asked, given=json.dumps([{"a": 1}, {"a": 2}], indent=4), status=2)[1]
    assert "jq -c" in said
    assert [entry["candidate"] for entry in rank_json(*asked, given='["a", 1]\n')] == ['["a", 1]']


@pytest.mark.parametrize(
    ("shape", "does"),
    [("1,3", True), ("8,3", False), ("n,3", False), ("n,1", False), ("1,n", True), ("1,n,n", True)],
)
def test_a_fixed_first_axis_refuses_another_batch(shape: str, does: bool) -> None:
    printed = f'<ir_version: 8, opset_import: ["": 17]>\nnet (float[{shape}] x) => (float[{shape}] y) {{ y = Relu(x) }}'
    assert refuses(from_record(printed), 8) == does


@pytest.mark.parametrize("put", ["float[] x", "float[n] x"])
def test_what_cannot_be_told_refuses_no_batch(put: str) -> None:
    kind = "Relu" if put == "float[] x" else "Identity"
    printed = f'<ir_version: 8, opset_import: ["": 17]>\nnet ({put}) => (float[n] y) {{ y = {kind}(x) }}'
    assert not refuses(from_record(printed), 8)


def test_the_line_that_is_no_text_is_named(fake: FakeSurrogate, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"a=1\na=2\na=\xff\n")
    said = call("rank", "--context", "c", "--metric", "m", "--candidates", tmp_path / "list.txt", status=2)[1]
    assert "line 3" in said
