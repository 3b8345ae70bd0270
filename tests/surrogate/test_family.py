"""What the observations of several problems teach of one of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from prerank.surrogate.family import taught
from prerank.surrogate.knowledge import Knowledge
from prerank.surrogate.metrics import coverage, spearman
from prerank.surrogate.prediction import Prediction
from prerank.surrogate.problem import Problem
from prerank.surrogate.reading import Reading

Floats = NDArray[np.float64]
OLD, NEW = (Problem(f"my kernel\n{device}", "latency_ms", "minimize") for device in ("old", "new"))


def read(problem: Problem, texts: Sequence[str]) -> Reading:
    """Of a model that knows nothing: what it says of all is the same."""
    alike = np.ones(len(texts))
    return Reading(list(texts), alike, alike, 0 * alike, alike[:, None], alike[:, None])


def candidates(seed: int, count: int) -> tuple[list[str], Floats]:
    rng = np.random.default_rng(seed)
    x = rng.permuted(np.tile(np.arange(200), (2, 1)), axis=1)[:, :count].T
    return [f"a={a} b={b}" for a, b in x], x / 200


def times(device: Problem, x: Floats) -> Floats:
    """On the new device what matters on the old one does not."""
    return np.exp(2 * x[:, 0] + 0.1 * x[:, 1]) if device == OLD else np.exp(0.1 * x[:, 0] + 2 * x[:, 1])


def rank(rows: Sequence[tuple[Problem, str, float]], truth: Problem) -> float:
    """Rank correlation with the truth of what is said of the new device."""
    texts, x = candidates(9, 150)
    reading, ones = read(NEW, texts), np.ones((150, 1))
    nothing = Prediction(ones, ones, ones, 0 * ones[:, 0], 0 * ones[:, 0])
    return spearman(taught(rows, NEW, read, Knowledge())(nothing, reading).mean, times(truth, x))


def rows_of(problem: Problem, truth: Problem, seed: int, count: int) -> list[tuple[Problem, str, float]]:
    texts, x = candidates(seed, count)
    return [(problem, text, value) for text, value in zip(texts, times(truth, x).tolist(), strict=True)]


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_device_that_ranks_otherwise_is_left_out_however_many_were_measured_there(shuffled: bool) -> None:
    rows = [*rows_of(OLD, OLD, 0, 100), *rows_of(NEW, NEW, 1, 20)]
    if shuffled:
        rows = [rows[place] for place in np.random.default_rng(3).permutation(len(rows)).tolist()]
    assert rank(rows, NEW) > 0.85


def test_a_device_that_ranks_alike_tells_of_the_other() -> None:
    own = rows_of(NEW, NEW, 1, 10)
    assert rank([*rows_of(OLD, NEW, 0, 100), *own], NEW) > rank(own, NEW) + 0.02


def test_intervals_hold_where_the_values_of_another_device_are_most() -> None:
    """Another device ranks alike but for a part that the new one has alone."""
    held = list[float]()
    for seed in range(4):
        texts, x = candidates(seed, 160)
        apart = 0.3 * np.sin(40 * x[:, 1])
        old, new = np.exp(2 * x[:, 0]), 20 * np.exp(2 * x[:, 0] + apart)
        rows = [(OLD, texts[place], float(old[place])) for place in range(60)]
        rows += [(NEW, texts[place], float(new[place])) for place in range(60, 68)]
        reading, ones = read(NEW, texts[68:]), np.ones((len(texts) - 68, 1))
        nothing = Prediction(ones, ones, ones, 0 * ones[:, 0], 0 * ones[:, 0])
        held.append(coverage(taught(rows, NEW, read, Knowledge())(nothing, reading), new[68:], 0.9))
    assert np.mean(held) > 0.75
