"""What values of one problem teach of another one that has none."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from prerank.surrogate.adaptation import Adaptation
from prerank.surrogate.borrowed import Borrowed, Ratio
from prerank.surrogate.metrics import spearman
from prerank.surrogate.prediction import Prediction
from prerank.surrogate.reading import Reading

Floats = NDArray[np.float64]
PRIOR = np.exp(np.random.default_rng(0).normal(size=60))


def reading(prior: Floats) -> Reading:
    """Candidates of which the model says a number each."""
    texts = [f"c{place}" for place in range(len(prior))]
    return Reading(texts, prior, 0.1 * prior, np.zeros(len(prior)), prior[:, None], np.zeros((len(prior), 2)))


def predicted(prior: Floats) -> Prediction:
    return Prediction(0.9 * prior[:, None], 1.1 * prior[:, None], np.ones((len(prior), 1)), 0 * prior, 0.5 + 0 * prior)


def borrowed(values: Floats, factor: float, trust: float = 0.9) -> tuple[Prediction, Prediction]:
    """What values of the first half teach of a problem of so many times their level, and of their own one."""
    learnt = Adaptation(reading(PRIOR)[np.arange(60) < 30], values, trust, words=None)
    own = learnt(predicted(PRIOR[30:]), reading(PRIOR[30:]))
    ratio = Ratio.between(reading(factor * PRIOR[:9]), reading(PRIOR[:9]))
    there = predicted(factor * PRIOR[30:]), reading(factor * PRIOR[30:])
    return Borrowed(learnt, ratio, trusted=trust > 0)(*there), own


@given(st.floats(1e-12, 1e12))
def test_a_ratio_is_undone_by_its_inverse(factor: float) -> None:
    ratio = Ratio.between(reading(factor * PRIOR), reading(PRIOR))
    assert ratio.factor == pytest.approx(factor)
    assert ratio.inverse(ratio(reading(PRIOR))).outlines == pytest.approx(PRIOR[:, None])
    assert ratio(reading(PRIOR)).prior == pytest.approx(factor * PRIOR)


@pytest.mark.parametrize("odd", [0.0, -1.0])
def test_what_is_not_positive_has_no_ratio(odd: float) -> None:
    assert Ratio.between(reading(np.array([odd, 2.0])), reading(np.array([1.0, 1.0]))).factor == 1


@pytest.mark.parametrize("count", [3, 30])
@pytest.mark.parametrize("factor", [0.01, 1.0, 100.0])
def test_predictions_are_on_the_level_of_what_is_asked(count: int, factor: float) -> None:
    values = np.where(np.arange(30) < count, 1000 * PRIOR[:30], np.nan)  # in another unit
    there, own = borrowed(values, factor)
    assert np.median(there.mean / (1000 * factor * PRIOR[30:])) == pytest.approx(1, abs=0.2)
    assert spearman(there.mean, own.mean) > 0.95
    assert (there.quantile(0.05) < there.mean).all()
    assert there.prior == pytest.approx(factor * PRIOR[30:])


def test_half_of_the_ranking_is_the_models_where_it_deserves_belief() -> None:
    values = 1 / PRIOR[:30]
    trusted, own = borrowed(values, 10.0)
    untrusted, _ = borrowed(values, 10.0, trust=0.0)
    assert spearman(trusted.mean, PRIOR[30:]) > spearman(own.mean, PRIOR[30:]) - 1e-9
    assert spearman(untrusted.mean, PRIOR[30:]) <= spearman(trusted.mean, PRIOR[30:]) + 1e-9


def test_the_farther_the_levels_are_apart_the_less_is_certain() -> None:
    near, far = (borrowed(PRIOR[:30] * (1 + 0.01 * np.sin(np.arange(30))), factor)[0] for factor in (1.0, 1000.0))
    assert np.median(far.std / far.mean) > np.median(near.std / near.mean)
