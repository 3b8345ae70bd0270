from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from prerank.surrogate.average import Average, shares
from prerank.surrogate.features import Features
from prerank.surrogate.reading import Reading

Floats = NDArray[np.float64]


def reading(count: int, seed: int = 0) -> Reading:
    """Candidates with a prior, states that know more, and texts that know something else."""
    rng = np.random.default_rng(seed)
    states, ones = rng.normal(size=(count, 8)), np.ones(count)
    prior = np.exp(states[:, 0])
    texts = [f"block={2**block}" for block in rng.integers(1, 8, count).tolist()]
    return Reading(texts, prior, ones, 0 * ones, prior[:, None], states)


def averaged(own: Reading, y: Floats, trust: float) -> Average:
    return Average(Features(own), own, y, trust)


@pytest.mark.parametrize("trust", [0.0, 0.5, 1.0])
def test_no_expert_alone_is_better_by_much(trust: float) -> None:
    own = reading(60)
    blocks = np.array([float(text.partition("=")[2]) for text in own.texts])
    y = own.states[:, 0] + own.states[:, 1] if trust else np.log2(blocks)
    average = averaged(own, y, trust)
    errors = [np.mean((expert.left_out - y) ** 2) for expert in average.experts]
    assert np.mean((average.left_out - y) ** 2) < 1.3 * min(errors) + 1e-9


def test_without_trust_there_is_no_prior() -> None:
    own = reading(40)
    assert averaged(own, own.states[:, 0], 0.0).shares[0] == 0


def shares_of(trust: float, count: int, errors: tuple[float, ...] = (0.3, 0.2)) -> Floats:
    return shares(np.array(errors), np.linspace(-1.7, 1.7, count), trust)


def test_the_prior_counts_the_more_the_more_it_is_trusted_and_the_fewer_were_measured() -> None:
    by_trust = [shares_of(trust, 20)[0] for trust in (0.0, 0.01, 0.2, 0.5, 1.0)]
    assert by_trust[0] == 0
    assert (np.diff(by_trust) > 0).all()
    by_count = [shares_of(0.2, count)[0] for count in (5, 7, 10, 40)]
    assert (np.diff(by_count) < 0).all()
    assert shares_of(1e-9, 5)[0] < 1e-6


def test_what_is_no_better_than_a_mean_counts_nothing() -> None:
    assert shares_of(0.5, 20, (0.3, 0.2, 1.5))[2] < 1e-5
    assert shares_of(0.5, 20, (0.3, 0.2, 0.2))[2] == shares_of(0.5, 20, (0.3, 0.2, 0.2))[1]


@pytest.mark.parametrize(("count", "trust", "experts"), [(7, 0.5, 2), (8, 0.5, 5), (5, 0.0, 4)])
def test_models_of_texts_alone_need_some_observations_unless_nothing_else_is_known(
    count: int, trust: float, experts: int
) -> None:
    own = reading(count)
    assert len(averaged(own, own.states[:, 1], trust).experts) == experts


def test_variances_are_those_of_what_is_expected_together() -> None:
    own, new = reading(200), reading(400, seed=1)
    rng = np.random.default_rng(2)
    noisy = [r.states[:, 0] + r.states[:, 1] + 0.5 * rng.normal(size=len(r.texts)) for r in (own, new)]
    mean, variance = averaged(own, noisy[0], 0.5)(new)
    inside = np.abs(mean - noisy[1]) < 1.645 * np.sqrt(variance)
    assert 0.82 < inside.mean() < 0.97
