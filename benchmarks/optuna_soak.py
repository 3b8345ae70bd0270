"""Soak the sampler: random spaces with random histories, then many processes on one storage, some of them killed.

python benchmarks/optuna_soak.py [--studies 2000] [--processes 8] [--trials 200] [--seed 0]

A study of the first part has up to eight parameters of all kinds, some conditional; its objective succeeds, fails, is
pruned, gives huge, equal or infinite values; in half of the studies a surrogate has a say, which guesses. A warning or
an error ends the soak and names the seed. In the second part processes share a study on SQLite, then on a journal;
every other one is killed and replaced. No finished trial may be lost or have a value that is not its own, and all must
end in time.
"""

from __future__ import annotations

import argparse
import multiprocessing
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection
from optuna.trial import TrialState
from rich import print
from rich.progress import track

from prerank.integrations.optuna import RLMSampler
from prerank.surrogate import Prediction, Problem

NAME = "soak"
PATIENCE = 600  # seconds after which processes count as hung


def main() -> None:
    """Both parts."""
    arguments = parse()
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    for seed in track(range(arguments.seed, arguments.seed + arguments.studies), "random studies"):
        try:
            random_study(seed)
        except Exception as error:
            raise RuntimeError(f"the study of seed {seed} failed; repeat it by --seed {seed} --studies 1") from error
    for kind in ("sqlite", "journal"):
        with tempfile.TemporaryDirectory() as folder:
            shared(kind, Path(folder), arguments.processes, arguments.trials)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--trials", type=int, default=200, help="finished trials that a shared study waits for")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def random_study(seed: int) -> None:
    """A study of a random space and objective, with all warnings as errors."""
    rng = np.random.default_rng(seed)
    objectives, count = int(rng.choice([1, 1, 2, 3])), int(rng.integers(1, 9))
    kinds = rng.choice(["float", "log", "step", "int", "logint", "category", "numbers"], size=count)
    guards = rng.random(count) < 0.3
    constraints_func = some_violate if rng.random() < 0.3 else None

    def objective(trial: optuna.Trial) -> list[float]:
        values = [suggested(trial, f"p{k}", kind) for k, kind in enumerate(kinds) if not guards[k] or open_(trial, k)]
        outcome = rng.random()
        if outcome < 0.1:
            raise ValueError("crashed")
        if outcome < 0.2:
            raise optuna.TrialPruned
        odd = [float("inf"), -float("inf"), 1e300, -1e300, 0.0]
        return [float(rng.choice(odd)) if rng.random() < 0.1 else sum(values) * (k + 1) for k in range(objectives)]

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        warnings.simplefilter("ignore", FutureWarning)
        surrogate: Any = Guessing(rng) if rng.random() < 0.5 else None
        sampler = RLMSampler(seed=seed, pool_size=32, constraints_func=constraints_func, surrogate=surrogate)
        ways = [StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE]
        study = optuna.create_study(directions=ways[:objectives], sampler=sampler)
        study.optimize(objective, n_trials=int(rng.integers(8, 30)), catch=(ValueError,))


class Guessing:
    """A surrogate that says anything at all of any text, and is trusted as it happens."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def fork(self) -> Guessing:
        return self

    def trust(self, problem: Problem) -> float:
        return float(np.clip(self._rng.uniform(-0.5, 1.5), 0, 1))

    def observe(self, problem: Problem, texts: list[str], values: list[float]) -> None:
        pass

    def predict(self, problem: Problem, texts: list[str]) -> Prediction:
        count, scale = len(texts), 10.0 ** self._rng.integers(-3, 4)
        middle = scale * self._rng.normal(size=(count, 1))
        half = scale * np.abs(self._rng.normal(size=(count, 1))) * self._rng.integers(0, 2)
        mass, p_fail = np.ones((count, 1)), self._rng.random(count)
        return Prediction(middle - half, middle + half, mass, p_fail, np.ones(count))


def some_violate(trial: optuna.trial.FrozenTrial) -> tuple[float]:
    """A constraint that every third trial violates."""
    return (trial.number % 3 - 1.0,)


def open_(trial: optuna.Trial, place: int) -> bool:
    """Whether a conditional parameter is there."""
    return trial.suggest_categorical(f"g{place}", ["on", "off"]) == "on"


def suggested(trial: optuna.Trial, name: str, kind: str) -> float:
    """A parameter of a kind, as a number."""
    match kind:
        case "float":
            return trial.suggest_float(name, -1e6, 1e6) / 1e6
        case "log":
            return float(np.log(trial.suggest_float(name, 1e-12, 1e3, log=True)))
        case "step":
            return trial.suggest_float(name, -1, 1, step=0.1)
        case "int":
            return trial.suggest_int(name, -10, 10, step=5)
        case "logint":
            return trial.suggest_int(name, 1, 4096, log=True) / 4096
        case "category":
            return len(str(trial.suggest_categorical(name, [None, "a", "bb", True])))
        case _:
            return trial.suggest_categorical(name, [1, 2, 4, 8])


def storage_of(kind: str, folder: Path) -> BaseStorage:
    """A storage that processes share."""
    if kind == "sqlite":
        return RDBStorage(f"sqlite:///{folder / 'study.db'}", engine_kwargs={"connect_args": {"timeout": 60}})
    file = str(folder / "journal")
    return JournalStorage(JournalFileBackend(file, lock_obj=JournalFileOpenLock(file)))


def work(kind: str, folder: Path, trials: int) -> None:
    """A worker: until enough trials are complete."""
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    study = optuna.load_study(study_name=NAME, storage=storage_of(kind, folder), sampler=RLMSampler())

    def enough(study: optuna.Study, _trial: object) -> None:
        if len(study.get_trials(deepcopy=False, states=[TrialState.COMPLETE])) >= trials:
            study.stop()

    study.optimize(value_of, callbacks=[enough])


def value_of(trial: optuna.Trial) -> float:
    """A bowl."""
    return trial.suggest_float("x", -5, 5) ** 2 + trial.suggest_float("y", -5, 5) ** 2


def shared(kind: str, folder: Path, processes: int, trials: int) -> None:
    """Processes on one study; every other one is killed after a while, and another begins."""
    study = optuna.create_study(study_name=NAME, storage=storage_of(kind, folder))
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=work, args=(kind, folder, trials), daemon=True) for _ in range(processes)]
    for worker in workers:
        worker.start()
    for worker in workers[::2]:
        time.sleep(5)
        worker.kill()
        workers.append(spawn.Process(target=work, args=(kind, folder, trials), daemon=True))
        workers[-1].start()
    end = time.monotonic() + PATIENCE
    for worker in workers:
        worker.join(max(0.0, end - time.monotonic()))
    hung = [worker for worker in workers if worker.is_alive()]
    for worker in hung:
        worker.kill()
    complete = study.get_trials(states=[TrialState.COMPLETE])
    wrong = [t.number for t in complete if t.value != t.params["x"] ** 2 + t.params["y"] ** 2]
    distinct = len({tuple(trial.params.values()) for trial in complete})
    print(f"{kind}: {len(complete)} trials, {distinct} distinct, best {study.best_value:.2g}, {len(hung)} hung")
    if hung or wrong or len(complete) < trials:
        raise RuntimeError(f"{kind}: {len(hung)} processes hung, trials {wrong} are not their own")


if __name__ == "__main__":
    main()
