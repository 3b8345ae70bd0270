from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from prerank.surrogate import average
from prerank.surrogate.adaptation import FEWEST, Adaptation
from prerank.surrogate.field_process import FieldProcess
from prerank.surrogate.fields import Fields
from prerank.surrogate.forest import Forest
from prerank.surrogate.metrics import spearman
from prerank.surrogate.prediction import Prediction
from prerank.surrogate.reading import Reading

Floats = NDArray[np.float64]


def world(seed: int, n: int, informative: bool = True) -> tuple[Floats, Floats, Floats]:
    """Prior means, hidden states and true values; the states know what the prior does not."""
    rng = np.random.default_rng(seed)
    states = rng.normal(size=(n, 12))
    prior = states[:, 0] + 10
    truth = states[:, 0] + 3 * states[:, 1] if informative else rng.normal(size=n)
    return prior, states, truth


def predicted(prior: Floats) -> Prediction:
    points, ones = prior[:, None], np.ones(len(prior))
    return Prediction(points, points, ones[:, None], 0 * ones, 0.5 * ones)


def reading(prior: Floats, states: Floats) -> Reading:
    """Candidates whose texts say nothing and whose outlines are the prior alone."""
    return Reading(["candidate"] * len(prior), prior, np.ones(len(prior)), np.zeros(len(prior)), prior[:, None], states)


def adapted(prior: Floats, states: Floats, values: Floats, seen: int) -> Prediction:
    learnt = Adaptation(reading(prior[:seen], states[:seen]), values[:seen], trust=0.5)
    return learnt(predicted(prior[seen:]), reading(prior[seen:], states[seen:]))


@pytest.mark.parametrize("seen", [20, 60, 200, 400])
def test_observations_improve_what_the_prior_does_not_know(seen: int) -> None:
    prior, states, truth = world(0, seen + 300)
    p = adapted(prior, states, truth, seen)
    assert spearman(p.mean, truth[seen:]) > spearman(prior[seen:], truth[seen:]) + 0.2
    assert p.trust[0] > 0.5


