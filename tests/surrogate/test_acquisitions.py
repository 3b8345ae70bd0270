from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.acquisitions import (
    confidence_bound,
    expected_improvement,
    expected_value,
    pooled_value,
)
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
    for nothing in (np.nan, np.inf):
        with pytest.raises(ValueError, match=f"incumbent is {nothing}"):
            expected_improvement(nothing)


def test_the_sign_turns_the_mean_and_not_the_spread() -> None:
    p = uniform(1.0, 3.0)
    assert expected_value(p, -1)[0] == -2
    assert confidence_bound(2.0)(p, -1)[0] == pytest.approx(-2 + 2 * p.std[0])


def expected(mean: list[float], unadapted: list[float]) -> Prediction:
    ends, ones = np.array(mean)[:, None], np.ones(len(mean))
    return Prediction(ends, ends, ones[:, None], 0 * ones, ones, prior=np.array(unadapted))


def test_both_opinions_are_pooled_by_their_logarithms_and_that_of_the_model_counts_twice() -> None:
    p = expected([4.0, 1.0, 8.0], [1.0, 1.9, 0.9])
    assert np.argsort(-pooled_value(p, -1)).tolist() == [1, 0, 2]
    p = expected([4.0, 1.0, 8.0], [1.0, 2.1, 0.9])
    assert np.argsort(-pooled_value(p, -1)).tolist() == [0, 1, 2]
    assert np.argsort(-pooled_value(p, 1)).tolist() == [2, 1, 0]


def test_where_nothing_was_observed_the_pool_ranks_as_the_mean() -> None:
    ends = np.array([[2.0], [1.0], [3.0]])
    p = Prediction(ends, ends, np.ones((3, 1)), np.zeros(3), np.ones(3))
    assert np.argsort(-pooled_value(p, -1)).tolist() == [1, 0, 2]


def test_what_is_not_positive_cannot_be_pooled() -> None:
    with pytest.raises(ValueError, match=r"a mean is -1\.0; pool values that are positive"):
        pooled_value(expected([4.0, -1.0], [1.0, 1.0]), -1)


def mixture(seed: int) -> Prediction:
    rng = np.random.default_rng(seed)
    ends = np.sort(rng.normal(size=(2, 4, 2)), axis=2)
    return Prediction(ends[..., 0], ends[..., 1], rng.dirichlet(np.ones(4), size=2), rng.random(2), np.ones(2))


@given(st.integers(0, 10_000), st.floats(-2, 2))
def test_the_mirrored_problem_has_the_same_scores(seed: int, incumbent: float) -> None:
    p = mixture(seed)
    mirrored = Prediction(-p.upper, -p.lower, p.mass, p.p_fail, p.trust)
    pairs = (expected_improvement(incumbent), expected_improvement(-incumbent)), (expected_value,) * 2
    for score, other in (*pairs, (confidence_bound(1.5),) * 2):
        assert score(p, 1) == pytest.approx(other(mirrored, -1))


def test_expected_improvement_of_many_leaves_is_that_of_numbers_drawn_from_them() -> None:
    p, rng = mixture(3), np.random.default_rng(0)
    for row in range(2):
        leaf = rng.choice(4, size=400_000, p=p.mass[row])
        gain = np.clip(0.2 - rng.uniform(p.lower[row, leaf], p.upper[row, leaf]), 0, None).mean()
        assert expected_improvement(0.2)(p, -1)[row] == pytest.approx((1 - p.p_fail[row]) * gain, abs=0.005)
