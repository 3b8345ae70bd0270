"""Strategies of NNI that search NAS-Bench-201 in its table: accuracy found against models tried.

python benchmarks/nni_strategies.py [--checkpoint FOLDER] [--seeds 20] [--budget 150]

The model space has the test rows alone, which the packaged weights were not trained on; all others break one of its
rules. Give the checkpoint that `make leave-out` trains without the space's accuracies (runs/leave_out/cells_201) to see
a space that was never read. Every strategy gets the same budget in NNI's sequential engine. Figures are points of
validation accuracy after 200 epochs on CIFAR-10 that the best model tried lies below the best one of the test rows.
NNI's PolicyBased needs tianshou and is left out. 20 seeds take about half an hour.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import nni
import numpy as np
import pandas as pd
from command_line import command_line
from intervals import interval, shown
from measured_tables import nas_bench_201_rows
from nni.mutable import Categorical, Constraint, ConstraintViolation, MutableDict
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.space import RawFormatModelSpace
from nni.nas.strategy import Random, RegularizedEvolution, Strategy
from rich.progress import track
from tables import show

from prerank.integrations.nni import RLMStrategy, nas_bench_201_text
from prerank.search_spaces import nas_bench_201
from prerank.surrogate import RLMSurrogate

OPERATIONS = ("none", "skip_connect", "conv_1x1", "conv_3x3", "avg_pool_3x3")
REPORTED = (1, 5, 10, 20, 30, 50, 100, 150)
POOL = 64  # of RLMStrategy; nine of ten draws break the rule, and its own 256 would take hours
POPULATION, TOURNAMENT = 20, 5  # of evolution; NNI's 100 and 25 would be random draws for most of the budget


class OfTable(Constraint):
    """A rule that only cells of a table keep."""

    def __init__(self, choices: Mapping[str, Categorical[Any]], table: dict[str, float]) -> None:
        self.label = "of_table"
        self._choices = choices
        self._table = table

    def leaf_mutables(self, is_leaf: Any) -> Iterator[Any]:
        yield from self._choices.values()
        yield self

    def check_contains(self, sample: dict[str, Any]) -> ConstraintViolation | None:
        inside = nas_bench_201_text(sample) in self._table
        return None if inside else ConstraintViolation(f"{sample} is not in the table")


class TableSpace(RawFormatModelSpace):
    """Models that are no more than what was chosen."""

    def executable_model(self) -> Any:
        return self.sample


def main() -> None:
    """Search, print, write."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--seeds", type=int, default=20, help="searches of each strategy")
    parser.add_argument("--budget", type=int, default=150, help="models that each search tries")
    arguments = parser.parse_args()
    logging.getLogger("nni").setLevel(logging.ERROR)
    results = list(searched(table(arguments.data), arguments))
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def table(data: Path) -> dict[str, float]:
    """Text -> accuracy of the test rows."""
    metric = nas_bench_201.problem().metric
    measured = [one.row for one in nas_bench_201_rows(data, np.random.default_rng(0)) if one.test]
    return {row.texts[0]: row.values[metric] for row in measured if np.isfinite(row.values.get(metric, np.nan))}


def strategies(checkpoint: Path | None) -> dict[str, Callable[[int], Strategy]]:
    """Name -> the strategy of a seed."""
    surrogate = RLMSurrogate.load(checkpoint)
    told: dict[str, Any] = {"problem": nas_bench_201.problem(), "to_text": nas_bench_201_text, "surrogate": surrogate}
    return {
        "Random": lambda seed: Random(seed=seed),
        "RegularizedEvolution": lambda seed: RegularizedEvolution(
            population_size=POPULATION, sample_size=TOURNAMENT, mutation_prob=1 / 6, seed=seed
        ),
        "RLMStrategy, bare": lambda seed: RLMStrategy(surrogate=surrogate, pool_size=POOL, seed=seed),
        "RLMStrategy": lambda seed: RLMStrategy(pool_size=POOL, seed=seed, **told),
    }


def searched(accuracies: dict[str, float], arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Regrets of all strategies."""
    best = max(accuracies.values())
    for name, make in strategies(arguments.checkpoint).items():
        seeds = track(range(arguments.seeds), name)
        curves = np.array([search(make(seed), accuracies, arguments.budget) for seed in seeds])
        for count in REPORTED:
            if count <= arguments.budget:
                regrets = 100 * (best - curves[:, :count].max(axis=1))
                yield {"strategy": name, "models": count, "regret": interval(regrets)}


def search(strategy: Strategy, accuracies: dict[str, float], budget: int) -> list[float]:
    """Accuracies of the models tried, in their order."""
    choices = {f"{i}_{j}": Categorical(OPERATIONS, label=f"{i}_{j}") for i, j in nas_bench_201.EDGES}

    def evaluate(sample: dict[str, Any]) -> None:
        nni.report_final_result(accuracies[nas_bench_201_text(sample)])

    mutables = cast(Any, MutableDict(choices | {"of_table": OfTable(choices, accuracies)}))
    strategy(TableSpace(mutables, FunctionalEvaluator(evaluate)), SequentialExecutionEngine(max_model_count=budget))
    return [model.metric or 0.0 for model in strategy.list_models(sort=False)]


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as a titled data frame of text."""
    names = dict.fromkeys(result["strategy"] for result in results)
    rows = [
        {"strategy": name} | {str(one["models"]): shown(one["regret"], 2) for one in results if one["strategy"] == name}
        for name in names
    ]
    return {"NAS-Bench-201, test rows: points below the best after so many models": pd.DataFrame(rows)}


if __name__ == "__main__":
    main()
