"""What a sampler remembers of a study: which parameters belong together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from fake_surrogate import FakeSurrogate
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.storages import get_storage
from optuna.trial import Trial, TrialState, create_trial

from prerank.integrations.optuna import ATTRIBUTE, RLMSampler
from prerank.integrations.optuna_history import PROMISED
from prerank.integrations.optuna_memory import Memory


def test_parameters_that_no_trial_has_together_are_modelled_apart() -> None:
    def objective(trial: Trial) -> float:
        return (trial.suggest_float("xy"[trial.number % 2], 0, 1) - 0.3) ** 2

    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(objective, n_trials=30)
    found = [value for trial in study.trials[14:] for value in trial.params.values()]
    assert np.median(np.abs(np.array(found) - 0.3)) < 0.05


SPACE: dict[str, BaseDistribution] = {
    "kind": CategoricalDistribution(["a", "b"]),
    "x": FloatDistribution(-5, 5),
    "y": FloatDistribution(-5, 5),
    "z": FloatDistribution(-5, 5),
}


def branches(trial: Trial) -> float:
    """Each kind has parameters of its own; b is the better one."""
    if trial.suggest_categorical("kind", ["a", "b"]) == "a":
        return 1 + (trial.suggest_float("x", -5, 5) - 3) ** 2
    return (trial.suggest_float("y", -5, 5) + 2) ** 2 + (trial.suggest_float("z", -5, 5) - 4) ** 2


def test_what_no_trial_had_yet_does_not_hide_the_branches() -> None:
    trials = [
        create_trial(value=1.0, params=params, distributions={name: SPACE[name] for name in params})
        for params in ({"kind": "a", "x": 0.0}, {"kind": "b", "y": 0.0})
    ]
    for number, trial in enumerate(trials):
        trial.number = number
    memory = Memory()
    memory.look(trials)
    whole, unseen = memory.partition(SPACE, ())
    assert (set(whole), set(unseen)) == ({"kind", "x", "y"}, {"z"})
    assert set(memory.rules(whole)) == {"x", "y"}


def told(*params: dict[str, Any]) -> Memory:
    """A memory of complete trials."""
    trials = [create_trial(value=1.0, params=own, distributions={name: SPACE[name] for name in own}) for own in params]
    for number, trial in enumerate(trials):
        trial.number = number
    memory = Memory()
    memory.look(trials)
    return memory


@pytest.mark.parametrize("read", [False, True])
def test_a_parameter_that_nothing_seen_explains_is_a_group_beside_the_branches(read: bool) -> None:
    memory = told({"kind": "a", "x": 0.0}, {"kind": "b", "y": 0.0}, {"kind": "b", "y": 4.0, "z": 0.0})
    assert memory.explained(SPACE) == {"kind", "x", "y"}
    found = memory.partition(SPACE, memory.explained(SPACE) if read else ())
    assert [set(group) for group in found] == [{"kind", "x", "y"}, {"z"}]


def test_branches_are_searched_although_two_switches_decide_of_one_parameter() -> None:
    def objective(trial: Trial) -> float:
        kind, pre = trial.suggest_categorical("kind", ["a", "b", "c", "d"]), trial.suggest_categorical("pre", [0, 1])
        loss = "abcd".index(kind) / 10 + (trial.suggest_float(f"{kind}_x", -5, 5) - 3) ** 2
        return loss + 0.02 * pre + (trial.suggest_float("ratio", 0, 1) / 10 if pre and kind != "a" else 0)

    best = []
    for seed in range(3):
        study = optuna.create_study(sampler=RLMSampler(seed=seed))
        study.optimize(objective, n_trials=40)
        best.append(study.best_value)
    assert max(best) < 0.01


def test_of_what_was_all_tried_the_best_is_taken_again_where_others_matter() -> None:
    """Which of x and y there is nothing that is seen decides, so that kinds are a group of their own."""

    def objective(trial: Trial) -> float:
        kind = trial.suggest_categorical("kind", ["a", "b", "c", "d"])
        return "dbac".index(kind) + (trial.suggest_float("xy"[trial.number % 2], 0, 1) - 0.3) ** 2

    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(objective, n_trials=32)
    assert [trial.params["kind"] for trial in study.trials[16:]].count("d") > 12


def test_a_trial_that_was_pruned_early_tears_nothing_apart() -> None:
    both = {"x": 0.0, "y": 0.0}
    trials = [create_trial(value=0.0, params=both, distributions={name: SPACE[name] for name in both})]
    trials.append(create_trial(state=TrialState.PRUNED, params={"x": 0.0}, distributions={"x": SPACE["x"]}))
    for number, trial in enumerate(trials):
        trial.number = number
    memory = Memory()
    memory.look(trials)
    assert [set(group) for group in memory.partition({name: SPACE[name] for name in both}, ())] == [{"x", "y"}]


def test_a_pruner_that_shows_some_trials_alone_makes_no_other_study() -> None:
    memory, trials = Memory(), [create_trial(value=0.0) for _ in range(6)]
    for number, trial in enumerate(trials):
        trial.number = number
    memory.look(trials[:5])
    assert not memory.outlives(trials[1::2])
    assert memory.outlives(trials[:2])


def test_a_study_that_has_the_number_of_a_deleted_one_is_another(tmp_path: Path) -> None:
    storage, sampler = get_storage(f"sqlite:///{tmp_path}/trials.db"), RLMSampler(seed=0)
    for number in range(2):
        study = optuna.create_study(study_name="s", storage=storage, sampler=sampler)
        study.optimize(lambda trial: (trial.suggest_float(f"x{number}", -5, 5) - 2) ** 2, n_trials=14)  # noqa: B023
        assert study.best_value < 0.01
        assert all({*trial.system_attrs.get(PROMISED, {})} <= {f"x{number}"} for trial in study.trials)
        optuna.delete_study(study_name="s", storage=storage)


@pytest.mark.parametrize("reads", [False, True])
def test_a_given_space_may_name_all_branches(reads: bool) -> None:
    surrogate: Any = FakeSurrogate(0.0) if reads else None
    study = optuna.create_study(sampler=RLMSampler(search_space=SPACE, surrogate=surrogate, seed=0))
    study.optimize(branches, n_trials=40)
    assert study.best_value < 0.3
    assert sum(ATTRIBUTE in trial.user_attrs for trial in study.trials) > 15


def test_a_note_is_of_parameters_that_the_trial_has() -> None:
    """The predicted means tell the branches apart, which differ by far more than the intervals are wide."""

    def objective(trial: Trial) -> float:
        if trial.suggest_categorical("kind", ["a", "b"]) == "a":
            return 1000 + (trial.suggest_float("x", -5, 5) - 3) ** 2
        return (trial.suggest_float("y", -5, 5) + 2) ** 2

    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(objective, n_trials=15)
    study.enqueue_trial({"kind": "a"})  # which it would not take again
    study.optimize(objective, n_trials=5)
    told = [trial for trial in study.trials if ATTRIBUTE in trial.user_attrs]
    assert {trial.params["kind"] for trial in told} == {"a", "b"}
    for trial in told:
        assert (trial.user_attrs[ATTRIBUTE]["mean"][0] > 500) == (trial.params["kind"] == "a")


def test_what_was_predicted_of_another_value_is_not_noted() -> None:
    """Each trial narrows the range of k by its own n; what is proposed outside of that does not run."""

    def objective(trial: Trial) -> float:
        n = trial.suggest_int("n", 8, 64)
        return abs(n - 40) + abs(trial.suggest_int("k", 1, n) - 4)

    sampler = RLMSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=40)
    notes = [trial.user_attrs[ATTRIBUTE] for trial in study.trials if ATTRIBUTE in trial.user_attrs]
    clipped = [trial for trial in study.trials if trial.system_attrs.get(PROMISED, {}).get("k", 0) > trial.params["n"]]
    assert clipped
    assert not any("mean" in trial.user_attrs.get(ATTRIBUTE, {}) for trial in clipped)
    assert {"by": "independent"} in notes
    assert sum("mean" in note for note in notes) > 10
