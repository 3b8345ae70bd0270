from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from prerank.surrogate import Problem
from prerank.surrogate.prediction import Prediction
from prerank.surrogate.reading import Reading
from prerank.surrogate.readings import Readings

PROBLEM, OTHER = Problem("space", "latency_ms"), Problem("space", "energy_mj")


class Model:
    """Reads a text as its length; of more texts, predictions have more leaves."""

    def __init__(self) -> None:
        self.asked: list[tuple[Problem, list[str]]] = []

    def __call__(self, problem: Problem, texts: Sequence[str]) -> tuple[Prediction, Reading]:
        self.asked.append((problem, list(texts)))
        length = np.array([float(len(text)) for text in texts])
        leaves = np.repeat(length[:, None], 1 + len(texts), axis=1)
        mass = np.full(leaves.shape, 1 / leaves.shape[1])
        prediction = Prediction(leaves, leaves, mass, np.zeros(len(texts)), np.ones(len(texts)))
        states = length[:, None] * [1.0, 2.0]
        return prediction, Reading(texts, prediction.mean, prediction.std, prediction.p_fail, states[:, :1], states)


def test_a_text_is_read_once_a_problem() -> None:
    model, readings = Model(), Readings()
    readings(model, PROBLEM, ["a", "bb"])
    readings(model, PROBLEM, ["bb", "ccc", "a"])
    readings(model, OTHER, ["a"])
    assert model.asked == [(PROBLEM, ["a", "bb"]), (PROBLEM, ["ccc"]), (OTHER, ["a"])]


def test_what_was_kept_is_in_the_order_asked() -> None:
    model, readings = Model(), Readings()
    readings(model, PROBLEM, ["bb"])
    prediction, reading = readings(model, PROBLEM, ["ccc", "bb", "a", "bb"])
    assert prediction.mean == pytest.approx([3, 2, 1, 2])
    assert prediction.mass.sum(axis=1) == pytest.approx(1)
    assert reading.states.tolist() == [[3, 6], [2, 4], [1, 2], [2, 4]]
    assert list(reading.texts) == ["ccc", "bb", "a", "bb"]
    assert reading.prior == pytest.approx(prediction.mean)


def test_of_very_many_texts_those_asked_last_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    model, readings = Model(), Readings()
    readings(model, PROBLEM, ["a"])
    monkeypatch.setattr("prerank.surrogate.readings._KEPT", 3 * sum(own.nbytes for own in readings._last.popitem()[1]))
    for texts in (["a"], ["b"], ["c"], ["d"], ["c"], ["b"], ["a"]):
        readings(model, PROBLEM, texts)
    assert [text for _, (text,) in model.asked[1:]] == ["a", "b", "c", "d", "a"]


def test_what_is_to_be_kept_stays_however_much_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prerank.surrogate.readings._KEPT", 0)
    model, readings = Model(), Readings()
    readings(model, PROBLEM, ["a"], keep=True)
    for texts in (["b"], ["a", "b"]):
        readings(model, PROBLEM, texts)
    assert [texts for _, texts in model.asked] == [["a"], ["b"], ["b"]]


def test_only_what_is_to_be_kept_now_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prerank.surrogate.readings._KEPT", 0)
    model, readings = Model(), Readings()
    for texts in (["a", "b"], ["b", "c"]):
        readings(model, PROBLEM, texts, keep=True)
    readings(model, OTHER, ["a"], keep=True)
    readings.release(PROBLEM, ["c", "d"])
    model.asked.clear()
    readings(model, PROBLEM, ["a", "b", "c"])
    readings(model, OTHER, ["a"])
    assert model.asked == [(PROBLEM, ["a", "c"])]


def test_another_model_reads_anew() -> None:
    one, other, readings = Model(), Model(), Readings()
    for model in (one, other):
        readings(model, PROBLEM, ["a"])
    assert one.asked == other.asked


def test_nothing_can_be_asked() -> None:
    prediction, reading = Readings()(Model(), PROBLEM, [])
    assert len(prediction) == 0
    assert reading.states.shape == (0, 2)


def test_all_of_a_problem_may_be_released(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prerank.surrogate.readings._KEPT", 0)
    model, readings = Model(), Readings()
    for problem in (PROBLEM, OTHER):
        readings(model, problem, ["a", "b"], keep=True)
    readings.release(PROBLEM)
    model.asked.clear()
    for problem in (PROBLEM, OTHER):
        readings(model, problem, ["a", "b"])
    assert model.asked == [(PROBLEM, ["a", "b"])]
