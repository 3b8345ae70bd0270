"""Objectives of studies."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread
from typing import Any

import optuna
from fake_surrogate import FakeSurrogate
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import Trial

from prerank.surrogate import Prediction, Problem


def bowl(trial: Trial) -> float:
    return sum((trial.suggest_float(f"x{i}", -5, 5) - 1.3) ** 2 for i in range(4))


def found(sampler: BaseSampler, objective: Any, trials: int) -> float:
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=trials)
    return study.best_value


SPACE: dict[str, BaseDistribution] = {
    "x": optuna.distributions.FloatDistribution(0.0, 1.0),
    "y": optuna.distributions.FloatDistribution(-1e9, 1e9),
    "n": optuna.distributions.IntDistribution(1, 1000, log=True),
    "c": optuna.distributions.CategoricalDistribution([None, "a", 1, 2.5]),
}


class Watching(FakeSurrogate):
    """Notes on how many threads torch runs here, and in a thread that begins to use it now."""

    def __init__(self) -> None:
        super().__init__()
        self.here: list[int] = []
        self.there: list[int] = []

    def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
        import torch

        self.here.append(torch.get_num_threads())
        other = Thread(target=lambda: self.there.append(torch.get_num_threads()))
        other.start()
        other.join()
        return super().predict(problem, texts)
