"""Checkpoints: weights as safetensors, everything else as JSON, checked by golden outputs.

A checkpoint is a folder of ``checkpoint.json`` and the weights that it names. Weights are named after their content and
the JSON is replaced in one step, so that a save that is cut short leaves the old checkpoint whole. What needs torch is
imported by `save` and `load`; `describe` does without.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atomic import write_whole
from .backends import Backend, EncoderNotFoundError, check_device, on_onnxruntime, on_torch
from .codec import DIGITS, VOCABULARY
from .knowledge import Knowledge
from .problem import Problem
from .tokenizer import Tokenizer

if TYPE_CHECKING:
    from .inference import Inference

DESCRIPTION = "checkpoint.json"
_FORMAT = 1
_CODEC = {"digits": DIGITS, "vocabulary": VOCABULARY}
_ANSWERED = ("context", "metric", "texts", "mean", "std")
_PARTS = {"codec", "weights", "shape", "versions", "knowledge", "provenance", "golden", "tokenizer"}
_OWN = re.compile(r"model-[0-9a-f]{12}\.(safetensors|[a-z]+\.onnx)")  # what `save` and the graphs' export write
_GOLDEN_TEXTS = ["", "input conv3x3<0 output<1", "BLOCK_M=64 BLOCK_N=128 num_warps=4"]
_MOST_GOLDEN = 8  # questions, which each process that loads the checkpoint asks
_GOLDEN_TOLERANCE = 0.01  # in predicted standard deviations: far above rounding, far below a wrong model


def save(path: Path, inference: Inference, provenance: dict[str, Any]) -> None:
    """Write a model as a checkpoint, with answers that must come out again wherever it is loaded.

    Args:
        path: Folder, made if need be.
        inference: The model, its tokenizer and its knowledge. Of a frozen encoder the name is written, not the
            weights; of a trained one the weights, and its tokenizer is found by the name.
        provenance: Where the weights come from, as JSON.
    """
    from importlib.metadata import version  # slow to import, and all hosts import this file

    weights = _weights(inference)
    name = _weights_name(weights)
    description = {
        "format": _FORMAT,
        **_model(inference, name),
        "codec": _CODEC,
        "versions": {package: version(package) for package in ("prerank", "torch", "transformers", "tokenizers")},
        "provenance": provenance,
        "golden": [_answer(inference, problem, _GOLDEN_TEXTS) for problem in _golden(inference.knowledge)],
    }
    write_whole(path / name, weights)
    write_whole(path / DESCRIPTION, json.dumps(description, indent=1).encode())
    for file in path.iterdir():
        if _OWN.fullmatch(file.name) and not file.name.startswith(name.removesuffix("safetensors")):
            file.unlink()


def identity(model: Mapping[str, Any]) -> str:
    """Tells a model from all that may answer otherwise, by what `describe` says of it."""
    knowledge = Knowledge.from_json(model["knowledge"]).to_json()  # 1 and 1.0 are one number, but two texts
    parts = [model["weights"], model["shape"], model.get("encoder"), knowledge, model["tokenizer"]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def identity_of(inference: Inference) -> str:
    """The identity that a model in memory, on torch, would have as a checkpoint."""
    return identity(_model(inference, _weights_name(_weights(inference))))


def describe(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself, without its weights.

    Raises:
        FileNotFoundError: If there is none.
        ValueError: If it is not one that this version reads.
    """
    file = path / DESCRIPTION
    if not file.exists():
        raise FileNotFoundError(f"no checkpoint at {path}: {DESCRIPTION} is missing; give a folder written by save()")
    try:
        description: dict[str, Any] = json.loads(file.read_text("utf-8"))
        kind, missing = description["format"], _PARTS - description.keys()
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is not a prerank checkpoint ({error!r}); save it again") from error
    if kind != _FORMAT:
        raise ValueError(f"{file} has format {kind}; this version reads format {_FORMAT} only")
    if missing:
        raise ValueError(f"{file} is damaged: it lacks {sorted(missing)}; copy or save it again")
    _check_parts(file, description)
    return description


