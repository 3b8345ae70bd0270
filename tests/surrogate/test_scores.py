"""What is said of scores without a model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from prerank.surrogate.scores import density, means_of_others


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
