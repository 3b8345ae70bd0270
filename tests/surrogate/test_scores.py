"""What is said of scores without a model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from prerank.surrogate.scores import density, means_of_others, wider


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=9))
def test_the_mean_of_the_others_leaves_each_out(scores: list[float]) -> None:
    y = np.array(scores)
    assert means_of_others(y) == pytest.approx(
        np.array([np.delete(y, place).mean() for place in range(len(y))]), abs=1e-9
    )


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=9), st.floats(0.1, 9))
def test_the_density_is_the_normal_one_but_for_a_constant(scores: list[float], spread: float) -> None:
    y = np.array(scores)
    constant = np.log(2 * np.pi) / 2
    assert density(y, np.zeros(len(y)), spread) == pytest.approx(norm.logpdf(y, 0, spread).mean() + constant)


@pytest.mark.parametrize("count", [5, 10, 20])
@pytest.mark.parametrize("spread", [1.0, 2.0, 4.0])
def test_variances_are_wider_where_the_errors_of_one_problem_are(count: int, spread: float) -> None:
    """Errors about their mean, as they are where this was taken from the same values: intervals hold the next one."""
    rng, held = np.random.default_rng(count), list[bool]()
    for _ in range(300):
        errors = rng.normal(size=40 + count)
        own = np.arange(len(errors)) >= 40
        errors[own] *= spread
        following, level = spread * rng.normal(), errors[own].mean()
        errors[own] -= level
        width = 1.645 * np.sqrt(wider(errors, own) * (errors**2).mean())
        held.append(bool(abs(following - level) < width))
    assert 0.77 < np.mean(held) < 0.99


def test_variances_are_never_narrower() -> None:
    assert wider(np.array([1.0, -1.0, 1.0, -1.0, 0.0, 0.0, 0.0]), np.arange(7) > 3) >= 1
    assert wider(np.zeros(7), np.arange(7) > 3) >= 1
    assert wider(np.ones(7), np.arange(7) > 6) >= 1
