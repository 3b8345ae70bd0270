"""A search space never read: rank correlation from a few measured candidates.

python benchmarks/unseen_spaces.py [--checkpoints FOLDER]

Each model gets n random candidates of a space and ranks the rest of a fixed draw of 800. The surrogate is a checkpoint
that was trained without that space (`make leave-out`). GRAF is a random forest on neural graph features (see
`graph_features`) and on the totals that the text states too, parameters and MACs, which NAS-Bench-Graph's does not; the
fields are the counts and totals that can be read off a text. Parameters are those of the table. Figures are Kendall's
tau.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import graph_features
import numpy as np
import pandas as pd
from few_shot import FewShot, draw, reliability, unmeasured
from intervals import interval, shown
from leave_out import command_line
from measured_rows import table_file
from measured_tables import nas_bench_201_rows, nas_bench_graph_rows, nas_bench_macro_rows
from network_features import stated_numbers
from numpy.typing import NDArray
from ranks import tau
from tables import show
from tabular_models import boosted, fitted, forest, gaussian_process, logarithm, plain

from prerank.search_spaces import nas_bench_201, nas_bench_graph, nas_bench_macro
from prerank.surrogate import Problem, Row
from prerank.surrogate.problem import as_problem

Floats = NDArray[np.float64]

SAMPLES = (4, 16, 64)
RANKED = 800
GRAF = "GRAF and totals"
MODELS: dict[str, Callable[[], Any]] = {
    "random forest": forest,
    "boosted trees": boosted,
    "Gaussian process": gaussian_process,
}


@dataclass(frozen=True)
class Task:
    """Candidates of a space that a checkpoint has not read.

    Args:
        name: The space and the metric.
        checkpoint: Name of the checkpoint.
        problem: What is asked.
        texts: The candidates, N of them.
        graphs: Their graphs.
        sizes: Parameters, and MACs where the texts have them, (N,) each.
        values: What was measured, (N,).
    """

    name: str
    checkpoint: str
    problem: Problem
    texts: list[str]
    graphs: list[Any]
    sizes: dict[str, Floats]
    values: Floats

    @cached_property
    def features(self) -> Floats:
        """Neural graph features, and the totals that all texts state, (N, F)."""
        return np.hstack([graph_features.features(self.graphs), stated(self.texts)])


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    results = [result for task in tasks(arguments.data) for result in measured(task, arguments)]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    return command_line(__doc__, __file__, seeds=10).parse_args()


def tasks(data: Path) -> Iterator[Task]:
    """The spaces that are left out in turn."""
    rng = np.random.default_rng(0)
    macro = [measured.row for measured in nas_bench_macro_rows(data, rng)]
    params = nas_bench_macro.problem("params").metric
    yield task("NAS-Bench-Macro, accuracy", "macro_graph", nas_bench_macro.problem(), params, macro, macro_graphs(data))
    graphs, drawn = [measured.row for measured in nas_bench_graph_rows(data, rng)], architectures()
    for dataset in ("cora", "arxiv"):
        problem, params = (nas_bench_graph.problem(word, dataset) for word in ("val_accuracy", "params"))
        yield task(f"NAS-Bench-Graph, accuracy on {dataset}", "macro_graph", problem, params.metric, graphs, drawn)
    cells, drawn = [measured.row for measured in nas_bench_201_rows(data, rng)], cells_201(data)
    params, latency = nas_bench_201.problem("params").metric, nas_bench_201.problem("latency_ms", device="1080ti_256")
    yield task("NAS-Bench-201, accuracy", "cells_201", nas_bench_201.problem(), params, cells, drawn)
    yield task("NAS-Bench-201, latency on a 1080 Ti", "cells_201", latency, params, cells, drawn)


def task(name: str, checkpoint: str, question: Any, params: str, rows: list[Row], graphs: dict[str, Any]) -> Task:
    """A fixed draw of the rows that have a graph and a value."""
    problem = as_problem(question)
    known = [row for row in rows if np.isfinite(row.values.get(problem.metric, np.nan)) and row.texts[0] in graphs]
    drawn = [known[place] for place in draw(len(known), RANKED, 0).tolist()]
    texts = [row.texts[0] for row in drawn]
    values, parameters = (np.array([row.values[metric] for row in drawn]) for metric in (problem.metric, params))
    sizes, found = {"parameters": parameters}, stated(texts)
    if "macs_m" in found:
        sizes["MACs"] = found["macs_m"].to_numpy()
    return Task(name, checkpoint, problem, texts, [graphs[text] for text in texts], sizes, values)


def stated(texts: list[str]) -> Any:
    """Parameters and MACs in millions, as columns, where the texts state them."""
    return pd.DataFrame([stated_numbers(text) for text in texts]).reindex(columns=["params_m", "macs_m"]).dropna(axis=1)


def macro_graphs(data: Path) -> dict[str, Any]:
    """Text -> graph."""
    frame = pd.read_json(table_file(data, "nas/nas_bench_macro.jsonl.gz"), lines=True, dtype={"arch": str})
    found = map(nas_bench_macro.from_record, frame["arch"])
    return {nas_bench_macro.to_text(network): graph_features.network(network) for network in found}


def architectures() -> dict[str, Any]:
    """Text -> graph."""
    found = [architecture for architecture, _ in nas_bench_graph.read_table()]
    return {nas_bench_graph.to_text(a): graph_features.architecture(a) for a in found}


def cells_201(data: Path) -> dict[str, Any]:
    """Text -> graph; of cells that are functionally equal, the first alone."""
    frame: Any = pd.read_csv(table_file(data, "nas/nas_bench_201.csv.gz")).drop_duplicates("unique_idx")
    found = map(nas_bench_201.from_record, frame["arch"])
    return {nas_bench_201.to_text(cell): graph_features.cell_201(cell) for cell in found}


def measured(task: Task, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """All models at all sample sizes."""
    for name, sizes in task.sizes.items():
        yield {"task": task.name, "model": name, "samples": 0, "tau": interval([tau(sizes, task.values)])}
    fields, scaled = plain(task.texts), task.problem.metric.startswith("latency")
    values = logarithm(task.values) if scaled else task.values
    for n in SAMPLES:
        draws = [draw(len(task.texts), len(task.texts), seed) for seed in range(arguments.seeds)]
        for name, columns in ((GRAF, task.features), ("fields", fields)):
            for model in MODELS if name == "fields" else ["random forest"]:
                taus = [tau_after(MODELS[model](), columns, values, draw, n) for draw in draws]
                yield {"task": task.name, "model": f"{model} on {name}", "samples": n, "tau": interval(taus)}
    yield from surrogate(task, arguments)


def tau_after(model: Any, columns: Floats, values: Floats, draw: NDArray[np.intp], n: int) -> float:
    """Kendall's tau of a model that saw the first n of a draw, on the rest."""
    return tau(fitted(model, columns, values, draw[:n], columns[draw[n:]]), values[draw[n:]])


