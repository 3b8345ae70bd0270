"""Values of several problems on one level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.levels import levelled, mean_logarithm
from prerank.surrogate.metrics import spearman

SIZES = [Problem(f"a kernel of mine\nnvidia-a100\nm={size}", "latency_ms") for size in (64, 8192)]


def test_a_factor_between_problems_is_taken_out() -> None:
    values, problems = np.array([1.0, 2.0, np.nan, 100.0, 200.0, np.inf]), np.array([0, 0, 0, 1, 1, 1])
    found = levelled(values, np.ones(6), problems, 0)
    assert found == pytest.approx([1.0, 2.0, np.nan, 1.0, 2.0, np.inf], nan_ok=True)
    assert levelled(values, np.ones(6), problems, 1)[3:5] == pytest.approx([100.0, 200.0])


def test_what_was_expected_between_problems_stays() -> None:
    values, problems = np.array([1.0, 2.0, 100.0, 200.0]), np.array([0, 0, 1, 1])
    expected = np.array([1.0, 2.0, 10.0, 20.0])
    assert levelled(values, expected, problems, 0) == pytest.approx([1.0, 2.0, 10.0, 20.0])


def test_of_values_that_are_not_positive_a_difference_is_taken_out() -> None:
    values, problems = np.array([-1.0, 2.0, 100.0, 103.0]), np.array([0, 0, 1, 1])
    assert levelled(values, np.zeros(4), problems, 0) == pytest.approx([-1.0, 2.0, -1.0, 2.0])


def test_a_problem_of_failures_has_no_level() -> None:
    values, problems = np.array([np.nan, 2.0, 100.0]), np.array([0, 1, 1])
    assert levelled(values, np.ones(3), problems, 0) is values


@given(st.lists(st.floats(1e-3, 1e3), min_size=2, max_size=9), st.floats(1e-3, 1e3))
def test_values_of_the_problem_itself_stay(values: list[float], factor: float) -> None:
    own = np.array(values)
    both, problems = np.concatenate([own, factor * own]), np.repeat([0, 1], len(own))
    assert levelled(both, np.ones(len(both)), problems, 0) == pytest.approx(np.tile(own, 2))


def test_measurements_of_another_size_do_not_spoil_those_of_one(surrogate: RLMSurrogate) -> None:
    texts = [f"block_m={m} block_n={n}" for m in (16, 32, 64, 128) for n in (16, 32, 64, 128)]
    times = np.array([0.01 * (1 + abs(i - 5) / 4) for i in range(len(texts))])
    surrogate.observe(SIZES[0], texts[:12], times[:12])
    alone = surrogate.predict(SIZES[0], texts)
    surrogate.observe(SIZES[1], texts[:12], 1e4 * times[:12])
    both = surrogate.predict(SIZES[0], texts)
    assert spearman(both.mean[:12], times[:12]) > spearman(alone.mean[:12], times[:12]) - 0.1
    assert np.abs(np.log(both.mean / times)).max() < 1
    assert np.abs(np.log(surrogate.predict(SIZES[1], texts).mean / times / 1e4)).max() < 1


def test_columns_that_are_not_all_positive_have_no_ratio() -> None:
    values, others = (
        np.array([[2.0, 1.0, 1e-300], [8.0, 0.0, 1e-300]]),
        np.array([[1.0, 1.0, 1e300], [1.0, 1.0, 1e300]]),
    )
    assert mean_logarithm(values, others) == pytest.approx([np.log(4), np.nan, -600 * np.log(10)], nan_ok=True)
    assert np.isnan(mean_logarithm(values[:0], others[:0])).all()
