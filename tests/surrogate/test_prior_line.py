from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from prerank.surrogate.features import Features
from prerank.surrogate.prior_line import PriorLine
from prerank.surrogate.reading import Reading
from prerank.surrogate.scores import means_of_others


def reading(prior: NDArray[np.float64]) -> Reading:
    ones = np.ones(len(prior))
    return Reading(["candidate"] * len(prior), prior, ones, ones, prior[:, None], prior[:, None])


def test_a_prior_on_another_scale_is_moved_there() -> None:
    own = reading(np.linspace(1, 2, 40))
    features = Features(own)
    mean, _ = PriorLine(features, 0.8 * features.prior + 0.3)(own)
    assert mean == pytest.approx(0.8 * features.prior + 0.3, abs=0.05)


def test_a_prior_that_tells_the_opposite_keeps_its_ranking() -> None:
    own = reading(np.linspace(1, 2, 10))
    features = Features(own)
    line = PriorLine(features, -features.prior)
    assert (np.diff(line(own)[0]) > 0).all()
    assert line.left_out == pytest.approx(means_of_others(-features.prior))


def test_errors_are_those_of_candidates_left_out() -> None:
    rng = np.random.default_rng(0)
    own = reading(np.exp(rng.normal(size=400)))
    features = Features(own)
    _, variance = PriorLine(features, features.prior + 0.5 * rng.normal(size=400))(own)
    assert np.sqrt(variance) == pytest.approx(0.5, rel=0.15)
