from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.prediction import Prediction, concatenate


def leaves(seed: int, rows: int = 3, count: int = 5) -> Prediction:
    """Disjoint leaves in random order."""
    rng = np.random.default_rng(seed)
    ends = np.sort(rng.normal(size=(rows, 2 * count)), axis=1)
    order = rng.permuted(np.tile(np.arange(count), (rows, 1)), axis=1)
    lower, upper = np.take_along_axis(ends[:, ::2], order, 1), np.take_along_axis(ends[:, 1::2], order, 1)
    mass = rng.dirichlet(np.ones(count), size=rows)
    return Prediction(lower, upper, mass, np.zeros(rows), np.ones(rows))


@given(st.integers(0, 10_000))
def test_mean_and_std_are_those_of_the_mixture(seed: int) -> None:
    p = leaves(seed)
    mean = (p.mass * (p.lower + p.upper) / 2).sum(1)
    square = (p.mass * (p.lower**2 + p.lower * p.upper + p.upper**2) / 3).sum(1)
    assert p.mean == pytest.approx(mean)
    assert p.std == pytest.approx(np.sqrt(square - mean**2))


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_share_q_of_the_mass_lies_below_the_quantile(seed: int, q: float) -> None:
    p = leaves(seed)
    value = p.quantile(q)[:, None]
    below = (p.mass * np.clip((value - p.lower) / (p.upper - p.lower), 0, 1)).sum(1)
    assert below == pytest.approx(np.full(len(p), q), abs=1e-6)


@given(st.integers(0, 10_000))
def test_quantiles_rise(seed: int) -> None:
    p = leaves(seed)
    assert (np.diff([p.quantile(q) for q in np.linspace(0, 1, 21)], axis=0) >= -1e-12).all()


@pytest.mark.parametrize("q", [-0.1, 1.1, float("nan")])
def test_a_quantile_outside_is_named(q: float) -> None:
    with pytest.raises(ValueError, match=f"q is {q}"):
        leaves(0).quantile(q)


@pytest.mark.parametrize("several", [[0.1, 0.9], np.array([0.5])])
def test_several_quantiles_are_no_quantile(several: Any) -> None:
    with pytest.raises(ValueError, match=r"quantile q is \[0\..*give one number"):
        leaves(0).quantile(several)


def test_huge_values_do_not_overflow() -> None:
    ends = np.array([[-1.7e308, 1e308]]), np.array([[-1.6e308, 1.7e308]])
    p = Prediction(*ends, np.array([[0.5, 0.5]]), np.zeros(1), np.ones(1))
    assert np.isfinite(p.mean).all()
    assert 1e308 < p.std[0] < np.inf


def test_concatenation_pads_without_changing_anything() -> None:
    parts = [leaves(0, count=2), leaves(1, count=6)]
    joined = concatenate(parts)
    for read in (lambda p: p.mean, lambda p: p.std, lambda p: p.quantile(0.0), lambda p: p.quantile(0.7)):
        assert read(joined) == pytest.approx(np.concatenate([read(part) for part in parts]))
    assert joined[np.array([4, 0])].mean == pytest.approx(joined.mean[[4, 0]])


def nested(seed: int, rows: int = 3, count: int = 8) -> Prediction:
    """Leaves inside one another, as the decoder leaves some mass on a branch that it divides."""
    rng = np.random.default_rng(seed)
    ends = np.sort(rng.normal(size=(rows, count, 2)), axis=2)
    mass = rng.dirichlet(np.ones(count), size=rows)
    return Prediction(ends[..., 0], ends[..., 1], mass, np.zeros(rows), np.ones(rows))


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_share_q_of_nested_leaves_lies_below_the_quantile(seed: int, q: float) -> None:
    p = nested(seed)
    value = p.quantile(q)[:, None]
    below = (p.mass * np.clip((value - p.lower) / (p.upper - p.lower), 0, 1)).sum(1)
    assert below == pytest.approx(np.full(len(p), q), abs=1e-6)


@given(st.integers(0, 10_000))
def test_quantiles_of_nested_leaves_rise_from_the_least_end_to_the_greatest(seed: int) -> None:
    p = nested(seed)
    quantiles = np.array([p.quantile(q) for q in np.linspace(0, 1, 21)])
    assert (np.diff(quantiles, axis=0) >= -1e-12).all()
    assert quantiles[0] == pytest.approx(p.lower.min(axis=1))
    assert quantiles[-1] == pytest.approx(p.upper.max(axis=1))


