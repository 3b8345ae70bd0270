"""Noted intervals: as many values lie within them as they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from prerank.integrations.optuna import ATTRIBUTE, RLMSampler
from prerank.integrations.optuna_notes import widened
from prerank.integrations.optuna_proposal import Proposal

PROPOSALS = [Proposal({}, {"by": "parameters", "mean": [0.0, 5.0], "interval": [[-1.0, 2.0], [4.0, 6.0]]})]


def ended(values: Sequence[float], state: TrialState = TrialState.COMPLETE) -> FrozenTrial:
    """A trial of which 0 to 1 was predicted."""
    note = {"by": "parameters", "mean": [0.5] * len(values), "interval": [[0.0, 1.0]] * len(values)}
    return create_trial(
        state=state,
        values=values if state == TrialState.COMPLETE else None,
        params={"x": 0.0},
        distributions={"x": FloatDistribution(0, 1)},
        user_attrs={ATTRIBUTE: note},
    )


def intervals(trials: Sequence[FrozenTrial]) -> list[list[float]]:
    return widened(PROPOSALS, trials, 2)[0].note["interval"]


def test_intervals_that_held_are_as_wide_as_they_were() -> None:
    assert intervals([]) == intervals([ended([0.3, 0.9])] * 9) == PROPOSALS[0].note["interval"]


def test_each_objective_is_as_wide_as_its_own_values_ask_for() -> None:
    (low, high), second = intervals([ended([7.0, 0.5])] * 5)
    assert low < -2 < 4 < high
    assert high == -2 * low
    assert second == [4.0, 6.0]


def test_intervals_that_held_for_long_excuse_none_that_did_not() -> None:
    held, missed = [ended([0.5, 0.5])] * 60, [ended([7.0, 7.0])] * 3
    assert intervals(held + missed) == intervals(missed)
    assert intervals(missed + held) == intervals([])


def test_trials_without_values_or_notes_tell_nothing() -> None:
    trials = [ended([7.0, 7.0], TrialState.FAIL), ended([7.0]), create_trial(values=[7.0, 7.0])]
    assert intervals(trials) == intervals([])


def test_a_proposal_of_which_nothing_was_predicted_stays() -> None:
    assert widened([Proposal({"x": 1}, {})], [ended([7.0])], 1) == [Proposal({"x": 1}, {})]


def test_noisy_values_lie_within() -> None:
    def held(seed: int) -> list[bool]:
        rng, study = np.random.default_rng(seed), optuna.create_study(sampler=RLMSampler(seed=seed))

        def objective(trial: Trial) -> float:
            x, y = trial.suggest_float("x", -5, 5), trial.suggest_float("y", -5, 5)
            return (x - 1) ** 2 + (y + 2) ** 2 + 5 * rng.standard_normal()

        study.optimize(objective, n_trials=50)
        noted = [(trial.value, trial.user_attrs.get(ATTRIBUTE, {}).get("interval")) for trial in study.trials]
        return [ends[0][0] <= value <= ends[0][1] for value, ends in noted if ends and value is not None]

    assert np.mean([held(seed) for seed in range(3)]) > 0.8
