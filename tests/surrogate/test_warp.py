from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from prerank.surrogate.warp import Warp


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30, unique=True))
@example([1.0, 1e6, 999999.9999999999])
def test_warped_values_are_monotone_and_come_back(values: list[float]) -> None:
    array = np.array(values)
    warp = Warp(array)
    order = np.argsort(array)
    assert (np.diff(warp(array[order])) >= 0).all()
    assert warp.inverse(warp.scores) == pytest.approx(array, rel=1e-6, abs=1e-6)
    assert (np.diff(warp.inverse(np.linspace(-5, 5, 50))) >= 0).all()


def test_positive_values_stay_positive() -> None:
    warp = Warp(np.array([0.1, 1.0, 30.0]))
    assert (warp.inverse(np.array([-8.0, 8.0])) > 0).all()


@given(
    st.lists(st.floats(1e-9, 1e9), min_size=2, max_size=20, unique=True),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=20),
)
def test_warped_values_are_monotone_between_and_beyond_their_values(values: list[float], others: list[float]) -> None:
    scores = Warp(np.array(values))(np.sort(others))
    assert np.isfinite(scores).all()
    assert (np.diff(scores) >= -1e-9).all()


def test_values_far_beyond_the_observed_ones_keep_their_order() -> None:
    scores = Warp(np.linspace(1, 2, 5))(np.geomspace(0.01, 1e6, 50))
    assert (np.diff(scores) > 0).all()
    assert np.abs(scores).max() < 10


def test_what_is_predicted_beyond_the_observed_values_stays_near_them() -> None:
    warp = Warp(np.geomspace(1, 100, 8))
    found = warp.inverse(np.linspace(warp.scores[-1], warp.scores[-1] + 6, 20))
    assert (np.diff(found) > 0).all()
    assert found[-1] < 100**2.5  # a straight line would lead to 1e8
