"""Gaussian processes, their scales and the improvement they promise: against finite differences and samples."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad

from prerank.integrations.optuna_improvement import front, log_expected_improvement, log_feasibility
from prerank.integrations.optuna_scale import SHARES, Scale
from prerank.surrogate.ard_process import GaussianProcess, Hyperparameters, _loss, fitted

RNG = np.random.default_rng(0)
X = RNG.random((25, 3))
Y = np.sin(6 * X[:, 0]) + X[:, 1]
OWNERS = np.arange(3)
HYPER = Hyperparameters(np.array([-0.5, 0.2, 1.0, 0.1, -5.0]))


def test_gradient_of_the_evidence() -> None:
    squares = np.array([(column[:, None] - column) ** 2 for column in X.T]).reshape(3, -1)
    error = check_grad(lambda v: _loss(v, squares, Y, 3)[0], lambda v: _loss(v, squares, Y, 3)[1], HYPER.vector)
    assert error < 1e-3


def test_lengths_tell_what_matters() -> None:
    hyper, _ = fitted(X, OWNERS, (Y - Y.mean()) / Y.std(), Hyperparameters.usual(3), 3)
    assert hyper.weights[0] > hyper.weights[1] > hyper.weights[2]


def test_a_flag_is_smooth_however_near_its_two_values_are() -> None:
    x = np.linspace(0, 1, 40)[:, None]
    y = np.where(np.arange(40) // 2 % 2, 1.0, -1.0)
    start = Hyperparameters(np.log([2e-2, 1.0, 1e-2]))
    lengths = [1 / np.sqrt(fitted(x, OWNERS[:1], y, start, 1, flag=flag)[0].weights[0]) for flag in (True, False)]
    assert lengths[0] >= 0.0999 > lengths[1]


def test_the_process_interpolates_and_knows_where_it_does_not() -> None:
    process = GaussianProcess(X, OWNERS, Y, HYPER)
    mean, std = process(np.concatenate([X, X + 10]))
    np.testing.assert_allclose(mean[:25], Y, atol=0.1)
    assert std[:25].max() < 0.2 < std[25:].min()


def test_far_from_all_a_crowd_counts_as_one() -> None:
    """Of thirty observations most are good and in one place: elsewhere they say no more than each of the others."""
    x = np.concatenate([0.5 + 0.01 * RNG.random((25, 3)), np.eye(3), np.zeros((1, 3)), np.ones((1, 3))])
    y = np.where(np.arange(30) < 25, -1.0, 5.0)
    far = np.full((1, 3), 40.0)
    levelled, centred = (GaussianProcess(x, OWNERS, y, HYPER, level) for level in (100.0, 0.0))
    assert levelled(far)[0][0] > 3 > 1 > centred(far)[0][0]
    assert levelled(far)[1][0] > centred(far)[1][0]


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_left_out_is_what_the_others_say(level: float) -> None:
    others = GaussianProcess(X[1:], OWNERS, Y[1:], HYPER, level)
    assert GaussianProcess(X, OWNERS, Y, HYPER, level).left_out[0] == pytest.approx(others(X[:1])[0][0], abs=1e-5)


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_candidate_under_way_is_no_longer_uncertain_nor_expected_otherwise(level: float) -> None:
    process, new = GaussianProcess(X, OWNERS, Y, HYPER, level), np.full((1, 3), 2.0)
    believing = process.believing(new)
    assert believing(new)[1][0] < process(new)[1][0] / 5
    np.testing.assert_allclose(believing(X)[0], process(X)[0], atol=1e-3)


@pytest.mark.parametrize("z", [3.0, 0.5, -0.5, -2.0, -6.0])
def test_expected_improvement_by_samples(z: float) -> None:
    grid = np.linspace(-12, 12, 2_000_001)
    density = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
    exact = np.log((np.maximum(2 * z - 2 * grid, 0) * density).sum() * (grid[1] - grid[0]))
    found = log_expected_improvement(np.array([-2 * z]), np.array([2.0]), 0.0)[0]
    assert found == pytest.approx(exact, abs=1e-4)


def test_expected_improvement_orders_what_underflows() -> None:
    means = np.array([10.0, 1e3, 1e5, 1e7])
    found = log_expected_improvement(means, np.ones(4), 0.0)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()


def test_what_promises_least_still_comes_before_what_surely_violates_a_constraint() -> None:
    deep = log_expected_improvement(np.array([1.0, 1e3, 1e6]), np.full(3, 1e-6), 0.0)
    assert (np.diff(deep) < 0).all()
    assert deep[-1] > log_feasibility(np.array([[5.0]]), np.array([[1.0]]))[0]


def test_the_front_is_what_nothing_dominates() -> None:
    losses = np.array([[0, 3], [1, 1], [3, 0], [2, 2], [1, 1], [0, 4]])
    assert front(losses).tolist() == [True, True, True, False, True, False]


def test_feasibility_multiplies() -> None:
    both = log_feasibility(np.array([[-1.0, 0.0]]), np.ones((1, 2)))
    assert np.exp(both[0]) == pytest.approx(0.8413 * 0.5, abs=1e-4)


@given(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=20), st.sampled_from(SHARES))
def test_scales_keep_the_order_and_are_finite(losses: list[float], share: float) -> None:
    values = np.array(losses)
    scale = Scale(values, share)
    order = np.argsort(values, kind="stable")
    assert np.isfinite(scale.scores).all()
    assert (np.diff(scale.scores[order]) >= 0).all()
    assert np.isfinite(scale.inverse(np.array([-1e3, 0.0, 1e3]))).all()


@pytest.mark.parametrize("share", SHARES)
def test_scales_are_undone(share: float) -> None:
    values = np.exp(RNG.normal(size=30))
    scale = Scale(values, share)
    np.testing.assert_allclose(scale.inverse(scale.scores), values, rtol=1e-6)


@pytest.mark.parametrize("share", SHARES)
def test_a_loss_beyond_all_measure_of_the_others_has_a_score(share: float) -> None:
    with np.errstate(all="raise"):
        scores = Scale(np.array([0.0, 3e53, 2e-255]), share).scores
    assert np.isfinite(scores).all()
    assert scores.argmax() == 1
