from __future__ import annotations

import numpy as np
import pytest

from prerank.surrogate.prior_line import PriorLine, others


def test_a_prior_on_another_scale_is_moved_there() -> None:
    prior = np.linspace(-1, 1, 40)
    line = PriorLine(prior, 0.8 * prior + 0.3)
    assert line(prior) == pytest.approx(0.8 * prior + 0.3, abs=0.05)


def test_a_prior_that_tells_the_opposite_keeps_its_ranking() -> None:
    prior = np.linspace(-1, 1, 10)
    line = PriorLine(prior, -prior)
    assert (np.diff(line(prior)) > 0).all()
    assert line.left_out == pytest.approx(others(-prior))


def test_errors_are_those_of_candidates_left_out() -> None:
    rng = np.random.default_rng(0)
    prior = rng.normal(size=400)
    line = PriorLine(prior, prior + 0.5 * rng.normal(size=400))
    assert line.spread == pytest.approx(0.5, rel=0.15)
