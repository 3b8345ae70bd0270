"""Measuring with ONNX Runtime: in child processes, within limits, into tables that can be gone on with."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from prerank.integrations import onnxruntime as host
from prerank.integrations import onnxruntime_child
from prerank.integrations.onnxruntime import (
    METRICS,
    Conditions,
    InputUnknownError,
    Measurement,
    MeasurementError,
    Network,
    measure,
    measure_all,
)
from prerank.integrations.onnxruntime_machine import machine, processors
from prerank.surrogate.measured import read

LINUX = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not tell a process's memory")


def model(
    path: Path,
    width: int = 8,
    *,
    first: int | str = "N",
    input_type: int = TensorProto.FLOAT,
    expand: int = 0,
    loops: int = 0,
) -> Path:
    """A matrix product, which may then be expanded, or run in a loop."""
    weights = [numpy_helper.from_array(np.eye(width, dtype=np.float32), "w")]
    nodes = [helper.make_node("MatMul", ["x", "w"], ["y"])]
    if expand:
        weights.append(numpy_helper.from_array(np.array([expand, 1, width]), "shape"))
        nodes.append(helper.make_node("Expand", ["y", "shape"], ["z"]))
    if loops:
        body = helper.make_graph(
            [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("MatMul", ["state", "w"], ["next"])],
            "body",
            [
                helper.make_tensor_value_info("turn", TensorProto.INT64, []),
                helper.make_tensor_value_info("go", TensorProto.BOOL, []),
                helper.make_tensor_value_info("state", TensorProto.FLOAT, None),
            ],
            [
                helper.make_tensor_value_info("on", TensorProto.BOOL, []),
                helper.make_tensor_value_info("next", TensorProto.FLOAT, None),
            ],
        )
        weights += [numpy_helper.from_array(np.array(loops), "turns"), numpy_helper.from_array(np.array(True), "yes")]
        nodes.append(helper.make_node("Loop", ["turns", "yes", "y"], ["z"], body=body))
    output = helper.make_tensor_value_info("z" if expand or loops else "y", TensorProto.FLOAT, None)
    put = helper.make_tensor_value_info("x", input_type, [first, width])
    graph = helper.make_graph(nodes, "graph", [put], [output], weights)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    return path


def networks(folder: Path, *widths: int) -> Iterator[Network]:
    for width in widths:
        yield Network(f"net {width}", "context", f"width={width}", lambda _, w=width: model(folder / f"{w}.onnx", w))


def test_a_model_is_measured(tmp_path: Path) -> None:
    found = measure(model(tmp_path / "m.onnx"), seconds=0)
    assert 0 < found.latency_ms <= found.median_ms < 1000
    assert found.runs == 10


def test_a_larger_model_takes_longer_and_more_memory(tmp_path: Path) -> None:
    small, large = (measure(model(tmp_path / "m.onnx", width), seconds=0.1) for width in (16, 2048))
    assert large.latency_ms > 3 * small.latency_ms
    assert math.isnan(small.memory_bytes) or large.memory_bytes - small.memory_bytes > 2048 * 2048 * 4 * 0.9


@LINUX
def test_a_limit_of_the_system_is_kept(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 36, 1 << 36)); "
    code = limit + "from prerank.integrations.onnxruntime_child import limit_memory; limit_memory(1 << 40)"
    code += "; print(resource.getrlimit(resource.RLIMIT_AS))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert run.stdout.split() == [f"({1 << 36},", f"{1 << 36})"]
    assert resource.RLIMIT_AS is not None


def test_memory_does_not_depend_on_the_parent(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx")
    before = measure(path, seconds=0).memory_bytes
    ballast = np.ones(40_000_000)  # 320 MB
    after = measure(path, seconds=0).memory_bytes
    assert ballast.all()
    assert abs(after - before) < 20e6


def test_seconds_are_kept_to(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", 512)
    assert measure(path, seconds=0.3).runs > measure(path, seconds=0).runs


def test_a_batch_is_fed(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", 512)
    one, many = (measure(path, Conditions(batch=batch), seconds=0.1).latency_ms for batch in (1, 256))
    assert many > 2 * one


def test_a_named_size_goes_before_the_batch(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", 512)
    one, many = (measure(path, Conditions(sizes={"N": size}), seconds=0.1).latency_ms for size in (1, 256))
    assert many > 2 * one


@pytest.mark.parametrize("content", [b"", b"no model", b"\x08\x0a" * 50])
def test_what_is_no_model_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(content)
    with pytest.raises(MeasurementError, match=r"m\.onnx|[Gg]raph|[Mm]odel"):
        measure(path)


def test_an_absent_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"absent\.onnx"):
        measure(tmp_path / "absent.onnx")


@LINUX
def test_a_model_that_swells_is_ended(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", 1024, expand=1 << 18)  # 1 GiB
    with pytest.raises(MeasurementError, match=r"more than 0\.5 GiB"):
        measure(path, memory_bytes=1 << 29)


def test_a_model_that_hangs_is_ended(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", 512, loops=1 << 40)
    with pytest.raises(MeasurementError, match=r"more than 1\.5 s"):
        measure(path, timeout=1.5)


def test_an_input_that_cannot_be_made_up_is_named(tmp_path: Path) -> None:
    put = helper.make_tensor_value_info("words", TensorProto.STRING, [1])
    out = helper.make_tensor_value_info("y", TensorProto.STRING, [1])
    graph = helper.make_graph([helper.make_node("Identity", ["words"], ["y"])], "graph", [put], [out])
    path = tmp_path / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=10), path)
    with pytest.raises(InputUnknownError, match="words"):
        measure(path)
    network = Network("m", "context", "text", lambda _: path)
    rows = list(measure_all([network], tmp_path / "out.jsonl"))
    assert "words" in rows[0][0].more["error"]
    assert not (tmp_path / "out.jsonl").exists()  # it says nothing of the model


def test_where_ones_are_no_places_zeros_are_fed(tmp_path: Path) -> None:
    x, at, y = (
        helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in (
            ("x", TensorProto.FLOAT, ["nodes", 4]),
            ("at", TensorProto.INT64, ["edges"]),
            ("y", TensorProto.FLOAT, None),
        )
    )
    graph = helper.make_graph([helper.make_node("Gather", ["x", "at"], ["y"])], "g", [x, at], [y])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, tmp_path / "model.onnx")
    assert measure(tmp_path / "model.onnx", seconds=0).latency_ms > 0


def test_a_table_is_gone_on_with(tmp_path: Path) -> None:
    out = tmp_path / "tables" / "out.jsonl"
    first = list(measure_all(networks(tmp_path, 4, 8), out, seconds=0))
    assert [len(rows) for rows in first] == [2, 2]
    with out.open("a") as file:
        file.write('{"context": "cont')  # a crash in the middle of a line
    second = list(measure_all(networks(tmp_path, 4, 8, 16, 4), out, seconds=0))
    assert [len(rows) for rows in second] == [0, 0, 2, 0]
    rows = list(read(out))
    assert [row.candidate for row in rows] == [text for width in (4, 8, 16) for text in [f"width={width}"] * 2]
    assert {row.metric.split()[0] for row in rows} == set(METRICS)


def test_other_conditions_are_other_measurements(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    for conditions in (Conditions(), Conditions(optimise=False), Conditions(batch=2)):
        assert [len(rows) for rows in measure_all(networks(tmp_path, 4), out, conditions, seconds=0)] == [2]
    assert len({row.metric for row in read(out)}) == 6


def test_rows_are_on_the_disk_when_the_next_network_is_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"

    def interrupted() -> Iterator[Network]:
        yield from networks(tmp_path, 4)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(measure_all(interrupted(), out, seconds=0))
    assert len(list(read(out))) == 2


def test_a_failure_is_a_row_with_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(b"no model")
    out = tmp_path / "out.jsonl"
    list(measure_all([Network("m", "context", "text", lambda _: path)], out))
    rows = list(read(out))
    assert len(rows) == 2
    assert all(math.isnan(row.value) and row.more["error"] for row in rows)


def test_what_failed_is_measured_again_the_next_time(tmp_path: Path) -> None:
    out, path = tmp_path / "out.jsonl", tmp_path / "m.onnx"
    path.write_bytes(b"no model")
    network = Network("m", "context", "text", lambda _: path)
    assert [len(rows) for rows in measure_all([network, network], out, seconds=0)] == [2, 0]
    model(path)
    assert [len(rows) for rows in measure_all([network], out, seconds=0)] == [2]
    assert {row.key: row.value > 0 for row in read(out)} == {row.key: True for row in read(out)}  # the later counts
    assert [len(rows) for rows in measure_all([network], out, seconds=0)] == [0]


@pytest.mark.parametrize("told", [None, "Name:\tpython\nVmRSS:\t  1024 kB\n"])
def test_memory_that_is_not_told_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str | None
) -> None:
    status = tmp_path / "status"
    if told is not None:
        status.write_text(told)
    monkeypatch.setattr(onnxruntime_child, "_STATUS", status)
    monkeypatch.setattr(host, "measure", lambda *_, **__: Measurement(1.0, 1.0, math.nan, 10))
    assert onnxruntime_child.resident("VmHWM") is None
    out = tmp_path / "out.jsonl"
    for new in (1, 0):
        assert [len(rows) for rows in measure_all(networks(tmp_path, 4), out)] == [new]
    assert [row.metric.split()[0] for row in read(out)] == ["latency_ms"]


@pytest.mark.parametrize("content", [b"two\nnotes\n", b"note", b"\x08\x00\n\xff"])
def test_a_file_that_is_no_table_is_left_as_it_is(tmp_path: Path, content: bytes) -> None:
    out = tmp_path / "notes.txt"
    out.write_bytes(content)
    with pytest.raises(ValueError, match=r"notes\.txt"):
        list(measure_all(networks(tmp_path, 4), out, seconds=0))
    assert out.read_bytes() == content


def child(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> Path:
    """A model, and code that runs in its place."""
    (folder / "another_child.py").write_text(f"import os, sys\n{code}")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(host, "_CHILD", "another_child")
    return model(folder / "m.onnx")


def test_what_libraries_print_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Measurement(1.0, 2.0, 3.0, 4)
    answer = f"\n{onnxruntime_child.ANSWER}{json.dumps(found._asdict())}"
    code = f"print('loading ...', end='')\nprint({answer!r})\nos.write(2, b'\\xff')\nprint('{{}}')"
    assert measure(child(tmp_path, monkeypatch, code)) == found


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("print('{')", "exit status 0"),
        ("os.write(2, b'not \\xff UTF-8'); sys.exit(1)", "not \ufffd UTF-8"),
        ("os.kill(os.getpid(), 9)", r"signal 9 \(Killed\)"),
        ("import signal; os.kill(os.getpid(), signal.SIGRTMIN + 1)", "[Rr]eal-time"),
    ],
)
def test_however_a_child_ends_there_is_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, said: str
) -> None:
    with pytest.raises(MeasurementError, match=said):
        measure(child(tmp_path, monkeypatch, code))


def test_candidates_without_a_file_are_named_and_the_others_measured(tmp_path: Path) -> None:
    def broken(_: Path) -> Path:
        raise KeyError("no such layer")

    out = tmp_path / "out.jsonl"
    gone = Network("gone", "context", "gone", lambda _: tmp_path / "gone.onnx")
    unwritten = Network("unwritten", "context", "unwritten", broken)
    rows = list(measure_all([gone, unwritten, *networks(tmp_path, 4)], out, seconds=0))
    assert "gone.onnx" in rows[0][0].more["error"]
    assert "no such layer" in rows[1][0].more["error"]
    assert {row.candidate for row in read(out)} == {"width=4"}  # the others say nothing of what they cost


def test_a_batch_that_the_model_does_not_take_is_refused(tmp_path: Path) -> None:
    path = model(tmp_path / "m.onnx", first=4)
    assert measure(path, Conditions(batch=4), seconds=0).runs == 10
    with pytest.raises(InputUnknownError, match=r"batch 8: x \[4, 8\].*batch 1"):
        measure(path, Conditions(batch=8), seconds=0)
    assert measure(path, seconds=0).runs == 10


def test_the_problem_says_machine_and_conditions() -> None:
    problem = Conditions(batch=4, optimise=False).problem("context", "memory_bytes")
    assert problem.metric.startswith("memory_bytes batch=4 ")
    assert problem.metric.endswith("onnxruntime threads=1 unoptimised")
    assert problem.direction == "minimize"
    assert json.dumps(machine()).isascii()


@pytest.mark.parametrize("options", [{"threads": 0}, {"threads": processors() + 1}, {"batch": 0}])
def test_impossible_conditions_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=str(*options.values())):
        Conditions(**options)


def test_what_is_not_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="energy_mj"):
        Conditions().problem("context", "energy_mj")


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the system pins no process")
def test_this_process_is_not_pinned(tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    measure(model(tmp_path / "m.onnx"), seconds=0)
    assert os.sched_getaffinity(0) == before
