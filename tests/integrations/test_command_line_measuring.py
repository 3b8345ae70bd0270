"""prerank measure: tables that are gone on with, limits, what is measured."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line_calls import FakeSurrogate, call, rank_json

from prerank.surrogate import Problem
from prerank.surrogate.measured import Measured, read


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


@pytest.mark.parametrize("out", ["-", "/dev/null"])
def test_measure_wants_a_file_that_it_can_go_on_with(out: str, folder: Path) -> None:
    assert "no file that can be gone on with" in call("measure", folder, "--out", out, status=2)[1]


def test_measure_leaves_a_compressed_table_as_it_is(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl.gz"
    content = gzip.compress(Measured("c", "m", "t", 1.0).to_json().encode() + b"\n")
    out.write_bytes(content)
    assert "compressed" in call("measure", folder, "--out", out, "--seconds", "0", status=2)[1]
    assert out.read_bytes() == content


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
