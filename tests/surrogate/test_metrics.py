from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate import metrics
from prerank.surrogate.prediction import Prediction

TIMES = st.lists(st.floats(0.1, 100), min_size=1, max_size=12)


def test_rank_correlations_leave_out_what_has_no_value() -> None:
    predicted, measured = [1.0, 2.0, 3.0, 4.0], [10.0, np.nan, 20.0, 15.0]
    assert metrics.spearman(predicted, measured) == pytest.approx(0.5)
    assert metrics.kendall_tau(predicted, measured) == pytest.approx(1 / 3)


def test_a_constant_side_has_no_correlation() -> None:
    assert np.isnan(metrics.spearman([1, 1, 1], [1, 2, 3]))
    assert np.isnan(metrics.kendall_tau([1, 2, 3], [1, 1, 1]))
    assert np.isnan(metrics.spearman([], []))


def test_lengths_must_match() -> None:
    with pytest.raises(ValueError, match="3 predictions do not match 2"):
        metrics.spearman([1, 2, 3], [1, 2])


@given(TIMES, st.integers(1, 15), st.randoms())
def test_slowdown_at_k_is_the_best_of_the_first_k_over_the_best(times: list[float], k: int, random: object) -> None:
    predicted = np.random.default_rng(len(times)).random(len(times))
    first = [time for _, time in sorted(zip(predicted, times, strict=True))][:k]
    assert metrics.slowdown_at(k, predicted, times) == pytest.approx(min(first) / min(times))


def test_a_failed_candidate_wins_nothing() -> None:
    assert metrics.slowdown_at(1, [1, 2], [np.nan, 3]) == np.inf
    assert metrics.slowdown_at(2, [1, 2], [np.nan, 3]) == 1
    with pytest.raises(ValueError, match="positive"):
        metrics.slowdown_at(1, [1], [np.nan])
    with pytest.raises(ValueError, match="k is 0"):
        metrics.slowdown_at(0, [1], [1])


def test_regret_counts_from_the_best_so_far() -> None:
    assert metrics.regret([3, np.nan, 1, 2], 0.5).tolist() == [2.5, 2.5, 0.5, 0.5]
    assert metrics.regret([3, 5, 4], 6, "maximize").tolist() == [3, 1, 1]


def test_coverage_of_a_known_distribution() -> None:
    n = 4000
    p = Prediction(np.zeros((n, 1)), np.ones((n, 1)), np.ones((n, 1)), np.zeros(n), np.ones(n))
    drawn = np.random.default_rng(0).random(n)
    assert metrics.coverage(p, drawn, 0.9) == pytest.approx(0.9, abs=0.02)
    assert metrics.coverage(p, np.where(drawn < 0.5, np.nan, drawn), 0.5) == pytest.approx(0.5, abs=0.05)


PAIRS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=12)


@given(PAIRS)
def test_kendall_tau_counts_pairs(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    i, j = np.triu_indices(len(x), 1)
    dx, dy = np.sign(x[i] - x[j]), np.sign(y[i] - y[j])
    tied = float(np.abs(dx).sum() * np.abs(dy).sum())
    expected = (dx * dy).sum() / tied**0.5 if tied else np.nan
    assert metrics.kendall_tau(x, y) == pytest.approx(expected, nan_ok=True)


@given(PAIRS)
def test_spearman_is_the_linear_correlation_of_mean_ranks(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    ranks = [[(v < u).sum() + ((v == u).sum() + 1) / 2 for u in v] for v in (x, y)]
    varied = np.ptp(x) > 0 and np.ptp(y) > 0
    expected = np.corrcoef(ranks)[0, 1] if varied else np.nan
    assert metrics.spearman(x, y) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("measured", [[1.0, 2.0, 0.5], [1.0]])
def test_slowdown_wants_a_time_for_each_prediction(measured: list[float]) -> None:
    with pytest.raises(ValueError, match="2 predictions"):
        metrics.slowdown_at(1, [2, 1], measured)


def test_a_direction_that_is_none_is_named() -> None:
    wrong: Any = "max"
    with pytest.raises(ValueError, match="direction is 'max'"):
        metrics.regret([1.0], 0.0, wrong)


def test_a_value_is_needed_for_each_candidate() -> None:
    ones = np.ones((2, 1))
    with pytest.raises(ValueError, match="2 predictions do not match 3 measured values"):
        metrics.coverage(Prediction(ones, ones, ones, np.zeros(2), np.ones(2)), [1.0, 2.0, 3.0])
