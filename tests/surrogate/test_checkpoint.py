from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load as from_bytes
from safetensors.torch import save as to_bytes

from prerank.surrogate import Problem, RLMSurrogate, checkpoint
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge, Known, Space

PROBLEM = Problem("c", "latency_ms")


@pytest.fixture
def folder(surrogate: RLMSurrogate, tmp_path: Path) -> Path:
    surrogate.save(tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def edit(folder: Path, **changes: object) -> None:
    file = folder / "checkpoint.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_what_is_loaded_predicts_what_was_saved(surrogate: RLMSurrogate, folder: Path, texts: list[str]) -> None:
    loaded = RLMSurrogate.load(folder).predict(PROBLEM, texts)
    assert np.array_equal(loaded.mean, surrogate.predict(PROBLEM, texts).mean)


def test_a_folder_without_a_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"checkpoint\.json is missing"):
        RLMSurrogate.load(tmp_path)


def test_json_that_is_no_checkpoint(folder: Path) -> None:
    for content in ("{", "[]", '{"format": 1}'):
        (folder / "checkpoint.json").write_text(content)
        with pytest.raises(ValueError, match=r"not a prerank checkpoint|it lacks \['codec'"):
            RLMSurrogate.load(folder)


def test_another_format_is_named(folder: Path) -> None:
    for content in ({"format": 99}, json.loads((folder / "checkpoint.json").read_text()) | {"format": 99}):
        (folder / "checkpoint.json").write_text(json.dumps(content))
        with pytest.raises(ValueError, match="format 99; this version reads format 1 only"):
            RLMSurrogate.load(folder)


def test_another_codec_is_named(folder: Path) -> None:
    edit(folder, codec={"digits": 9})
    with pytest.raises(ValueError, match=r"numbers of .'digits': 9"):
        RLMSurrogate.load(folder)


def test_names_that_are_no_utf_8_are_saved(tmp_path: Path, texts: list[str]) -> None:
    surrogate = RLMSurrogate.untrained(texts, vocabulary=300, width=16, heads=2)
    context = "device caf\udce9"
    surrogate._inference.knowledge = Knowledge({context: Space({"latency_ms": Known(0.9)})})
    surrogate.save(tmp_path)
    assert RLMSurrogate.load(tmp_path).knowledge == {context: {"latency_ms": 0.9}}


