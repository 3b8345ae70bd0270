"""What is said of candidates and what their parameters say, as one distribution."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from optuna.trial import Trial

from prerank.integrations.optuna import ATTRIBUTE, RLMSampler
from prerank.integrations.optuna_opinion import Opinion
from prerank.integrations.optuna_scale import Scale
from prerank.surrogate import Prediction, Problem

LINEAR = Scale(np.array([-1.0, 1.0]), np.inf)
"""Losses are their own scores."""


def around(means: list[float], std: float, *, fails: float = 0.0) -> Prediction:
    """Normal distributions, roughly."""
    levels = np.linspace(-3, 3, 61)
    mass = np.exp(-(((levels[1:] + levels[:-1]) / 2) ** 2) / 2)
    knots = np.array(means)[:, None] + std * levels
    whole: NDArray[np.float64] = np.tile(mass / mass.sum(), (len(means), 1))
    return Prediction(knots[:, :-1], knots[:, 1:], whole, np.full(len(means), fails), np.ones(len(means)))


def averaged(said: Prediction, mean: float, std: float, trust: float) -> tuple[float, float]:
    """With what parameters say of one candidate."""
    opinion = Opinion([said], [1], [trust])
    means, stds = opinion.averaged([LINEAR], np.array([[mean]]), np.array([[std]]))
    return float(means[0, 0]), float(stds[0, 0])


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(0.1, 2))
def test_what_is_not_trusted_does_not_count(said: float, mean: float, std: float) -> None:
    assert averaged(around([said], 0.1), mean, std, trust=0.0) == pytest.approx((mean, std))


@given(st.floats(-3, 3), st.floats(0.1, 2))
def test_the_same_said_twice_is_no_more_certain(mean: float, std: float) -> None:
    expected, spread = averaged(around([mean], std), mean, std, trust=1.0)
    assert expected == pytest.approx(mean, abs=0.01)
    assert spread == pytest.approx(std, rel=0.05)


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_who_is_surer_decides(said: float, mean: float) -> None:
    assert averaged(around([said], 0.05), mean, 1.0, trust=1.0)[0] == pytest.approx(said, abs=0.1)
    assert averaged(around([said], 20.0), mean, 0.5, trust=1.0)[0] == pytest.approx(mean, abs=0.1)


def test_where_more_is_better_losses_are_negative() -> None:
    said = around([1.0, 2.0], 0.1)
    opinion = Opinion([said], [-1], [1.0])
    means, _ = opinion.averaged([LINEAR], np.zeros((2, 1)), np.ones((2, 1)))
    assert means[:, 0] == pytest.approx([-1, -2], abs=0.05)


def test_what_is_likely_to_fail_for_one_objective_is_named() -> None:
    said = [around([1.0], 0.1), around([1.0], 0.1, fails=0.9)]
    assert Opinion(said, [1, 1], [1.0, 1.0]).fails.tolist() == [True]


def test_of_some_candidates_the_same_is_said() -> None:
    opinion = Opinion([around([1.0, 2.0, 3.0], 0.1)], [1], [1.0])[np.array([2, 0])]
    means, _ = opinion.averaged([LINEAR], np.zeros((2, 1)), np.ones((2, 1)))
    assert means[:, 0] == pytest.approx([3, 1], abs=0.05)
    assert opinion.fails.tolist() == [False, False]


class Stranger:
    """A surrogate that is half trusted, says anything at all, and is not sure of it."""

    def __init__(self, spread: float) -> None:
        self.rng, self.spread = np.random.default_rng(0), spread

    def fork(self) -> Stranger:
        return self

    def trust(self, problem: Problem) -> float:
        return 0.5

    def predict(self, problem: Problem, texts: list[str]) -> Prediction:
        return around(self.rng.normal(20, self.spread, size=len(texts)).tolist(), self.spread)

    def observe(self, problem: Problem, texts: list[str], values: list[float]) -> None:
        pass


def test_a_stranger_that_is_not_sure_does_not_stand_in_the_way() -> None:
    """Alone it would be a random search of a thousand candidates."""

    def bowl(trial: Trial) -> float:
        return sum((trial.suggest_int(f"x{place}", 0, 9) - 7) ** 2 for place in range(3))

    surrogate: Any = Stranger(20.0)
    study = optuna.create_study(sampler=RLMSampler(surrogate=surrogate, pool_size=64, seed=0))
    study.optimize(bowl, n_trials=35)
    assert study.best_value <= 1
    assert study.trials[-1].user_attrs[ATTRIBUTE]["by"] == "both"
