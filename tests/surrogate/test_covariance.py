from __future__ import annotations

import numpy as np
import pytest

from prerank.surrogate.covariance import inverse, left_out, matern, squares


def test_each_score_is_expected_from_the_others_as_if_it_had_not_been_observed() -> None:
    rng = np.random.default_rng(0)
    points, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    covariance = matern(squares(points, points))
    rest = np.arange(12) != 4
    alone = covariance[4, rest] @ inverse(covariance[np.ix_(rest, rest)], 0.1) @ y[rest]
    assert left_out(inverse(covariance, 0.1), y)[4] == pytest.approx(alone)


def test_covariance_falls_with_distance() -> None:
    points = np.arange(5.0)[:, None]
    row = matern(squares(points, points))[0]
    assert row[0] == 1
    assert (np.diff(row) < 0).all()
