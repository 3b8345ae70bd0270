"""Searches of RLMSampler in real studies: what is found, and what hides nothing."""

from __future__ import annotations

import subprocess
import sys
import threading
import warnings
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna._hypervolume import compute_hypervolume
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import TPESampler
from optuna.trial import Trial, TrialState, create_trial
from optuna_objectives import SPACE, Watching, bowl, found

from prerank.integrations.optuna import RLMSampler


def mixed(trial: Trial) -> float:
    rate = np.log10(trial.suggest_float("rate", 1e-5, 1, log=True))
    kind, size = trial.suggest_categorical("kind", ["a", "b", "c"]), trial.suggest_int("size", 1, 32)
    return float((rate + 3) ** 2 + {"a": 1, "b": 0, "c": 2}[kind] + abs(size - 20) / 10)


@pytest.mark.parametrize("objective", [bowl, mixed])
def test_bare_it_finds_more_than_tpe(objective: Any) -> None:
    ours = [found(RLMSampler(seed=seed), objective, 35) for seed in range(3)]
    tpe = [found(TPESampler(seed=seed), objective, 35) for seed in range(3)]
    assert np.mean(ours) < np.mean(tpe) / 2


def test_noise_leads_to_no_hopeless_corners() -> None:
    """Once most trials are good, places far from all are not expected to be as good as these are on average."""

    def true(params: dict[str, float]) -> float:
        return sum((value - 1.3) ** 2 for value in params.values())

    def late(seed: int) -> float:
        rng, study = np.random.default_rng(seed), optuna.create_study(sampler=RLMSampler(seed=seed))
        space: dict[str, BaseDistribution] = {f"x{k}": FloatDistribution(-5, 5) for k in range(4)}
        for _ in range(50):
            trial = study.ask(space)
            study.tell(trial, true(trial.params) + 10 * rng.standard_normal())
        return float(np.mean([true(trial.params) for trial in study.trials[30:]]))

    assert np.mean([late(seed) for seed in range(3)]) < 20  # any draw: 40


def test_maximising_is_minimising_the_negative() -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=0), direction="maximize")
    study.optimize(lambda trial: -bowl(trial), n_trials=25)
    assert study.best_value > -1


def test_constraints_are_learnt() -> None:
    def objective(trial: Trial) -> float:
        trial.set_user_attr("sum", trial.suggest_float("x", -5, 5) + trial.suggest_float("y", -5, 5))
        return (trial.params["x"] - 2) ** 2 + (trial.params["y"] - 2) ** 2

    study = optuna.create_study(sampler=RLMSampler(seed=0, constraints_func=lambda t: (t.user_attrs["sum"] - 1,)))
    study.optimize(objective, n_trials=30)
    allowed = [trial.value for trial in study.trials if trial.user_attrs["sum"] <= 1]
    assert min(value for value in allowed if value is not None) < 4.7  # 4.5 is the least there is


def test_a_region_that_crashes_is_left() -> None:
    def objective(trial: Trial) -> float:
        if trial.suggest_float("x", -5, 5) > 1:
            raise ValueError("crashed")
        return (trial.params["x"] - 0.5) ** 2 + trial.suggest_float("y", -5, 5) ** 2

    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(objective, n_trials=30, catch=(ValueError,))
    failed = [trial.state == TrialState.FAIL for trial in study.trials]
    assert study.best_value < 0.1
    assert sum(failed[15:]) < 10


def test_several_objectives_spread_along_the_front() -> None:
    def objective(trial: Trial) -> tuple[float, float]:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        return x + 2 * y, (1 - x) ** 2 + 2 * y

    study = optuna.create_study(directions=["minimize", "minimize"], sampler=RLMSampler(seed=0))
    study.optimize(objective, n_trials=30)
    good = sorted(trial.params["x"] for trial in study.best_trials if trial.params["y"] < 0.1)
    assert good[0] < 0.2
    assert good[-1] > 0.8
    assert np.diff(good).max() < 0.5


def test_pruned_trials_inform_by_their_last_report() -> None:
    def objective(trial: Trial) -> float:
        value = bowl(trial)
        for step in range(1, 5):
            trial.report(value + 20 / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return value

    study = optuna.create_study(sampler=RLMSampler(seed=0), pruner=optuna.pruners.MedianPruner(n_startup_trials=3))
    study.optimize(objective, n_trials=35)
    assert any(trial.state == TrialState.PRUNED for trial in study.trials)
    assert study.best_value < 0.2


def test_conditional_parameters_are_modelled_each_with_its_own_trials() -> None:
    def objective(trial: Trial) -> float:
        if trial.suggest_categorical("kind", ["a", "b"]) == "a":
            return 1 + (trial.suggest_float("x", -5, 5) - 3) ** 2
        return (trial.suggest_float("y", -5, 5) + 2) ** 2 + (trial.suggest_float("z", -5, 5) - 4) ** 2

    assert found(RLMSampler(seed=0), objective, 40) < 0.3


def test_a_range_that_moves_is_followed() -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 10) - 12) ** 2, n_trials=10)
    study.optimize(lambda trial: (trial.suggest_float("x", 5, 20) - 12) ** 2, n_trials=12)
    assert study.best_value < 0.1


