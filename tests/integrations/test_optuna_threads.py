"""Threads that share a study, and the threads of torch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from threading import Thread
from typing import Any

import optuna
import pytest
from optuna.distributions import BaseDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState
from optuna_objectives import SPACE, Watching, bowl

from prerank.integrations.optuna import RLMSampler


def test_threads_share_a_study(tmp_path: Path) -> None:
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "journal")))
    study = optuna.create_study(storage=storage, sampler=RLMSampler(seed=0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study.optimize(bowl, n_trials=24, n_jobs=4)
    assert {trial.state for trial in study.trials} == {TrialState.COMPLETE}
    assert len({tuple(trial.params.values()) for trial in study.trials}) == 24


class Paused(RLMSampler):
    """Lets other trials begin and end between what a trial may be and what it becomes."""

    def __init__(self, meanwhile: Callable[[Study], None], space: dict[str, BaseDistribution]) -> None:
        super().__init__(seed=0, search_space=space)
        self._meanwhile = meanwhile

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> Any:
        if trial.number == 0:
            other = Thread(target=self._meanwhile, args=[study])  # a thread of its own, as Optuna's caches are
            other.start()
            other.join()
        return super().sample_relative(study, trial, search_space)


def test_what_other_threads_finished_meanwhile_is_not_proposed_again() -> None:
    def rest(study: Study) -> None:
        for _ in range(5):
            trial = study.ask()
            study.tell(trial, float(trial.suggest_int("n", 1, 6)))

    study = optuna.create_study(sampler=Paused(rest, {"n": IntDistribution(1, 6)}))
    study.tell(late := study.ask(), float(late.suggest_int("n", 1, 6)))
    assert sorted(trial.params["n"] for trial in study.trials) == [1, 2, 3, 4, 5, 6]


@pytest.mark.usefixtures("two_threads")
def test_beside_other_threads_none_begins_with_one_thread_of_torch() -> None:
    """It would keep it: torch's number of threads is each thread's own from its first use on."""
    watching: Any = Watching()
    study = optuna.create_study(sampler=RLMSampler(surrogate=watching, search_space=SPACE))
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=4, n_jobs=2)
    assert set(watching.here) == set(watching.there) == {2}
