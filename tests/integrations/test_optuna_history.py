"""What a study's trials say, as arrays."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from prerank.integrations.optuna import RLMSampler
from prerank.integrations.optuna_history import History, Record, history

SPACE: dict[str, BaseDistribution] = {"x": FloatDistribution(0, 1)}


def trial(value: float, constraints: Mapping[str, float]) -> FrozenTrial:
    stored = {f"constraints:{name}": bound for name, bound in constraints.items()}
    return create_trial(params={"x": 0.5}, distributions=SPACE, value=value, system_attrs=stored)


def read(trials: list[FrozenTrial]) -> History:
    record = Record()
    return history(record, record.parameters(SPACE, {}), [(trial, trial.params) for trial in trials], [1])


def test_constraints_are_told_apart_by_name() -> None:
    trials = [trial(1, {"a": -1, "b": 2}), trial(2, {"b": -3, "a": 4}), trial(3, {}), trial(4, {"c": 5, "b": -6})]
    past = read(trials)
    expected = [[-1, 2, np.nan], [4, -3, np.nan], [np.nan] * 3, [np.nan, -6, 5]]
    np.testing.assert_array_equal(past.violations, expected)
    assert past.feasible.tolist() == [False, False, True, False]


def test_a_search_is_idle_since_its_best_trial_within_the_constraints() -> None:
    values = [(3, -1), (1, 1), (2, -1), (2, -1), (5, -1)]
    trials = [trial(value, {"a": bound}) for value, bound in values]
    assert [read(trials[: n + 1]).idle for n in range(5)] == [0, 1, 0, 1, 2]
    assert read([trial(1, {"a": 1})] * 3).idle == 0


def test_constraints_of_a_function_are_read_where_trials_set_none_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in FrozenTrial.__mro__:
        monkeypatch.delattr(kind, "constraints", raising=False)  # as in Optuna 4
    bounds: list[dict[str, Any]] = [{"constraints": (-1, 2)}, {"constraints": None}, {}]
    trials = [create_trial(params={"x": 0.5}, distributions=SPACE, value=1, system_attrs=own) for own in bounds]
    past = read(trials)
    np.testing.assert_array_equal(past.violations, [[-1, 2], [np.nan] * 2, [np.nan] * 2])


def test_constraints_set_in_any_order_or_not_at_all_are_learnt() -> None:
    """At most 1 together, at least 3 apart: the best of both is at x = 2, y = -1, of value 9."""

    def objective(trial: Trial) -> float:
        x, y = trial.suggest_float("x", -5, 5), trial.suggest_float("y", -5, 5)
        bounds = [("together", x + y - 1), ("apart", y - x + 3)]
        for name, bound in bounds if trial.number % 2 else reversed(bounds):
            trial.set_constraint(name, bound)
        if trial.number == 9:
            trial.set_constraint("once", -1)
        return (x - 2) ** 2 + (y - 2) ** 2

    study = optuna.create_study(sampler=RLMSampler(seed=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.optimize(objective, n_trials=40)
    allowed = [trial.value for trial in study.trials if all(bound <= 0 for bound in trial.constraints.values())]
    assert min(value for value in allowed if value is not None) < 9.5


@pytest.mark.parametrize(("stored", "rows"), [({"x": 0.5}, [[0.5, 0.25]]), ({"z": 0.5}, []), ({}, [])])
def test_a_crash_counts_where_the_trial_had_any_of_the_parameters(stored: dict[str, float], rows: object) -> None:
    unit = FloatDistribution(0, 1)
    crashed = create_trial(state=TrialState.FAIL, params=stored, distributions=dict.fromkeys(stored, unit))
    record = Record()
    both = record.parameters({"x": unit, "y": unit}, {})
    past = history(record, both, [(crashed, {"x": 0.5, "y": 0.25, "z": 0.5})], [1])
    assert past.rows.tolist() == rows


def test_crashes_in_one_branch_do_not_push_the_other_off_its_best() -> None:
    def objective(trial: Trial) -> float:
        if trial.suggest_categorical("kind", ["a", "b"]) == "b":
            return abs(trial.suggest_float("y", 0, 1) - 0.3) + abs(trial.suggest_float("z", 0, 1) - 0.6)
        x = trial.suggest_float("x", 0, 1)
        if trial.number:
            raise ValueError(x)
        return 1 + x

    def found(seed: int) -> float:
        study = optuna.create_study(sampler=RLMSampler(seed=seed))
        for number in range(60):
            study.enqueue_trial({"kind": "aaab"[number % 4]})
            study.optimize(objective, n_trials=1, catch=(ValueError,))
        return study.best_value

    assert np.mean([found(seed) for seed in range(3)]) < 0.03
