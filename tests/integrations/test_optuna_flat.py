"""Searches where at first nothing tells what is better: all values tie, no trial keeps a constraint, most crash."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.trial import FrozenTrial, Trial, TrialState

from prerank.integrations.optuna import RLMSampler
from prerank.integrations.optuna_branches import Branches
from prerank.integrations.optuna_pool import in_the_widest_gap


def drawn(trial: Trial, count: int) -> list[float]:
    return [trial.suggest_float(f"x{number}", 0, 1) for number in range(count)]


def flag(trial: FrozenTrial) -> list[float]:
    return [float(max(abs(value - 0.35) for value in trial.params.values()) > 0.1)]


def searched(objective: Callable[[Trial], float], trials: int, seed: int = 0, **options: object) -> list[FrozenTrial]:
    study = optuna.create_study(sampler=RLMSampler(seed=seed, **options))  # type: ignore[arg-type]
    study.optimize(objective, n_trials=trials, catch=(ArithmeticError,))
    return study.trials


def in_corners(trials: list[FrozenTrial]) -> float:
    """Share of trials all of whose parameters are at an end of their range."""
    points = np.array([list(trial.params.values()) for trial in trials])
    return float(((points < 0.01) | (points > 0.99)).all(axis=1).mean())


def test_where_all_values_tie_the_inside_is_searched() -> None:
    trials = searched(lambda trial: 0 * sum(drawn(trial, 3)), 30)
    assert in_corners(trials) < 0.1


def test_a_basin_in_a_plateau_is_found() -> None:
    trials = searched(lambda trial: min(1.0, sum((x - 0.3) ** 2 for x in drawn(trial, 3)) / 0.12), 25)
    assert min(trial.value for trial in trials if trial.value is not None) < 0.1


@pytest.mark.parametrize("others", [[], [-1.0]])
def test_a_flag_that_few_trials_keep_is_learnt(others: list[float]) -> None:
    """One point in 25 keeps it, and a constraint that all keep says nothing."""
    trials = searched(lambda trial: sum(drawn(trial, 2)), 45, constraints_func=lambda trial: flag(trial) + others)
    kept = [trial.value for trial in trials if flag(trial)[0] <= 0 and trial.value is not None]
    assert len(kept) >= 5
    assert min(kept) < 0.53  # .5 is the least there is


def test_where_nearly_all_trials_crash_it_is_learnt_where_they_do_not() -> None:
    """One point in ten does not."""

    def objective(trial: Trial) -> float:
        x = drawn(trial, 5)
        if any(abs(value - 0.5) > 0.32 for value in x):
            raise ArithmeticError
        return sum(x)

    found = [sum(trial.state == TrialState.COMPLETE for trial in searched(objective, 60, seed)) for seed in range(3)]
    assert np.median(found) >= 7


def test_the_widest_gap_is_no_corner() -> None:
    """Of what is as far from the trials on a line, a corner is nearer to the trials of the other corners."""
    space = Branches({f"x{number}": optuna.distributions.FloatDistribution(0, 1) for number in range(2)}, {})
    others = np.array([[0.02, 0.02], [0.98, 0.02], [0.02, 0.98]])
    rows = np.array([[0.98, 0.98], [0.5, 0.5]])
    assert in_the_widest_gap(space, rows, others).tolist() == [0.5, 0.5]
