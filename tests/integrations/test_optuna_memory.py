"""What a sampler remembers of a study: which parameters belong together."""

from __future__ import annotations

import numpy as np
import optuna
from optuna.trial import Trial

from prerank.integrations.optuna import RLMSampler

optuna.logging.set_verbosity(optuna.logging.ERROR)


def test_parameters_that_no_trial_has_together_are_modelled_apart() -> None:
    def objective(trial: Trial) -> float:
        return (trial.suggest_float("xy"[trial.number % 2], 0, 1) - 0.3) ** 2

    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(objective, n_trials=30)
    found = [value for trial in study.trials[14:] for value in trial.params.values()]
    assert np.median(np.abs(np.array(found) - 0.3)) < 0.05