def test_after_a_range_narrows_new_candidates_are_tried() -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=1))

    def objective(trial: Trial, low: int) -> float:
        w, d = trial.suggest_int("w", low, 10), trial.suggest_int("d", 1, 10)
        near = (w - 2) ** 2 + (d - 2) ** 2 if w < 5 else 10 + (w - 9) ** 2 + (d - 7) ** 2
        return near + (trial.suggest_categorical("k", ["a", "b"]) == "b")

    study.optimize(partial(objective, low=1), n_trials=20)
    study.optimize(partial(objective, low=5), n_trials=20)
    assert len({tuple(trial.params.values()) for trial in study.trials[20:]}) == 20
    assert min(value for trial in study.trials[20:] if (value := trial.value) is not None) == 10


def test_a_burst_is_spread_out_and_hardly_slower_than_its_trials() -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(bowl, n_trials=15)
    asked = [study.ask() for _ in range(8)]
    points = np.array([[trial.suggest_float(f"x{i}", -5, 5) for i in range(4)] for trial in asked])
    apart = np.abs(points[:, None] - points).max(axis=2)[~np.eye(8, dtype=bool)]
    assert apart.min() > 0.05


def test_finished_trials_repeat_only_when_nothing_else_is_left() -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(lambda trial: float(trial.suggest_int("n", 1, 9)), n_trials=9)
    assert len({trial.params["n"] for trial in study.trials}) >= 8  # the first is drawn by the independent sampler
    study.optimize(lambda trial: float(trial.suggest_int("n", 1, 9)), n_trials=5)


@pytest.mark.parametrize("seed", range(3))
def test_the_last_candidates_of_a_large_finite_space_are_found(seed: int) -> None:
    space: dict[str, BaseDistribution] = {name: CategoricalDistribution(range(10)) for name in "pqr"}
    cells = list(product(range(10), repeat=3))
    left = {cells[place] for place in np.random.default_rng(seed).permutation(1000)[:4]}
    study = optuna.create_study(sampler=RLMSampler(seed=seed))
    study.add_trials(
        [
            create_trial(value=float(sum(cell)), params=dict(zip("pqr", cell, strict=True)), distributions=space)
            for cell in cells
            if cell not in left
        ]
    )
    asked = [study.ask(space) for _ in range(4)]
    assert {tuple(trial.params[name] for name in "pqr") for trial in asked} == left


def test_once_all_were_tried_the_best_ones_are_measured_again() -> None:
    rng = np.random.default_rng(0)

    def noisy(trial: Trial) -> float:
        trial.set_user_attr(
            "mean", "abcd".index(trial.suggest_categorical("c", [*"abcd"])) + trial.suggest_int("k", 0, 2)
        )
        return trial.user_attrs["mean"] + rng.normal(0, 0.5)

    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(noisy, n_trials=40)
    means = [trial.user_attrs["mean"] for trial in study.trials]
    assert len({(trial.params["c"], trial.params["k"]) for trial in study.trials[:14]}) == 12
    assert np.mean(means[14:]) < 1.2  # of all 12 it is 2.5


def test_at_the_edge_of_what_is_feasible_the_other_side_is_not_searched() -> None:
    def violations(seed: int) -> int:
        sampler = RLMSampler(seed=seed, constraints_func=lambda trial: [0.6 - trial.params["x0"]])
        study = optuna.create_study(sampler=sampler)
        study.optimize(lambda trial: sum(trial.suggest_float(f"x{i}", 0, 1) for i in range(4)), n_trials=40)
        assert study.best_value < 0.61
        return sum(trial.params["x0"] < 0.59 for trial in study.trials[20:])

    assert max(violations(seed) for seed in range(2)) <= 3


@pytest.mark.parametrize("penalty", [1e6, float("inf")])
def test_a_constraint_that_is_violated_by_far_hides_nothing(penalty: float) -> None:
    def search(seed: int) -> float:
        violated = RLMSampler(seed=seed, constraints_func=lambda t: [penalty if t.params["x0"] < 0 else -1.0])
        study = optuna.create_study(sampler=violated)
        study.optimize(lambda t: sum(t.suggest_float(f"x{i}", -5, 5) ** 2 for i in range(3)), n_trials=40)
        return study.best_value

    assert np.median([search(seed) for seed in range(3)]) < 0.1


def test_what_a_float_decides_is_tuned_together_with_what_all_trials_have() -> None:
    def objective(trial: Trial) -> float:
        x = np.array([trial.suggest_float(f"x{i}", 0, 1) for i in range(4)])
        share = trial.suggest_float("share", 0, 1)
        loss = float(((x - 0.4) ** 2).sum() + (share - 0.7) ** 2)
        return loss + (trial.suggest_float("strength", -1, 1) - 0.3) ** 2 - 0.2 if share > 0.5 else loss

    def search(seed: int) -> float:
        study = optuna.create_study(sampler=RLMSampler(seed=seed))
        study.optimize(objective, n_trials=50)
        return study.best_value

    assert np.median([search(seed) for seed in range(3)]) < -0.195  # -0.2 is the best