def _check_parts(file: Path, description: Mapping[str, Any]) -> None:
    """See that a description's parts can be read, so that a damaged one is named before any weights are."""
    if (codec := description["codec"]) != _CODEC:
        raise ValueError(f"{file} has numbers of {codec}; this version reads those of {_CODEC} only")
    try:
        Knowledge.from_json(description["knowledge"])
        _ = [answer[part] for answer in description["golden"] for part in _ANSWERED]
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{file} is damaged ({error!r}); copy or save it again") from error


def load(path: Path, device: str, backend: Backend = "torch") -> Inference:
    """Read a checkpoint and verify its golden outputs.

    Raises:
        EncoderNotFoundError: If the pretrained encoder that it names is not where it was.
        FileNotFoundError: If there is none.
        MemoryError: If the device has not enough.
        ModuleNotFoundError: If the backend is not installed.
        PermissionError: If a file cannot be read, or a graph for onnxruntime not be written.
        ValueError: If it is truncated, foreign, or answers differently here than where it was written, or there is no
            such device.
    """
    from .inference import Inference

    description, torch = describe(path), backend == "torch"
    if torch:
        check_device(device)
    try:
        tokenizer = Tokenizer(json.dumps(description["tokenizer"]))
        weights = (path / description["weights"]).read_bytes()
        if _weights_name(weights) != description["weights"]:
            raise ValueError("the weights are not those that were saved")
        network = on_torch(description, weights, device) if torch else on_onnxruntime(description, weights, path)
    except (EncoderNotFoundError, MemoryError, ModuleNotFoundError, PermissionError):
        raise
    except Exception as error:  # safetensors, tokenizers, torch and onnxruntime raise classes of their own
        raise ValueError(f"the checkpoint at {path} is damaged ({error}); copy or save it again") from error
    inference = Inference(network, tokenizer, Knowledge.from_json(description["knowledge"]))
    for answer in description["golden"]:
        _verify(inference, answer, path)
    return inference


def _weights(inference: Inference) -> bytes:
    from safetensors.torch import save as to_bytes

    return to_bytes({name: tensor.cpu().contiguous() for name, tensor in inference.model.state_dict().items()})


def _model(inference: Inference, weights: str) -> dict[str, Any]:
    """A model as JSON: the name of its weights, and all that is needed beside them."""
    from .encoder import PretrainedEncoder

    encoder = inference.model.encoder
    return {
        "weights": weights,
        "shape": inference.model.shape,
        "encoder": encoder.description if isinstance(encoder, PretrainedEncoder) else None,
        "knowledge": inference.knowledge.to_json(),
        "tokenizer": json.loads(inference.tokenizer.to_json()),
    }


def _weights_name(weights: bytes) -> str:
    """Name of the weights' file, which tells whether they are whole."""
    return f"model-{hashlib.sha256(weights).hexdigest()[:12]}.safetensors"


def _golden(knowledge: Knowledge) -> list[Problem]:
    """The first metrics known, or any, whose answers tell whether the model is the one that was saved."""
    known = [Problem(context, metric) for context, metrics in knowledge.ranks.items() for metric in metrics]
    return known[:_MOST_GOLDEN] or [Problem("", "latency_ms")]


def _answer(inference: Inference, problem: Problem, texts: list[str]) -> dict[str, Any]:
    prediction = inference.predict(problem, texts)
    return {
        "context": problem.context,
        "metric": problem.metric,
        "texts": texts,
        "mean": prediction.mean.tolist(),
        "std": prediction.std.tolist(),
    }


def _verify(inference: Inference, expected: dict[str, Any], path: Path) -> None:
    got = _answer(inference, Problem(expected["context"], expected["metric"]), expected["texts"])
    away = np.abs(np.subtract(got["mean"], expected["mean"])) / np.maximum(expected["std"], 1e-12)
    if not away.max(initial=0) <= _GOLDEN_TOLERANCE:
        raise ValueError(
            f"the checkpoint at {path} answers differently here: {expected['metric']} of "
            f"{expected['texts'][int(away.argmax())]!r} is {got['mean'][int(away.argmax())]}, "
            f"it must be {expected['mean'][int(away.argmax())]}; install the versions that it names"
        )