def test_moments_and_quantiles_of_nested_leaves_are_those_of_numbers_drawn_from_them() -> None:
    p, rng = nested(1, rows=1), np.random.default_rng(0)
    leaf = rng.choice(p.mass.shape[1], size=400_000, p=p.mass[0])
    drawn = rng.uniform(p.lower[0, leaf], p.upper[0, leaf])
    assert p.mean[0] == pytest.approx(drawn.mean(), abs=0.01)
    assert p.std[0] == pytest.approx(drawn.std(), abs=0.01)
    for q in (0.05, 0.3, 0.5, 0.8, 0.95):
        assert p.quantile(q)[0] == pytest.approx(np.quantile(drawn, q), abs=0.02)


def test_the_spread_of_a_skewed_pair_of_huge_values_is_finite() -> None:
    ends = np.array([[-1.7e308, 1.7e308]])
    p = Prediction(ends, ends, np.array([[0.9, 0.1]]), np.zeros(1), np.ones(1))
    assert p.mean[0] == pytest.approx(-1.36e308)
    assert p.std[0] == pytest.approx(1.02e308)


@given(st.integers(0, 10_000), st.sampled_from([1e-300, 1.0, 1e300]))
def test_many_leaves_are_few_ones_once_they_are_made_wider(seed: int, unit: float) -> None:
    rng = np.random.default_rng(seed)
    lower = unit * np.exp(rng.standard_normal((3, 500))) * rng.choice([-1, 1], (3, 1))
    upper = lower + unit * rng.random((3, 500)) * (lower > 0)
    p = Prediction(lower, upper, rng.dirichlet(np.ones(500), 3), np.zeros(3), np.ones(3))
    wide = p.rescaled(1e-9)
    assert wide.mass.shape[1] < 250
    assert wide.mean == pytest.approx(p.mean)
    assert ((wide.std < p.std * 1.001) & (wide.std > 0.6 * p.std)).all()
    for q in (0.05, 0.5, 0.95):
        assert wide.quantile(q) == pytest.approx(p.quantile(q), rel=0.5)
    assert (np.sign(wide.lower) * np.sign(p.mean)[:, None] >= 0).all()


@given(st.integers(0, 10_000), st.floats(0.01, 2))
def test_values_of_unknown_scale_keep_their_mean_and_lose_precision(seed: int, error: float) -> None:
    p = nested(seed)
    p = Prediction(p.lower - p.lower.min() + 1, p.upper - p.lower.min() + 1, p.mass, p.p_fail, p.trust)
    wide = p.rescaled(error)
    assert wide.mean == pytest.approx(p.mean)
    assert (wide.std >= p.std).all()
    assert wide.mass.sum(axis=1) == pytest.approx(np.ones(len(p)))
    assert p.rescaled(0.0) is p
    some = p.rescaled(error * (np.arange(len(p)) == 0))
    assert some.quantile(0.9)[0] == pytest.approx(wide.quantile(0.9)[0])
    assert some.quantile(0.9)[1:] == pytest.approx(p.quantile(0.9)[1:])


@given(st.integers(0, 10_000), st.booleans(), st.floats(-3, 3))
def test_moved_distributions_have_the_means_that_are_given(seed: int, positive: bool, away: float) -> None:
    p = leaves(seed)
    start = 1 - p.lower.min() if positive else -p.upper.max()
    p = Prediction(p.lower + start, p.upper + start, p.mass, p.p_fail, p.trust)
    mean = p.mean * np.exp(away) if positive else p.mean + away
    moved = concatenate([leaves(seed, count=7), p])[np.arange(3, 6)].moved(mean)  # padded leaves stay without mass
    assert moved.mean == pytest.approx(mean)
    for q in (0.1, 0.6):
        own = p.quantile(q)
        assert moved.quantile(q) == pytest.approx(own * np.exp(away) if positive else own + away)


def test_what_is_printed_is_short() -> None:
    many, none = leaves(0, rows=7), leaves(0, rows=0)
    assert str(many).startswith(f"<Prediction of 7: {many.mean[0]:.4g} ± {many.std[0]:.2g}, ")
    assert str(many).endswith(", ..., trust 1.00>")
    assert str(none) == "<Prediction of 0: >"


def test_one_candidate_is_a_batch_of_one() -> None:
    value = np.array([[1.0], [2.0], [3.0]])
    p = Prediction(value, value, np.ones_like(value), np.zeros(3), np.ones(3))
    assert p[1].mean.tolist() == [2.0]
    assert [own.mean.tolist() for own in p] == [[1.0], [2.0], [3.0]]  # type: ignore[attr-defined]


def test_no_rows_can_be_taken() -> None:
    ones = np.ones((2, 1))
    rows: list[int] = []
    assert len(Prediction(ones, ones, ones, np.zeros(2), np.ones(2))[rows]) == 0  # pyright: ignore[reportArgumentType]
