from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from prerank.surrogate import Problem
from prerank.surrogate.attention import Memory
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge, Known, Space


def test_a_context_is_read_once_and_not_all_are_kept(inference: Inference, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    encode = inference.model.encode

    def count(*arguments: Any) -> Memory:
        calls.append(1)
        return encode(*arguments)

    monkeypatch.setattr(inference.model, "encode", count)
    for metric in ("m", "k"):
        inference.predict(Problem("c", metric), ["a"] * 600)
    assert len(calls) == 1
    for number in range(50):
        inference.predict(Problem(f"c{number}", "m"), ["a"])
    assert len(calls) == 51
    assert len(inference._encoded) <= 16
    inference.predict(Problem("c49", "m"), ["a"])
    assert len(calls) == 51


def test_a_reading_tells_of_the_metric_asked_and_of_those_known_and_changes_no_answer(
    inference: Inference, texts: list[str]
) -> None:
    inference.knowledge = Knowledge({"c": Space({"m": Known(0.9), "k": Known(0.9)})})
    (asked, read), (_, other) = (inference.read(Problem("c", metric), texts) for metric in ("k", "m"))
    assert read.outlines.shape == (len(texts), 2)
    own, others = (read.states.reshape(len(texts), 2, 16) for read in (read, other))
    np.testing.assert_allclose(own, others[:, ::-1], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(read.outlines, other.outlines[:, ::-1], rtol=1e-4)
    assert np.array_equal(asked.mean, inference.predict(Problem("c", "k"), texts).mean)
    assert np.array_equal(read.prior, asked.mean)


def test_outlines_are_of_the_metrics_of_one_word_where_there_are_others(inference: Inference, texts: list[str]) -> None:
    inference.knowledge = Knowledge({"c": Space({name: Known(0.9) for name in ("m", "k here", "k there")})})
    for metric, count in (("k here", 2), ("k elsewhere", 3), ("m", 3), ("energy", 4)):
        _, read = inference.read(Problem("c", metric), texts)
        assert read.outlines.shape == (len(texts), count)
        assert read.states.shape == (len(texts), count * 16)


def test_metrics_of_one_word_are_read_alike_in_an_unknown_space(inference: Inference, texts: list[str]) -> None:
    inference.knowledge = Knowledge({"c": Space({"latency_ms": Known(0.9), "params": Known(0.9)})})
    readings = [inference.read(Problem("another", metric), texts)[1] for metric in ("latency_ms", "latency_ms p99")]
    assert readings[0].states.shape == readings[1].states.shape
    assert readings[0].outlines.shape == readings[1].outlines.shape
