from __future__ import annotations

import numpy as np

from prerank.surrogate.failures import Failures
from prerank.surrogate.reading import Reading


def reading(count: int) -> Reading:
    states = np.random.default_rng(0).normal(size=(count, 6))
    ones = np.ones(count)
    return Reading([f"block={n}" for n in range(count)], ones, ones, 0.2 * ones, ones[:, None], states)


def test_without_failures_the_prediction_stays() -> None:
    own = reading(20)
    assert np.array_equal(Failures(own, np.zeros(20, dtype=np.bool_))(own), own.p_fail)


def test_what_is_like_a_failure_is_likelier_to_fail() -> None:
    own = reading(120)
    failed = own.states[:, 0] > 0
    found = Failures(own[np.arange(120) < 80], failed[:80])(own)[80:]
    assert found[failed[80:]].mean() > found[~failed[80:]].mean() + 0.2
    assert ((found >= 0) & (found <= 1)).all()
