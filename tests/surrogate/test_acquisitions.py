from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.acquisitions import confidence_bound, expected_improvement, expected_value
from prerank.surrogate.prediction import Prediction


def uniform(low: float, high: float, p_fail: float = 0.0) -> Prediction:
    return Prediction(np.array([[low]]), np.array([[high]]), np.ones((1, 1)), np.array([p_fail]), np.ones(1))


@given(st.floats(-3, 3), st.floats(0.01, 3), st.floats(-4, 7), st.sampled_from([1, -1]))
def test_expected_improvement_is_the_mean_gain(low: float, width: float, incumbent: float, sign: int) -> None:
    values = low + width * (np.arange(20_000) + 0.5) / 20_000
    gain = np.clip(sign * (values - incumbent), 0, None).mean()
    assert expected_improvement(incumbent)(uniform(low, low + width), sign)[0] == pytest.approx(gain, abs=1e-4)


def test_a_point_improves_by_its_distance_and_a_failure_by_nothing() -> None:
    assert expected_improvement(2.0)(uniform(3.0, 3.0), 1)[0] == 1
    assert expected_improvement(2.0)(uniform(3.0, 3.0, p_fail=0.75), 1)[0] == 0.25
    assert expected_improvement(2.0)(uniform(1.0, 1.0), 1)[0] == 0


def test_the_sign_turns_the_mean_and_not_the_spread() -> None:
    p = uniform(1.0, 3.0)
    assert expected_value(p, -1)[0] == -2
    assert confidence_bound(2.0)(p, -1)[0] == pytest.approx(-2 + 2 * p.std[0])
