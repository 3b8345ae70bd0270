from __future__ import annotations

import numpy as np
import pytest

from prerank.surrogate.standard import Standard


def test_features_that_vary_have_unit_variance_together() -> None:
    rows = np.random.default_rng(0).uniform(-1, 1, (200, 3)) * [1.0, 100.0, 0.0] + 7.0
    scaled = Standard(rows)(rows)
    assert scaled.shape == (200, 2)
    assert (scaled**2).sum(axis=1).mean() == pytest.approx(1.0)
    assert scaled.mean(axis=0) == pytest.approx([0.0, 0.0], abs=1e-12)


def test_what_is_far_is_no_farther() -> None:
    standard = Standard(np.array([[0.0], [1.0]]))
    assert np.array_equal(standard(np.array([[1e9], [1e3]])), [[2.5], [2.5]])


def test_rows_all_alike_say_nothing() -> None:
    assert Standard(np.ones((4, 2)))(np.zeros((3, 2))).shape == (3, 0)
