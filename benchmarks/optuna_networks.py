"""Tables of networks as tasks: rows kept for tests alone, so that no checkpoint has read a value that a search finds.

A candidate is a category a place: the operations of a cell of NAS-Bench-201, the blocks of NAS-Bench-Macro, the tree
and the operations of NAS-Bench-Graph. It has the value of the test row that differs from it in the fewest places, and
is read by its own text, not by that row's. NAS-Bench-101 has too few test rows for that: there a candidate, a category
an edge and a vertex, stands for the nearest row itself, value and text; no checkpoint lacks its space.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from measured_rows import Measured, table_file
from measured_tables import nas_bench_201_rows, nas_bench_graph_rows, nas_bench_macro_rows
from numpy.typing import NDArray
from optuna import Trial
from optuna.distributions import CategoricalDistribution
from optuna_tasks import Task

from prerank.search_spaces import nas_bench_101, nas_bench_201, nas_bench_graph, nas_bench_macro
from prerank.surrogate import Question

Choices = tuple[str, ...]

_GRAPH_DATA = ("cora", "arxiv")


def network_tables(folder: Path) -> list[Task]:
    """All of them: accuracies, of which more is better."""
    rng = np.random.default_rng(0)
    cells, macro = list(nas_bench_201_rows(folder, rng)), list(nas_bench_macro_rows(folder, rng))
    graphs = list(nas_bench_graph_rows(folder, rng))
    operations = [nas_bench_201.OPERATIONS] * len(nas_bench_201.EDGES)
    trees = [nas_bench_graph.LINKS, *[nas_bench_graph.OPERATIONS] * 4]
    return [
        test_cells(folder),
        nearest("nas_bench_201", nas_bench_201.problem(), cells, operations, cell, "cells_201"),
        nearest("nas_bench_macro", nas_bench_macro.problem(), macro, ["012"] * 8, blocks, "macro_graph"),
        *(
            nearest(f"nas_bench_graph {name}", problem, graphs, trees, tree, "macro_graph")
            for name in _GRAPH_DATA
            for problem in [nas_bench_graph.problem(dataset=name)]
        ),
    ]


def test_cells(folder: Path) -> Task:
    """NAS-Bench-101 as a task: the test row that differs from a candidate in the fewest parameters."""
    frame: Any = pd.read_json(table_file(folder, "nas/nas_bench_101.jsonl.gz"), lines=True).query("split == 'test'")
    cells = [nas_bench_101.from_record(record) for record in frame.to_dict("records")]
    texts, accuracies = [nas_bench_101.to_text(cell) for cell in cells], frame["val_acc_108"].to_numpy(dtype=np.float64)
    space = {name: CategoricalDistribution(choices) for name, choices in nas_bench_101.PARAMETERS.items()}
    rows = np.stack([encoded(nas_bench_101.to_params(cell)) for cell in cells])

    @lru_cache(maxsize=100_000)
    def row_of(candidate: bytes) -> int:
        return int((rows != np.frombuffer(candidate, dtype=np.uint8)).sum(axis=1).argmin())

    def value(trial: Trial) -> float:
        chosen = {name: trial.suggest_categorical(name, options.choices) for name, options in space.items()}
        return float(accuracies[row_of(encoded(chosen).tobytes())])

    def to_text(params: Mapping[str, Any]) -> str:
        return texts[row_of(encoded(params).tobytes())]

    return Task("nas_bench_101", value, float(accuracies.max()), nas_bench_101.problem(), to_text, space)


def encoded(params: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Numbers of the choices of NAS-Bench-101's parameters."""
    choices = nas_bench_101.PARAMETERS.items()
    return np.array([own.index(params[name]) for name, own in choices], dtype=np.uint8)


def cell(chosen: Choices) -> str:
    """Text of a cell."""
    return nas_bench_201.to_text(nas_bench_201.Cell(chosen))


def blocks(chosen: Choices) -> str:
    """Text of a chain of blocks."""
    return nas_bench_macro.to_text(nas_bench_macro.Network("".join(chosen)))


def tree(chosen: Choices) -> str | None:
    """Text of a graph network; None of one that only skips, which is no network."""
    try:
        link = tuple(map(int, chosen[0]))
        return nas_bench_graph.to_text(nas_bench_graph.Architecture(link, chosen[1:]))
    except ValueError:
        return None


def nearest(
    name: str,
    problem: Question,
    rows: Iterable[Measured],
    choices: Sequence[Iterable[str]],
    read: Callable[[Choices], str | None],
    leave_out: str,
) -> Task:
    """A table of networks as a task.

    Args:
        name: Of the task.
        problem: What is maximised.
        rows: The table.
        choices: Of each place.
        read: Choices -> text, None if they make no network.
        leave_out: Checkpoint that has not read the space.
    """
    values = {m.row.texts[0]: m.row.values[problem.metric] for m in rows if m.test and problem.metric in m.row.values}
    space = {f"place {place}": CategoricalDistribution([*options]) for place, options in enumerate(choices)}
    known = [(chosen, read(chosen)) for chosen in itertools.product(*choices)]
    known = [(chosen, values[text]) for chosen, text in known if text in values]
    places, accuracies = np.array([chosen for chosen, _ in known]), np.array([value for _, value in known])

    @lru_cache(maxsize=100_000)
    def value_of(chosen: Choices) -> float:
        return float(accuracies[(places != np.array(chosen)).sum(axis=1).argmin()])

    def value(trial: Trial) -> float:
        return value_of(tuple(trial.suggest_categorical(place, options.choices) for place, options in space.items()))

    def to_text(params: Mapping[str, Any]) -> str | None:
        return read(tuple(params[place] for place in space))

    return Task(name, value, float(accuracies.max()), problem, to_text, space, leave_out)
