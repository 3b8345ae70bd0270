"""Quality on NAS-Bench-101: rank correlation on the test cells, beside the models people use on tables.

python benchmarks/nas_bench_101.py [--cheap FOLDER]

Every model predicts the 108-epoch validation accuracy of the rows with ``split=test``. Baselines see the encoded cell,
facts of its graph (depths, paths, counts; without them they are far weaker) and the logarithm of its parameters.
With 1,000 and 100 training cells, the surrogate is a checkpoint that was trained on the cheap metrics of the training
cells alone (``examples/train_nas_bench_101.py --cheap --steps 900``: 4 and 12 epochs, parameters) and then observes the
accuracies of those few cells. It is measured where --cheap names it; `make benchmarks` does not.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from few_shot import draw
from intervals import interval, shown
from measured_rows import table_file
from numpy.typing import NDArray
from ranks import rank, tau
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from tables import show

from prerank.search_spaces import nas_bench_101
from prerank.surrogate import RLMSurrogate

Floats = NDArray[np.float64]
Predict = Callable[[NDArray[np.intp], int], Floats]
"""Training rows and a seed -> predictions of the test rows."""

SIZES = (16_000, 1_000, 100)
CHOICES = list(nas_bench_101.PARAMETERS.values())


@dataclass(frozen=True)
class Cells:
    """A part of the table: texts, features (N, F) and measured accuracies (N,)."""

    texts: list[str]
    features: Floats
    accuracy: Floats


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    frame = pd.read_json(table_file(arguments.data, "nas/nas_bench_101.jsonl.gz"), lines=True)
    train, test = cells(frame.query("split == 'train'")), cells(frame.query("split == 'test'"))
    results = [
        result
        for size in SIZES
        for name, predict in contestants(train, test, size, arguments).items()
        for result in [measure(name, size, predict, train, test, arguments.seeds)]
    ]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--cheap", type=Path, help="trained on the cheap metrics alone; leave out to skip few cells")
    parser.add_argument("--seeds", type=int, default=10)
    return parser.parse_args()


def cells(frame: pd.DataFrame) -> Cells:
    """Rows of the table as texts and as the baselines' features."""
    found = [nas_bench_101.from_record(record) for record in frame.to_dict("records")]
    parameters = np.log(frame["params"].to_numpy(dtype=np.float64))[:, None]
    return Cells(
        [nas_bench_101.to_text(cell) for cell in found],
        np.hstack([np.array([encoded(cell) + shape(cell) for cell in found]), parameters]),
        frame["val_acc_108"].to_numpy(dtype=np.float64),
    )


def encoded(cell: nas_bench_101.Cell) -> list[float]:
    """One-hot operations and edges of the seven-vertex form; a vertex that the cell lacks has no operation."""
    params = nas_bench_101.to_params(cell)
    ends = {
        f"op_{v}": any(params[f"edge_{i}_{v}"] for i in range(v)) for v in range(1, nas_bench_101.MOST_VERTICES - 1)
    }
    return [
        float(params[name] == choice and ends.get(name, True))
        for name, choices in nas_bench_101.PARAMETERS.items()
        for choice in (choices[1:] if choices == (0, 1) else choices)
    ]


def shape(cell: nas_bench_101.Cell) -> list[float]:
    """Graph facts that a tabular model cannot count by itself: sizes, depths and paths, operations, degrees."""
    last, before = len(cell.ops) - 1, [list(cell.graph.predecessors(v)) for v in range(len(cell.ops))]
    longest, shortest, paths, convolutions = [0], [0], [1], [0]
    for v in range(1, last + 1):
        longest.append(1 + max(longest[u] for u in before[v]))
        shortest.append(1 + min(shortest[u] for u in before[v]))
        paths.append(sum(paths[u] for u in before[v]))
        convolutions.append((cell.ops[v] == "conv3x3") + max(convolutions[u] for u in before[v]))
    counts = [cell.ops.count(operation) for operation in nas_bench_101.OPERATIONS]
    degrees = [sum(cell.adjacency[0]), len(before[last]), cell.adjacency[0][last]]
    walks = [longest[last], shortest[last], paths[last], convolutions[last]]
    return [float(fact) for fact in (last, sum(map(sum, cell.adjacency)), *walks, *counts, *degrees)]


def contestants(train: Cells, test: Cells, size: int, arguments: argparse.Namespace) -> dict[str, Predict]:
    """The models that are measured at a training size."""
    found: dict[str, Predict] = {
        "parameters alone": lambda rows, seed: test.features[:, -1],
        "random forest": trees(forest, train, test),
        "boosted trees": trees(boosted, train, test),
    }
    if size == max(SIZES):
        found["prerank"] = asked(arguments.checkpoint, test)
    elif arguments.cheap:
        found["prerank, cheap metrics alone"] = asked(arguments.cheap, test)
        found["prerank, cheap metrics, then observe"] = observed(arguments.cheap, train, test)
    return found


def trees(model: Callable[[int], Any], train: Cells, test: Cells) -> Predict:
    """A model of the encoded cells. It learns the logarithm of the error, which suits it better than the accuracy."""

    def predict(rows: NDArray[np.intp], seed: int) -> Floats:
        return model(seed).fit(train.features[rows], -np.log(1 - train.accuracy[rows])).predict(test.features)

    return predict


def asked(folder: Path | None, test: Cells) -> Predict:
    """A surrogate as it is."""

    def predict(rows: NDArray[np.intp], seed: int) -> Floats:
        return RLMSurrogate.load(folder).predict(nas_bench_101.problem(), test.texts).mean

    return predict


def observed(folder: Path, train: Cells, test: Cells) -> Predict:
    """A surrogate after it has observed the training cells."""

    def predict(rows: NDArray[np.intp], seed: int) -> Floats:
        surrogate = RLMSurrogate.load(folder)
        surrogate.observe(nas_bench_101.problem(), [train.texts[row] for row in rows], train.accuracy[rows])
        return surrogate.predict(nas_bench_101.problem(), test.texts).mean

    return predict


def forest(seed: int) -> RandomForestRegressor:
    """Random forest."""
    return RandomForestRegressor(300, n_jobs=-1, random_state=seed)


def boosted(seed: int) -> HistGradientBoostingRegressor:
    """Boosted trees."""
    return HistGradientBoostingRegressor(max_iter=300, learning_rate=0.05, random_state=seed)


def measure(name: str, size: int, predict: Predict, train: Cells, test: Cells, seeds: int) -> dict[str, Any]:
    """Rank correlations of a model, one for each draw of the training rows."""
    rounds = range(seeds if size < max(SIZES) or name in ("random forest", "boosted trees") else 1)
    pairs = [
        (rank(predicted, test.accuracy), tau(predicted, test.accuracy))
        for seed in rounds
        for predicted in [predict(draw(len(train.texts), size, seed), seed)]
    ]
    return {
        "cells": size,
        "model": name,
        "spearman": interval(p[0] for p in pairs),
        "tau": interval(p[1] for p in pairs),
    }


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    lines = [
        {
            "training cells": f"{result['cells']:,}",
            "model": result["model"],
            "Spearman": shown(result["spearman"]),
            "Kendall tau": shown(result["tau"]),
            "seeds": str(result["tau"]["count"]),
        }
        for result in results
    ]
    return {"NAS-Bench-101, split=test": pd.DataFrame(lines)}


if __name__ == "__main__":
    main()
