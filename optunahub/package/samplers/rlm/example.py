"""Thirty trials on two parameters."""

import optuna
import optunahub


def objective(trial: optuna.Trial) -> float:
    rate = trial.suggest_float("rate", 1e-5, 1, log=True)
    kind = trial.suggest_categorical("kind", ["adam", "sgd"])
    return abs(rate - {"adam": 1e-3, "sgd": 1e-1}[kind]) + {"adam": 0.0, "sgd": 0.05}[kind]


if __name__ == "__main__":
    sampler = optunahub.load_module("samplers/rlm").RLMSampler(seed=0)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=30)
    print(study.best_trial.params, study.best_value)