def surrogate(task: Task, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The surrogate without measurements and after n of them."""
    read = FewShot(arguments.checkpoints / task.checkpoint, task.problem, task.texts, task.values)
    line = {"task": task.name, "model": "prerank"}
    alone = [(read.prior, task.values)]
    yield line | {"samples": 0, "tau": interval([tau(read.prior.mean, task.values)])} | reliability(alone)
    for n in SAMPLES:
        rest = unmeasured(read.after(n, arguments.seeds), task.values)
        taus = interval(tau(learnt.mean, values) for learnt, values in rest)
        yield line | {"samples": n, "tau": taus} | reliability(rest)


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    return {
        f"{name}: Kendall's tau": pd.DataFrame(across([result for result in results if result["task"] == name]))
        for name in dict.fromkeys(result["task"] for result in results)
    }


def across(results: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """A line for each model, sample sizes across."""
    for model in dict.fromkeys(result["model"] for result in results):
        own = {result["samples"]: result for result in results if result["model"] == model}
        cells = {f"{n} measured": shown(own[n]["tau"]) if n in own else "" for n in (0, *SAMPLES)}
        covered = own.get(16, {}).get("covered90")
        held = f"{covered['mean']:.2f}" if covered else ""
        yield {"model": model, **cells, "90 % intervals hold, 16": held}


if __name__ == "__main__":
    main()
