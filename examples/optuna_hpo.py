"""Tune a classifier with Optuna: RLMSampler, bare, against the tree-structured Parzen estimator.

python examples/optuna_hpo.py [--trials 30] [--seeds 3]

A multilayer perceptron reads the digits that come with scikit-learn; eight hyperparameters, floats, integers and
categories, one of them conditional. Draws the search, and what was predicted of each trial against what was measured.
After Ctrl-C, of as much as was done.
"""

from __future__ import annotations

import argparse
import contextlib
import warnings
from pathlib import Path

import numpy as np
import optuna
from matplotlib.figure import Figure
from numpy.typing import NDArray
from optuna.samplers import TPESampler
from rich import print
from rich.progress import track
from rich.table import Table
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.neural_network import MLPClassifier

from prerank.integrations.optuna import RLMSampler
from prerank.integrations.optuna_plot import draw_predictions

Floats = NDArray[np.float64]
Studies = dict[str, list[optuna.Study]]
IMAGES, DIGITS = load_digits(return_X_y=True)


def main() -> None:
    """Search, print, draw."""
    arguments = parse()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    warnings.simplefilter("ignore", ConvergenceWarning)
    samplers = {"TPE": TPESampler, "RLMSampler": RLMSampler}
    studies: Studies = {
        name: [optuna.create_study(direction="maximize", sampler=kind(seed=seed)) for seed in range(arguments.seeds)]
        for name, kind in samplers.items()
    }
    turns = [study for _ in range(arguments.trials) for group in studies.values() for study in group]
    with contextlib.suppress(KeyboardInterrupt):
        for study in track(turns, "training on digits"):
            study.optimize(objective, n_trials=1)
    report(studies)
    draw(studies, arguments.out)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("optuna_hpo.png"))
    return parser.parse_args()


def objective(trial: optuna.Trial) -> float:
    """Accuracy in three-fold cross-validation after a few epochs."""
    layers = [
        trial.suggest_int(f"width_{layer}", 4, 64, log=True) for layer in range(trial.suggest_int("layers", 1, 3))
    ]
    solver = trial.suggest_categorical("solver", ["adam", "sgd"])
    momentum = trial.suggest_float("momentum", 0, 0.99) if solver == "sgd" else 0.9
    model = MLPClassifier(
        layers,
        activation=trial.suggest_categorical("activation", ["relu", "tanh", "logistic"]),
        solver=solver,
        alpha=trial.suggest_float("alpha", 1e-6, 1e-1, log=True),
        batch_size=trial.suggest_int("batch", 16, 256, log=True),  # pyright: ignore[reportArgumentType]
        learning_rate_init=trial.suggest_float("rate", 1e-5, 1, log=True),
        momentum=momentum,
        max_iter=5,
        random_state=0,
    )
    return float(cross_val_score(model, IMAGES / 16, DIGITS, cv=3).mean())


def best_so_far(studies: list[optuna.Study]) -> Floats:
    """Best accuracy after each trial that all seeds have done, (S, T)."""
    values = [[trial.value for trial in study.trials if trial.value is not None] for study in studies]
    done = min(map(len, values))
    return np.maximum.accumulate(np.array([own[:done] for own in values]), axis=1)


def report(studies: Studies) -> None:
    """What each sampler found."""
    table = Table("sampler", "trials", "best accuracy", "worst seed")
    for name, group in studies.items():
        best = best_so_far(group)
        if best.size:
            table.add_row(name, f"{best.shape[1]}", f"{best[:, -1].mean():.4f}", f"{best[:, -1].min():.4f}")
    print(table)


def draw(studies: Studies, out: Path) -> None:
    """Left the searches, right what was predicted of each trial with its 90 % interval, against what was measured."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, group in studies.items():
        best = best_so_far(group)
        left.plot(np.arange(1, best.shape[1] + 1), best.mean(axis=0), label=name)
    left.set(xlabel="trials", ylabel="best accuracy, mean over the seeds")
    left.legend()
    draw_predictions(studies["RLMSampler"], right)
    figure.savefig(out, dpi=150)
    print(f"drawn in {out}")


if __name__ == "__main__":
    main()
