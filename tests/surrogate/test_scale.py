from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.metrics import coverage
from prerank.surrogate.prediction import Prediction
from prerank.surrogate.scale import Scale


def sure(mean: list[float], error: float = 0.1) -> Prediction:
    """Predictions that are off by a tenth."""
    points, ones = np.array(mean)[:, None], np.ones(len(mean))
    return Prediction(points, points, ones[:, None], 0 * ones, ones).rescaled(error)


@pytest.mark.parametrize("unit", [1e-3, 7.0, 1e6])
def test_another_unit_is_seen_at_the_first_value(unit: float) -> None:
    truth = np.array([2.0, 3.0, 5.0, 8.0])
    prediction = sure(truth.tolist())
    moved = Scale(prediction.mean[:1], prediction.std[:1], unit * truth[:1], 0.9)(prediction)
    assert moved.mean == pytest.approx(unit * truth, rel=0.05)
    assert coverage(moved, unit * truth) == 1


def test_what_is_within_the_errors_changes_little() -> None:
    prediction = sure([2.0, 3.0, 5.0])
    moved = Scale(prediction.mean[:2], prediction.std[:2], np.array([2.1, 2.8]), 0.95)(prediction)
    assert moved.mean == pytest.approx(prediction.mean, rel=0.01)


def test_one_value_on_an_unsure_scale_says_less_than_four() -> None:
    prediction = sure([2.0, 3.0, 5.0, 8.0, 13.0], error=0.5)
    truth = 3 * np.array([2.0, 3.0, 5.0, 8.0, 13.0])
    away = [
        np.log(truth[-1] / Scale(prediction.mean[:n], prediction.std[:n], truth[:n], 0.7)(prediction).mean[-1])
        for n in (1, 2, 4)
    ]
    assert away == sorted(away, reverse=True)
    assert abs(away[-1]) < 0.2


@pytest.mark.parametrize("values", [[-1.0], [0.0], []])
def test_what_has_no_logarithm_says_nothing(values: list[float]) -> None:
    prediction = sure([2.0, 3.0])
    count = len(values)
    assert Scale(prediction.mean[:count], prediction.std[:count], np.array(values), 0.5)(prediction) is prediction


@given(st.lists(st.floats(1e-200, 1e200), min_size=1, max_size=6), st.floats(0, 1))
def test_the_ranking_stays_and_all_is_finite(values: list[float], trust: float) -> None:
    prediction = sure([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    count = len(values)
    moved = Scale(prediction.mean[:count], prediction.std[:count], np.array(values), trust)(prediction)
    assert np.isfinite(moved.mean).all()
    assert (np.diff(moved.mean) > 0).all()
    assert moved.mass.sum(axis=1) == pytest.approx(np.ones(6))
