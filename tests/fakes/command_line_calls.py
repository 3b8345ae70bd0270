"""Calls of the command in this process, with a surrogate that counts letters."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from typer.testing import CliRunner

from prerank.integrations.command_line import app
from prerank.surrogate import Prediction, Problem, Row, Training
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