def test_a_model_that_a_device_has_no_memory_for_is_not_called_damaged(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(torch.nn.Module, "to", full)
    with pytest.raises(MemoryError, match="does not fit on cpu"):
        RLMSurrogate.load(folder).predict(PROBLEM, ["a"])


def test_reading_a_checkpoint_leaves_the_random_numbers_of_the_user_alone(folder: Path) -> None:
    for backend in ("torch", "onnxruntime"):
        torch.manual_seed(0)
        expected = torch.rand(1)
        torch.manual_seed(0)
        RLMSurrogate.load(folder, backend=backend).predict(PROBLEM, ["a"])
        assert torch.equal(torch.rand(1), expected)


def test_truncated_weights(folder: Path) -> None:
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(ValueError, match="damaged"):
        RLMSurrogate.load(folder).predict(PROBLEM, ["a"])


@pytest.mark.parametrize("device", ["cuda:99", "no such device"])
def test_a_device_that_is_not_there_is_named(folder: Path, device: str) -> None:
    with pytest.raises(ValueError, match=rf"device is '{device}', but torch has no such device here"):
        RLMSurrogate.load(folder, device=device).predict(PROBLEM, ["a"])


def test_weights_of_another_shape(folder: Path) -> None:
    shape = json.loads((folder / "checkpoint.json").read_text())["shape"]
    edit(folder, shape=shape | {"writer_layers": 1})
    with pytest.raises(ValueError, match="damaged"):
        RLMSurrogate.load(folder).predict(PROBLEM, ["a"])


def test_answers_that_changed_are_noticed(folder: Path) -> None:
    golden = json.loads((folder / "checkpoint.json").read_text())["golden"]
    golden[0]["mean"][0] += golden[0]["std"][0]
    edit(folder, golden=golden)
    with pytest.raises(ValueError, match="answers differently here"):
        RLMSurrogate.load(folder).predict(PROBLEM, ["a"])


@pytest.mark.parametrize("survives", [0, 1])
def test_a_save_cut_short_leaves_the_old_checkpoint(
    folder: Path, texts: list[str], survives: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = RLMSurrogate.load(folder).predict(PROBLEM, texts).mean
    replace, calls = os.replace, iter([True] * survives + [False])

    def fail(source: Path, target: Path) -> None:
        if not next(calls):
            raise OSError("disk full")
        replace(source, target)

    other = RLMSurrogate.untrained(texts, vocabulary=280, width=16, heads=2, reader_layers=1, writer_layers=1, seed=5)
    with monkeypatch.context() as patch, pytest.raises(OSError, match="disk full"):
        patch.setattr(os, "replace", fail)
        other.save(folder)
    assert np.array_equal(RLMSurrogate.load(folder).predict(PROBLEM, texts).mean, old)
    assert not list(folder.glob("*.part"))


def test_a_new_save_leaves_no_old_weights(folder: Path, texts: list[str]) -> None:
    RLMSurrogate.untrained(texts, width=16, heads=2, seed=5).save(folder)
    assert len(list(folder.glob("*.safetensors"))) == 1
    RLMSurrogate.load(folder).predict(PROBLEM, texts)


def truncate(folder: Path) -> None:
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(weights.read_bytes()[:1000])


def remove_the_weights(folder: Path) -> None:
    (weights,) = folder.glob("*.safetensors")
    weights.unlink()


def scale(folder: Path) -> None:
    (weights,) = folder.glob("*.safetensors")
    weights.write_bytes(to_bytes({name: 1.1 * tensor for name, tensor in from_bytes(weights.read_bytes()).items()}))


def write_garbage(folder: Path) -> None:
    (folder / "checkpoint.json").write_bytes(b"\xff\x00{")


@pytest.mark.parametrize("damage", [truncate, remove_the_weights, scale, write_garbage, lambda f: edit(f, format=2)])
def test_a_damaged_checkpoint_is_named(folder: Path, damage: Callable[[Path], None]) -> None:
    damage(folder)
    with pytest.raises(ValueError, match=re.escape(str(folder))):
        RLMSurrogate.load(folder).predict(PROBLEM, ["a"])


@pytest.mark.parametrize("key", ["weights", "shape", "knowledge", "provenance", "golden", "tokenizer"])
def test_a_checkpoint_that_lacks_a_part_is_named(folder: Path, key: str) -> None:
    file = folder / "checkpoint.json"
    description = json.loads(file.read_text())
    del description[key]
    file.write_text(json.dumps(description))
    with pytest.raises(ValueError, match=re.escape(str(folder))):
        RLMSurrogate.load(folder).predict(PROBLEM, ["a"])


@pytest.mark.parametrize(
    "parts", [{"knowledge": []}, {"knowledge": {"a": {}}}, {"golden": [{}]}, {"golden": [3]}, {"golden": None}]
)
def test_a_part_that_is_another_thing_is_named(folder: Path, parts: dict[str, Any]) -> None:
    edit(folder, **parts)
    with pytest.raises(ValueError, match=r"checkpoint\.json is damaged"):
        RLMSurrogate.load(folder)


@pytest.mark.parametrize(
    "content",
    [
        "{",
        '[{"context": "c"}]',
        "[3]",
        '[{"context": "c", "metric": "m", "direction": "minimize", "texts": "ab", "values": [1, 2]}]',
        '[{"context": "c", "metric": "m", "direction": "minimize", "texts": ["a"], "values": [1' + "0" * 400 + "]}]",
    ],
)
def test_observations_that_are_damaged_are_named(folder: Path, content: str) -> None:
    (folder / "observations.json").write_text(content)
    with pytest.raises(ValueError, match=re.escape(str(folder))):
        RLMSurrogate.load(folder)


def test_a_checkpoint_is_read_once_for_all_loads(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Path] = []
    load = checkpoint.load

    def count(path: Path, *more: Any) -> Inference:
        calls.append(path)
        return load(path, *more)

    monkeypatch.setattr(checkpoint, "load", count)
    one, other = RLMSurrogate.load(folder), RLMSurrogate.load(folder)
    assert calls == []
    for surrogate in (one, other, one.fork()):
        surrogate.predict(PROBLEM, ["a"])
    assert calls == [folder.resolve()]


def test_a_save_removes_what_a_save_wrote_and_nothing_else(surrogate: RLMSurrogate, folder: Path) -> None:
    (old,) = folder.glob("*.safetensors")
    others = [folder / "model-00001-of-00002.safetensors", folder / "model-card.md", folder / "model-kept" / "a"]
    others[2].parent.mkdir()
    for other in others:
        other.write_text("mine")
    surrogate._inference.model.order.data.add_(1)
    surrogate._source._identity = ""
    surrogate.save(folder)
    assert not old.exists()
    assert all(other.read_text() == "mine" for other in others)


def test_weights_load_whatever_the_default_type_is(surrogate: RLMSurrogate, folder: Path, texts: list[str]) -> None:
    mean = surrogate.predict(PROBLEM, texts).mean
    try:
        for kind in (torch.float64, torch.bfloat16):
            torch.set_default_dtype(kind)
            assert np.array_equal(RLMSurrogate.load(folder).predict(PROBLEM, texts).mean, mean)
            assert RLMSurrogate.untrained(texts, vocabulary=300, width=16, heads=2)._inference.model.order.dtype == (
                torch.float32
            )
            folder = folder.rename(folder.with_name(f"checkpoint_{kind}"))  # it is read again
    finally:
        torch.set_default_dtype(torch.float32)
