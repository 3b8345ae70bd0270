"""Where a sampler looks for candidates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution

from prerank.integrations.optuna_parameters import Parameters
from prerank.integrations.optuna_pool import varied

Floats = NDArray[np.float64]
SPACE = Parameters({"x": FloatDistribution(0, 1), "y": FloatDistribution(0, 1), "c": CategoricalDistribution("abcd")})


def test_what_hardly_matters_is_drawn_anew_and_what_matters_stays() -> None:
    def wanted(rows: Floats) -> Floats:
        return -1e4 * np.abs(rows[:, 0] - 0.3) - 0.5 * rows[:, 1]

    row = np.array([0.3, 0, 0])
    rows = np.array([varied(np.random.default_rng(n), SPACE, wanted, row, lambda rows: rows) for n in range(20)])
    x, y, c = rows.T
    assert (wanted(rows) >= -1).all()
    np.testing.assert_allclose(x, 0.3, atol=1e-3)
    assert y.std() > 0.1
    assert len(set(c)) == 4


def test_a_variation_may_be_proposed() -> None:
    row = np.array([0.3, 0, 0])
    assert varied(np.random.default_rng(0), SPACE, lambda rows: 0 * rows[:, 0], row, lambda rows: rows[:0]) is row