def test_the_unit_of_the_values_does_not_matter() -> None:
    prior, states, truth = world(1, 200)
    one, other = (adapted(prior, states, values, 60).mean for values in (truth, 100 * truth - 7))
    assert other == pytest.approx(100 * one - 7, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("seen", [1, 3, 5, 10, 30])
def test_noise_hardly_ever_changes_the_ranking(seen: int) -> None:
    changed = 0
    for seed in range(20):
        prior, states, truth = world(seed, seen + 20, informative=False)
        changed += spearman(adapted(prior, states, truth, seen).mean, prior[seen:]) < 0.999
    assert changed <= 6


def test_where_the_prior_is_right_it_stays_in_order() -> None:
    for seen in (5, 20, 80):
        prior, states, _ = world(3, seen + 100)
        assert spearman(adapted(prior, states, prior * 2, seen).mean, prior[seen:]) > 0.97


@pytest.mark.parametrize(
    "values",
    [[5.0] * 8, [np.nan] * 8, [np.inf, -np.inf] * 4, [1e308, -1e308] * 4, [5e-324, 1e308] * 4, [0.0] * 7 + [1.0]],
)
def test_odd_values_give_finite_predictions(values: list[float]) -> None:
    prior, states, _ = world(4, 20)
    p = adapted(prior, states, np.array(values + [0.0] * 12), 8)
    for numbers in (p.mean, p.std, p.quantile(0.1), p.p_fail, p.trust):
        assert np.isfinite(numbers).all()


def test_failures_are_expected_of_similar_candidates() -> None:
    prior, states, truth = world(5, 200)
    failed = states[:, 2] > 0.5
    p = adapted(prior, states, np.where(failed, np.nan, truth), 120)
    assert p.p_fail[failed[120:]].mean() > p.p_fail[~failed[120:]].mean() + 0.2


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    prior, states, truth = world(6, 500)
    p = adapted(prior, states, truth + np.random.default_rng(0).normal(size=500), 200)
    inside = (p.quantile(0.05) <= truth[200:]) & (truth[200:] <= p.quantile(0.95))
    assert inside.mean() > 0.85


@pytest.mark.parametrize(("factor", "shift"), [(100.0, 0.0), (100.0, 7.0), (100.0, -7000.0), (1e-9, 0.0)])
def test_the_unit_does_not_matter_to_the_ranking_of_positive_values(factor: float, shift: float) -> None:
    prior, states, truth = world(1, 300)
    values = np.exp(truth / 4)
    one, other = (adapted(prior, states, v, 60).mean for v in (values, factor * values + shift))
    assert spearman(one, values[60:]) > spearman(prior[60:], values[60:]) + 0.2
    assert spearman(one, other) > (0.999 if shift >= 0 else 0.98)  # a logarithm of positive values, else none


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("kind", [[2.0], [1.0, -1.0], [np.nan], [1.0, np.nan]])
def test_a_handful_of_observations_gives_finite_predictions(kind: list[float], count: int) -> None:
    prior, states, _ = world(4, 20)
    states[1] = states[0]  # the same candidate, measured twice
    p = adapted(prior, states, np.array((kind * 10)[:20]), count)
    for numbers in (p.mean, p.std, p.quantile(0.9), p.p_fail, p.trust):
        assert np.isfinite(numbers).all()
    assert ((p.p_fail >= 0) & (p.p_fail <= 1)).all()
    assert ((p.trust >= 0) & (p.trust <= 1)).all()


def test_candidates_that_all_look_alike_give_finite_predictions() -> None:
    p = adapted(np.ones(30), np.zeros((30, 4)), np.arange(30.0), 10)
    assert np.isfinite(p.mean).all()
    assert np.isfinite(p.std).all()


def test_without_failures_nobody_is_suspected() -> None:
    prior, states, truth = world(5, 100)
    assert not adapted(prior, states, truth, 50).p_fail.any()


def test_failures_do_not_move_the_values() -> None:
    prior, states, truth = world(7, 200)
    kept = np.arange(200) >= 100
    kept[:100:2] = True
    some = adapted(prior[kept], states[kept], truth[kept], 50)
    all_of_them = adapted(prior, states, np.where(kept, truth, np.nan), 100)
    assert np.array_equal(some.mean, all_of_them.mean)


def test_a_prior_that_ranks_well_is_moved_to_the_scale_of_the_values() -> None:
    rng = np.random.default_rng(0)
    prior = rng.normal(size=120) + 10
    p = adapted(prior, rng.normal(size=(120, 12)), 1000 * prior, 20)
    assert p.mean == pytest.approx(1000 * prior[20:], rel=0.02)
    assert spearman(p.mean, prior[20:]) > 0.999


def test_fewer_observations_than_can_be_checked_leave_the_ranking_alone() -> None:
    prior, states, truth = world(0, 40)
    for seen in range(1, FEWEST):
        p = adapted(prior, states, truth, seen)
        assert np.array_equal(np.argsort(p.mean), np.argsort(prior[seen:]))


def test_values_that_are_all_alike_move_the_scale() -> None:
    prior, states, _ = world(0, 40)
    p = adapted(prior, states, np.full(40, 500.0), 20)
    assert np.array_equal(np.argsort(p.mean), np.argsort(prior[20:]))
    assert p.mean.mean() == pytest.approx(500, rel=0.1)


def test_a_corrected_prediction_remembers_what_was_said_before() -> None:
    prior, states, truth = world(0, 60)
    corrected = adapted(prior, states, truth, 40)
    assert np.array_equal(corrected.unadapted, prior[40:])
    assert not np.allclose(corrected.mean, prior[40:])
    assert np.array_equal(corrected[np.array([3, 1])].unadapted, prior[[43, 41]])


def test_one_failure_does_not_condemn_all_that_look_like_it() -> None:
    prior, states, _ = world(0, 20)
    one = adapted(prior, states, np.full(20, np.nan), 1)
    several = adapted(prior, states, np.full(20, np.nan), 12)
    assert (one.p_fail < 0.5).all()
    assert several.p_fail.mean() > one.p_fail.mean()


def interacting(count: int) -> tuple[list[str], Floats]:
    """Texts with many fields that say nothing, and values of which three decide together."""
    fields = np.random.default_rng(0).integers(0, 2, (count, 16))
    first, second, third = fields[:, :3].T
    values = 1.0 + 2 * (first & second) + (first & third & (1 - second)).astype(np.float64)
    return [" ".join(f"f{n}={2**f}" for n, f in enumerate(row)) for row in fields.tolist()], values


@pytest.mark.parametrize("by_trees", [False, True])
@pytest.mark.parametrize("trust", [0.0, 0.5])
def test_interactions_of_fields_are_learnt(trust: float, by_trees: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    texts, values = interacting(260)
    told = np.random.default_rng(1).normal(size=(260, 1)) + 5  # a prior and states that know nothing

    def read(rows: slice) -> Reading:
        own, count = told[rows], len(texts[rows])
        return Reading(texts[rows], own[:, 0], np.ones(count), np.zeros(count), own, own)

    def error() -> float:
        learnt = Adaptation(read(slice(60)), values[:60], trust)
        p = learnt(predicted(told[60:, 0]), read(slice(60, None)))
        return float(np.mean((p.quantile(0.5) - values[60:]) ** 2))

    def without_lengths() -> None:
        monkeypatch.setattr(FieldProcess, "suits", lambda fields, texts: False)

    def without_trees() -> None:
        monkeypatch.setattr(average, "Forest", lambda fields, texts, y: Forest(Fields([]), ["the same"] * len(y), y))

    (without_lengths if by_trees else without_trees)()
    learnt = error()
    (without_trees if by_trees else without_lengths)()
    assert learnt < error() / 2


def test_values_alike_but_for_what_a_logarithm_tells_move_the_scale() -> None:
    prior, states, _ = world(0, 20)
    p = adapted(prior, states, np.array([1e6, 999999.9999999999, *[1e6] * 18]), 6)
    assert p.mean.mean() == pytest.approx(1e6, rel=0.2)
    assert np.isfinite(p.trust).all()


def test_candidates_far_from_all_observed_ones_are_told_apart() -> None:
    prior = np.concatenate([np.linspace(10, 10.1, 6), np.linspace(20, 90, 8)])
    p = adapted(prior, np.zeros((14, 4)), 3 * prior, 6)
    assert (np.diff(p.mean) > 0).all()


@pytest.mark.parametrize("words", [frozenset[str](), frozenset({"fresh"}), None])
def test_words_that_nobody_read_are_any_candidate(words: frozenset[str] | None) -> None:
    texts, values = [f"width={n}" for n in range(1, 41)], np.arange(1.0, 41.0)

    def read(texts: list[str]) -> Reading:
        nothing = np.ones(len(texts))
        return Reading(texts, nothing, nothing, 0 * nothing, nothing[:, None], nothing[:, None])

    learnt = Adaptation(read(texts), values, 0.0, words=words)
    asked = ["width=40", "width=40 fresh"]
    p = learnt(predicted(np.ones(2)), read(asked))
    assert p.mean[0] == pytest.approx(40, rel=0.1)
    if words == frozenset():
        assert p.mean[1] == pytest.approx(values.mean(), rel=0.1)
        assert p.std[1] > 0.8 * values.std()
        assert p.trust[1] < 0.3 < 0.7 < p.trust[0]
    else:
        assert p.mean[1] == pytest.approx(p.mean[0])
        assert p.trust[1] == p.trust[0]


@pytest.mark.parametrize("seen", [3, 6, 12])
def test_the_scale_is_that_of_the_values_however_many_tell_nothing_more(seen: int) -> None:
    prior, states, _ = world(5, 40)
    values = 0.97 * prior + np.random.default_rng(2).normal(0, 0.02, size=40)
    sure = predicted(prior)
    learnt = Adaptation(reading(prior[:seen], states[:seen] * 0), values[:seen], trust=1.0, error=0.05)
    p = learnt(sure, reading(prior, states * 0))
    assert p.mean == pytest.approx(0.97 * prior, rel=0.025)


@pytest.mark.parametrize("seen", [5, 10, 40])
def test_a_few_values_do_not_spoil_what_is_known_well(seen: int) -> None:
    rng = np.random.default_rng(seen)
    prior = np.exp(rng.normal(size=seen + 200) * 2)  # most of what is asked lies between a few, some far beyond them
    values = prior * np.exp(0.02 * rng.normal(size=len(prior)))
    told = Reading(
        ["candidate"] * len(prior), prior, 0.02 * prior, 0 * prior, prior[:, None], np.zeros((len(prior), 2))
    )
    before, after = np.arange(len(prior)) < seen, np.arange(len(prior)) >= seen
    learnt = Adaptation(told[before], values[:seen], trust=0.95)
    mean = learnt(predicted(prior[seen:]), told[after]).mean
    assert np.abs(np.log(mean / values[seen:])).mean() < 2 * np.abs(np.log(prior / values)[seen:]).mean()


def test_what_is_known_well_but_otherwise_is_learnt_anew() -> None:
    prior, states, truth = world(5, 260)
    truth = truth - truth.min() + 1
    learnt = Adaptation(reading(prior[:60], states[:60]), truth[:60], trust=0.95)
    assert spearman(learnt(predicted(prior[60:]), reading(prior[60:], states[60:])).mean, truth[60:]) > 0.9