def test_losses_that_diverge_hide_nothing() -> None:
    def trained(trial: Trial) -> float:
        rate, momentum = trial.suggest_float("rate", 1e-6, 10, log=True), trial.suggest_float("momentum", 0, 0.99)
        decay = np.log10(trial.suggest_float("decay", 1e-8, 1, log=True))
        step = rate / (1 - momentum)
        return 1e6 * rate if step > 0.3 else abs(np.log10(step) + 0.6) + 0.1 * (decay + 4) ** 2

    def search(seed: int) -> float:
        study = optuna.create_study(sampler=RLMSampler(seed=seed))
        study.optimize(trained, n_trials=30)
        return study.best_value

    assert np.median([search(seed) for seed in (0, 1, 4)]) < 0.2


def test_a_penalty_in_one_of_several_objectives_hides_nothing() -> None:
    def objective(trial: Trial, penalty: float) -> tuple[float, float]:
        x = [trial.suggest_float(f"x{i}", 0, 1) for i in range(4)]
        g = 1 + 3 * sum(x[1:])
        return x[0], penalty if x[1] > 0.7 else g * (1 - (x[0] / g) ** 0.5)

    def volume(penalty: float) -> float:
        study = optuna.create_study(directions=["minimize", "minimize"], sampler=RLMSampler(seed=0))
        study.optimize(lambda trial: objective(trial, penalty), n_trials=40)
        front = np.array([trial.values for trial in study.best_trials])
        return float(compute_hypervolume(front[(front < [1.1, 4]).all(axis=1)], np.array([1.1, 4.0])))

    assert volume(1e6) > 0.95 * volume(float("inf"))


@pytest.mark.parametrize("low_high", [(0, 2**63 - 1), (-(10**30), 10**30)])
def test_whole_numbers_may_be_of_any_size(low_high: tuple[int, int]) -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(lambda trial: trial.suggest_int("n", *low_high) / low_high[1], n_trials=12)
    assert len(study.trials) == 12


@pytest.mark.filterwarnings("ignore:Choices for a categorical distribution")
def test_choices_may_be_lists_and_others_may_depend_on_them() -> None:
    def objective(trial: Trial) -> float:
        hidden: list[int] = trial.suggest_categorical("hidden", [[64], [64, 32]])  # type: ignore[list-item]
        more = trial.suggest_float("dropout", 0, 1) if len(hidden) > 1 else 0.0
        return len(hidden) + more + trial.suggest_float("x", 0, 1)

    assert found(RLMSampler(seed=0), objective, 30) < 1.01


def test_bare_no_model_is_loaded(tmp_path: Path) -> None:
    code = (
        "import sys, optuna; from prerank.integrations.optuna import RLMSampler;"
        "study = optuna.create_study(sampler=RLMSampler(seed=0));"
        "study.optimize(lambda t: t.suggest_float('x', 0, 1), n_trials=12); print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


VALUES = st.one_of(st.none(), st.floats(allow_nan=False), st.sampled_from([0.0, 1e300, -1e300]))

NAMES = {"x": (0.0, 1.0), "y": (-1e9, 1e9)}


def suggested(trial: Any, names: list[str]) -> None:
    for name in names:
        if name == "c":
            trial.suggest_categorical("c", [None, "a", 1, 2.5])
        elif name == "n":
            trial.suggest_int("n", 1, 1000, log=True)
        else:
            trial.suggest_float(name, *NAMES[name])


SUBSETS = st.lists(st.sampled_from(sorted(SPACE)), unique=True, min_size=1)


@given(st.lists(st.tuples(SUBSETS, VALUES), max_size=14), SUBSETS, st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_any_history_is_searched_on(history: list[tuple[list[str], float | None]], names: list[str], seed: int) -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=seed, n_startup_trials=2, pool_size=16))
    rng = np.random.default_rng(seed)
    for subset, value in history:
        drawn = {"x": rng.random(), "y": rng.uniform(-1e9, 1e9), "n": int(rng.integers(1, 1001)), "c": "a"}
        params = {name: drawn[name] for name in subset}
        distributions = {name: SPACE[name] for name in subset}
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        study.add_trial(create_trial(state=state, value=value, params=params, distributions=distributions))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trial = study.ask()
        suggested(trial, names)
    assert set(trial.params) == set(names)


@pytest.mark.usefixtures("two_threads")
def test_torch_runs_on_one_thread_while_it_predicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "enumerate", lambda: [threading.current_thread()])  # whatever other tests have left
    watching: Any = Watching()
    optuna.create_study(sampler=RLMSampler(surrogate=watching, search_space=SPACE)).ask(SPACE)
    assert set(watching.here) == {1}
