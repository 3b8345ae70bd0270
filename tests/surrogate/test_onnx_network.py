from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from prerank.surrogate import Prediction, Problem, RLMSurrogate, Row, Training, backends, onnx_export
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge, Known, Space

PROBLEM = Problem("space\ndevice x 12.5", "latency_ms pixel 3")
LONG = " ".join(f"w{n % 7}" for n in range(300))
POOL = [f"a{n} b{n * n % 7}" for n in range(40)]
VALUES = [float(n * n % 7) + 1 for n in range(40)]


@pytest.fixture
def folder(surrogate: RLMSurrogate, tmp_path: Path) -> Path:
    known = {"latency_ms pixel 2": Known(0.8), "latency_ms raspi": Known(0.7), "params": Known(0.9)}
    surrogate._inference.knowledge = Knowledge({"space": Space(known)})
    surrogate.save(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def on(backend: backends.Backend, folder: Path) -> RLMSurrogate:
    return RLMSurrogate.load(folder, backend=backend)


def edit(folder: Path, **changes: object) -> None:
    file = folder / "checkpoint.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def assert_close(one: Prediction, other: Prediction) -> None:
    assert (np.abs(one.mean - other.mean) <= 1e-4 * np.maximum(one.std, 1e-12)).all()
    assert one.std == pytest.approx(other.std, rel=1e-4)
    assert one.p_fail == pytest.approx(other.p_fail, abs=1e-6)
    assert np.array_equal(one.trust, other.trust)


@pytest.mark.parametrize(
    "texts",
    [[], [""], ["a"], ["a", "b c 12.5 d", "", "a<0 512"], [LONG], ["a", LONG, "b", f"{LONG} 1 2 3"], ["x y z"] * 300],
    ids=len,
)
@pytest.mark.parametrize("problem", [PROBLEM, Problem("", "m"), Problem("space", "params")], ids=str)
def test_it_answers_as_torch_does(folder: Path, problem: Problem, texts: list[str]) -> None:
    assert_close(on("torch", folder).predict(problem, texts), on("onnxruntime", folder).predict(problem, texts))


def test_it_learns_as_torch_does(folder: Path) -> None:
    answers: list[Prediction] = []
    for surrogate in (on("torch", folder), on("onnxruntime", folder)):
        surrogate.observe(PROBLEM, POOL[:20], [*VALUES[:19], np.nan])
        answers.append(surrogate.predict(PROBLEM, POOL[20:]))
    assert answers[0].mean == pytest.approx(answers[1].mean, rel=1e-3)
    assert answers[0].trust == pytest.approx(answers[1].trust)


def test_it_reads_as_torch_does(folder: Path, texts: list[str]) -> None:
    (_, one), (_, other) = (on(b, folder)._inference.read(PROBLEM, texts) for b in ("torch", "onnxruntime"))
    np.testing.assert_allclose(one.outlines, other.outlines, rtol=1e-4)
    np.testing.assert_allclose(one.states, other.states, rtol=1e-4, atol=1e-5)


def test_the_same_call_gives_the_same_bits(folder: Path, texts: list[str]) -> None:
    surrogate = on("onnxruntime", folder)
    assert len({surrogate.predict(PROBLEM, texts).mean.tobytes() for _ in range(10)}) == 1


def test_no_torch_is_loaded_once_the_graphs_are_written(folder: Path, texts: list[str]) -> None:
    expected = on("onnxruntime", folder).predict(PROBLEM, texts).mean
    code = (
        "import json, sys; from prerank.surrogate import Problem, RLMSurrogate;"
        "folder, context, metric, texts = json.load(sys.stdin);"
        "surrogate = RLMSurrogate.load(folder, backend='onnxruntime');"
        "mean = surrogate.predict(Problem(context, metric), texts).mean.tolist();"
        "print(json.dumps([mean, 'torch' in sys.modules]))"
    )
    question = json.dumps([str(folder), PROBLEM.context, PROBLEM.metric, texts])
    done = subprocess.run([sys.executable, "-c", code], input=question, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [expected.tolist(), False]


def test_the_graphs_hold_no_weights_and_are_written_once(folder: Path) -> None:
    on("onnxruntime", folder).predict(PROBLEM, ["a"])
    graphs = {file: file.stat().st_mtime_ns for file in folder.glob("*.onnx")}
    assert len(graphs) == 5
    on("onnxruntime", folder).predict(PROBLEM, ["b"])
    assert {file: file.stat().st_mtime_ns for file in folder.glob("*.onnx")} == graphs
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(bytes(weights.stat().st_size))
    with pytest.raises(ValueError, match="damaged"):
        on("onnxruntime", folder).predict(PROBLEM, ["a"])


def test_it_runs_where_nobody_says_once_the_graphs_are_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "torch on cpu" in repr(RLMSurrogate.load(folder))
    on("onnxruntime", folder).predict(PROBLEM, ["a"])
    assert "onnxruntime on cpu" in repr(RLMSurrogate.load(folder))
    assert "torch on cuda" in repr(RLMSurrogate.load(folder, device="cuda"))
    monkeypatch.setattr(backends, "find_spec", dict[str, object]().get)
    assert "torch on cpu" in repr(RLMSurrogate.load(folder))


def test_links_to_a_checkpoint_elsewhere_are_followed(folder: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for file in folder.iterdir():
        (linked / file.name).symlink_to(file)
    assert_close(on("torch", folder).predict(PROBLEM, ["a"]), on("onnxruntime", linked).predict(PROBLEM, ["a"]))


def test_a_new_save_leaves_no_old_graphs(folder: Path, texts: list[str]) -> None:
    on("onnxruntime", folder).predict(PROBLEM, ["a"])
    RLMSurrogate.untrained(texts, width=16, heads=2, seed=5).save(folder)
    assert not list(folder.glob("*.onnx"))
    assert_close(on("torch", folder).predict(PROBLEM, texts), on("onnxruntime", folder).predict(PROBLEM, texts))


def test_answers_that_changed_are_noticed(folder: Path) -> None:
    golden = json.loads((folder / "checkpoint.json").read_text())["golden"]
    golden[0]["mean"][0] += golden[0]["std"][0]
    edit(folder, golden=golden)
    with pytest.raises(ValueError, match="answers differently here"):
        on("onnxruntime", folder).predict(PROBLEM, ["a"])


def test_a_damaged_graph_is_written_again(folder: Path) -> None:
    expected = on("onnxruntime", folder).predict(PROBLEM, ["a"]).mean
    (graph,) = folder.glob("*.read.onnx")
    content = graph.read_bytes()
    for damaged in (content[:1000], b""):
        graph.write_bytes(damaged)
        assert np.array_equal(on("onnxruntime", folder).predict(PROBLEM, ["a"]).mean, expected)
        assert graph.read_bytes() == content


def test_a_graph_that_stays_damaged_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on("onnxruntime", folder).predict(PROBLEM, ["a"])
    (graph,) = folder.glob("*.read.onnx")
    graph.write_bytes(graph.read_bytes()[:1000])
    monkeypatch.setattr(onnx_export, "export", lambda *_: None)
    with pytest.raises(ValueError, match=r"damaged.*read\.onnx"):
        on("onnxruntime", folder).predict(PROBLEM, ["a"])


def test_it_is_forked_pickled_trained_and_saved_as_on_torch(folder: Path, tmp_path: Path) -> None:
    surrogate = on("onnxruntime", folder)
    surrogate.observe(PROBLEM, POOL, VALUES)
    expected = surrogate.predict(PROBLEM, POOL).mean
    surrogate.save(tmp_path / "saved")
    copies = surrogate.fork(), pickle.loads(pickle.dumps(surrogate)), on("onnxruntime", tmp_path / "saved")
    for other in copies:
        assert not isinstance(other._inference.network, type(on("torch", folder)._inference.network))
        assert np.array_equal(other.predict(PROBLEM, POOL).mean, expected)
    rows = [Row("space", (text,), {"params": value}) for text, value in zip(POOL, VALUES, strict=True)]
    before = surrogate.predict(Problem("space", "params"), POOL).mean
    surrogate.fit(rows, Training(steps=2, contexts=1))
    assert (surrogate.predict(Problem("space", "params"), POOL).mean != before).any()


@pytest.mark.parametrize(
    ("wanted", "error", "message"),
    [
        ({"backend": "tensorrt"}, ValueError, "'tensorrt'; it must be one of torch, onnxruntime"),
        ({"backend": "onnxruntime", "device": "cuda"}, ValueError, r"'cuda'.*backend=\"torch\""),
    ],
)
def test_what_does_not_run_is_named(folder: Path, wanted: dict[str, str], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RLMSurrogate.load(folder, **wanted)  # type: ignore[arg-type]


def test_a_pretrained_encoder_is_left_to_torch(folder: Path) -> None:
    edit(folder, encoder={"name": "a/model", "frozen": True, "config": None})
    with pytest.raises(ValueError, match=r'a/model does not run on onnxruntime; load with backend="torch"'):
        on("onnxruntime", folder)


@pytest.mark.parametrize("package", ["onnxruntime", "onnx"])
def test_what_is_not_installed_is_named(folder: Path, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "find_spec", lambda name: None if name == package else name)
    with pytest.raises(ModuleNotFoundError, match=rf"^{package} is not installed; pip install 'prerank\[onnx\]'"):
        on("onnxruntime", folder)
    on("torch", folder)


def test_onnx_is_not_needed_where_the_graphs_are(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    on("onnxruntime", folder).predict(PROBLEM, ["a"])
    monkeypatch.setattr(backends, "find_spec", lambda name: None if name == "onnx" else name)
    monkeypatch.setattr(os, "access", lambda *_: False)
    on("onnxruntime", folder).predict(PROBLEM, ["a"])


def test_a_folder_that_cannot_be_written_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(PermissionError, match=r'make it writable, or load with backend="torch"'):
        on("onnxruntime", folder)


def test_an_inference_without_torch_has_no_weights_to_train(folder: Path) -> None:
    inference: Inference = on("onnxruntime", folder)._inference
    with pytest.raises(TypeError, match="OnnxNetwork has no weights of torch"):
        _ = inference.model
