"""Rows and features of spaces with branches, and that branches are modelled together."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from prerank.integrations.optuna import RLMSampler
from prerank.integrations.optuna_branches import Branches
from prerank.integrations.optuna_patterns import Rule

SPACE: dict[str, BaseDistribution] = {
    "kernel": CategoricalDistribution(["linear", "rbf", "poly"]),
    "c": FloatDistribution(1e-3, 1e3, log=True),
    "gamma": FloatDistribution(1e-6, 10, log=True),
    "scaled": CategoricalDistribution([True, False]),
    "scale": IntDistribution(1, 8),
}
RULES = {
    "gamma": Rule("kernel", ("linear",)),
    "scaled": Rule("kernel", ("linear", "rbf")),
    "scale": Rule("scaled", (False,)),
}


def suggested(trial: Any) -> dict[str, Any]:
    def take(name: str) -> Any:
        return trial._suggest(name, SPACE[name])

    kernel = take("kernel")
    take("c")
    if kernel != "linear":
        take("gamma")
    if kernel == "poly" and take("scaled"):
        take("scale")
    return dict(trial.params)


@given(st.integers(0, 1000))
def test_rows_stand_for_what_their_branch_has(seed: int) -> None:
    branches = Branches(SPACE, RULES)
    rows = branches.put(branches.draw(np.random.default_rng(seed), 8), {})
    candidates = branches.decode(rows)
    for params in candidates:
        assert params.keys() == branches.names(params)
        assert ("gamma" in params) == (params["kernel"] != "linear")
        assert ("scale" in params) == bool(params.get("scaled"))
    assert branches.encode(candidates) == pytest.approx(rows)


def test_all_candidates_without_a_parameter_are_alike_in_it() -> None:
    branches = Branches(SPACE, RULES)
    linear = [{"kernel": "linear", "c": 1.0} | more for more in ({}, {"gamma": 1.0}, {"gamma": 1e-5, "scaled": True})]
    rows = branches.encode(linear)
    assert (rows == rows[0]).all()


@given(st.integers(0, 1000))
def test_all_values_of_a_parameter_are_as_far_from_other_branches(seed: int) -> None:
    branches = Branches(SPACE, RULES)
    row = branches.draw(np.random.default_rng(seed), 1)
    away = branches.put(row, {"kernel": "poly", "scaled": False})
    there = np.concatenate([branches.put(row, {"kernel": "poly", "scaled": True, "scale": n}) for n in (1, 4, 8)])
    distances = ((branches.features(there) - branches.features(away)) ** 2).sum(axis=1)
    assert distances == pytest.approx(distances[0])
    assert len(branches.owners) == len(branches.columns) == branches.features(row).shape[1]


def test_lengths_of_other_branches_do_not_matter() -> None:
    branches = Branches(SPACE, RULES)
    rows = branches.encode([{"kernel": "linear", "c": 1.0}, {"kernel": "rbf", "c": 1.0, "gamma": 0.1}])
    assert branches.breadth(rows[:1]) == 2
    assert branches.breadth(rows) == 2.5


def test_a_branch_is_chosen_with_what_it_has() -> None:
    """A plateau of .04 against a branch that is worse on average, and better at one place."""

    def loss(trial: optuna.Trial) -> float:
        params = suggested(trial)
        if params["kernel"] == "linear":
            return 0.04
        return 0.01 + 0.1 * (np.log10(params["gamma"]) + 2) ** 2 + (0.02 if params["kernel"] == "poly" else 0)

    best = []
    for seed in range(3):
        study = optuna.create_study(sampler=RLMSampler(seed=seed))
        study.optimize(loss, n_trials=40)
        best.append(study.best_value)
    assert max(best) < 0.015


@given(st.lists(st.sets(st.sampled_from(["gamma", "scale"])), min_size=6, max_size=6), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_whatever_decides_which_parameters_there_are_trials_get_theirs(table: list[set[str]], seed: int) -> None:
    """Each kernel and number of layers has parameters of its own, as some one, both or nothing that is seen decides."""

    def loss(trial: optuna.Trial) -> float:
        kernel, layers = trial.suggest_categorical("kernel", ["a", "b"]), trial.suggest_int("layers", 1, 3)
        own = sorted(table[3 * (kernel == "b") + layers - 1])
        return layers + sum(trial.suggest_float(name, 0, 1) for name in own)

    study = optuna.create_study(sampler=RLMSampler(seed=seed, n_startup_trials=3, pool_size=16))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study.optimize(loss, n_trials=12)
    for trial in study.trials:
        assert {"kernel", "layers"} | table[3 * (trial.params["kernel"] == "b") + trial.params["layers"] - 1] == set(
            trial.params
        )
