"""What is proposed to a trial of which some parameters are decided already."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from fake_surrogate import FakeSurrogate
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.trial import Trial

from prerank.integrations.optuna import ATTRIBUTE, RLMSampler

SPACE: dict[str, BaseDistribution] = {"x": IntDistribution(0, 9), "y": IntDistribution(0, 9)}


def to_text(params: dict[str, Any]) -> str | None:
    """Long texts are the best; a large x goes with no large y."""
    return None if params["x"] + params["y"] > 12 else "a" * (10 * params["x"] + params["y"] + 1)


def test_the_partner_of_an_enqueued_value_is_ranked_and_read_with_it() -> None:
    surrogate: Any = FakeSurrogate()
    sampler = RLMSampler(surrogate=surrogate, to_text=to_text, search_space=SPACE, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.enqueue_trial({"x": 5})
    trial = study.ask(SPACE)
    assert trial.params == {"x": 5, "y": 7}
    assert study.trials[0].user_attrs[ATTRIBUTE]["mean"] == [58.0]


def test_by_parameters_the_partner_suits_the_enqueued_value() -> None:
    """Which is far from the best, so that nothing improves on the best trials: y = -3 is the best that goes with it."""

    def objective(trial: Trial) -> float:
        x, y = trial.suggest_float("x", -5, 5), trial.suggest_float("y", -5, 5)
        return (x - 1) ** 2 + (x - y) ** 2

    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(objective, n_trials=25)
    study.enqueue_trial({"x": -3.0})
    study.optimize(objective, n_trials=1)
    value, note = study.trials[-1].value, study.trials[-1].user_attrs[ATTRIBUTE]
    assert value is not None
    assert value < 20
    assert note["interval"][0][0] < value < note["interval"][0][1]


def test_an_enqueued_value_outside_its_range_is_not_reckoned_with() -> None:
    study = optuna.create_study(sampler=RLMSampler(search_space=SPACE, seed=0))
    study.enqueue_trial({"x": 40})
    with pytest.warns(UserWarning, match="out of range"):
        trial = study.ask(SPACE)
    assert trial.params["x"] == 40
    assert 0 <= trial.params["y"] <= 9


def test_an_enqueued_category_that_is_none_fails_as_with_any_sampler() -> None:
    space: dict[str, BaseDistribution] = {"y": SPACE["y"], "word": CategoricalDistribution(["a", "b"])}
    study = optuna.create_study(sampler=RLMSampler(search_space=space, seed=0))
    study.enqueue_trial({"word": "c"})
    with pytest.raises(ValueError, match="'c' not in"):
        study.ask(space)
