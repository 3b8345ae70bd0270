"""NAS-Bench-101: cells of at most 7 vertices and 9 edges (Ying et al. 2019, arXiv:1902.09635).

A cell is a directed acyclic graph from ``input`` to ``output``; every other vertex is a 3x3 convolution, a 1x1
convolution or a 3x3 max-pooling. The network stacks it three times in each of three stages.

Notable: a `Cell` is pruned when it is made, so that what is on no path from input to output never counts; its text is
one word a vertex, and isomorphic cells have one text, the least one over all topological orders.

Glossary: V vertices; `adjacency[i][j]` is 1 where an edge runs from i to j > i; a *word* is a vertex's operation and
the positions of its predecessors, as in ``conv3x3<0,2``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np

from .problem import Problem

INPUT, OUTPUT = "input", "output"
OPERATIONS = ("conv3x3", "conv1x1", "maxpool3x3")
MOST_VERTICES, MOST_EDGES = 7, 9

_EDGES = tuple(combinations(range(MOST_VERTICES), 2))
_INNER = range(1, MOST_VERTICES - 1)
PARAMETERS: dict[str, tuple[Any, ...]] = {
    **{f"edge_{i}_{j}": (0, 1) for i, j in _EDGES},
    **{f"op_{vertex}": OPERATIONS for vertex in _INNER},
}
"""The space as categorical parameters, name -> choices: all edges of seven vertices, and the inner ones' operations."""

_CONTEXT = (
    "nas_bench_101\n"
    "image network of 9 cells in 3 stages from 128 channels; "
    "cell of at most 7 vertices and 9 edges: conv3x3 conv1x1 maxpool3x3"
)
_RECORD_NAMES = {f"{operation}-bn-relu": operation for operation in OPERATIONS}


@dataclass(frozen=True)
class Cell:
    """A valid cell, pruned of what is on no path from input to output.

    Args:
        adjacency: Upper triangular 0/1 matrix, (V, V).
        operations: One operation a vertex: ``input``, then any of `OPERATIONS`, then ``output``.

    Raises:
        ValueError: If a rule of the space is broken.
    """

    adjacency: tuple[tuple[int, ...], ...]
    operations: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(self.adjacency, self.operations)
        kept = _on_a_path(self.adjacency)
        if not kept:
            raise ValueError(f"no path leads from input to output in {self.adjacency}; add an edge")
        adjacency = tuple(tuple(int(self.adjacency[i][j]) for j in kept) for i in kept)
        object.__setattr__(self, "adjacency", adjacency)
        object.__setattr__(self, "operations", tuple(self.operations[i] for i in kept))
        _check_size(adjacency)

    @cached_property
    def graph(self) -> nx.DiGraph[int]:
        """The cell as a graph whose vertices carry their ``operation``."""
        graph: nx.DiGraph[int] = nx.DiGraph()
        for vertex, operation in enumerate(self.operations):
            graph.add_node(vertex, operation=operation)
        graph.add_edges_from((i, j) for i, row in enumerate(self.adjacency) for j, edge in enumerate(row) if edge)
        return graph

    @cached_property
    def hash(self) -> str:
        """The same for isomorphic cells, and for them alone."""
        return hashlib.sha256(to_text(self).encode()).hexdigest()[:32]


def sample(rng: np.random.Generator, n: int) -> list[Cell]:
    """Draw distinct cells: random edges and operations, what breaks a rule redrawn (as the space's own sampler does).

    Args:
        rng: Source of the draws.
        n: How many, at most the 423,624 there are.
    """
    cells: dict[str, Cell] = {}
    while len(cells) < n:
        for cell in _draw(rng, 2 * (n - len(cells)) + 8):
            cells.setdefault(to_text(cell), cell)
    return list(cells.values())[:n]


def neighbours(cell: Cell) -> list[Cell]:
    """The distinct valid cells one edit away: an edge flipped or an operation changed, among seven vertices."""
    params = to_params(cell)
    found: dict[str, Cell] = {to_text(cell): cell}
    for name, choices in PARAMETERS.items():
        for choice in choices:
            other = from_params(params | {name: choice}) if choice != params[name] else None
            if other is not None:
                found.setdefault(to_text(other), other)
    return list(found.values())[1:]


def to_text(cell: Cell, rng: np.random.Generator | None = None) -> str:
    """One word a vertex, in the order that gives the least text, or with rng in a random topological order."""
    predecessors = [tuple(i for i, row in enumerate(cell.adjacency) if row[j]) for j in range(len(cell.operations))]
    if rng is not None:
        return " ".join(_words(cell.operations, predecessors, _random_order(rng, predecessors)))
    orders: list[list[int]] = [[]]
    for _ in cell.operations:
        # Only the orders whose text is the least so far can give the least text.
        grown = [[*order, vertex] for order in orders for vertex in _ready(predecessors, order)]
        last = [_word(cell.operations, predecessors, order) for order in grown]
        orders = [order for order, word in zip(grown, last, strict=True) if word == min(last)]
    return " ".join(_words(cell.operations, predecessors, orders[0]))


def from_record(record: Mapping[str, Any]) -> Cell:
    """A cell of a table's row with ``adjacency`` and ``ops``; operations may be named as in the original data.

    Raises:
        ValueError: If the row lacks a key or its cell breaks a rule.
    """
    try:
        rows = tuple(tuple(row) for row in record["adjacency"])
        operations: list[str] = list(record["ops"])
    except (KeyError, TypeError) as error:
        raise ValueError(f"the row {str(record)[:80]} is no cell ({error!r}); give adjacency and ops") from error
    return Cell(rows, tuple(_RECORD_NAMES.get(name, name) for name in operations))


def problem(metric: str = "val_accuracy", dataset: str = "cifar10", epochs: int = 108) -> Problem:
    """What to ask of a cell: ``val_accuracy`` (a fraction), ``params`` (a count) or ``train_seconds``.

    Raises:
        ValueError: If the metric is another one.
    """
    if metric == "params":
        return Problem(_CONTEXT, "params", "minimize")
    if metric not in ("val_accuracy", "train_seconds"):
        raise ValueError(f"metric is {metric!r}; NAS-Bench-101 has val_accuracy, params and train_seconds")
    text = f"{metric} {dataset} {epochs} epochs"
    return Problem(_CONTEXT, text, "maximize" if metric == "val_accuracy" else "minimize")


def from_params(params: Mapping[str, Any]) -> Cell | None:
    """The cell of a value for each of `PARAMETERS`; None if it breaks a rule."""
    adjacency = np.zeros((MOST_VERTICES, MOST_VERTICES), dtype=int)
    for i, j in _EDGES:
        adjacency[i, j] = params[f"edge_{i}_{j}"]
    return _cell_or_none(adjacency, (INPUT, *(params[f"op_{vertex}"] for vertex in _INNER), OUTPUT))


def to_params(cell: Cell) -> dict[str, Any]:
    """A value for each of `PARAMETERS`; vertices that the cell lacks come before the output and have no edges."""
    count = len(cell.operations)
    place = [*range(count - 1), MOST_VERTICES - 1]
    params: dict[str, Any] = {name: choices[0] for name, choices in PARAMETERS.items()}
    for i, row in enumerate(cell.adjacency):
        params |= {f"edge_{place[i]}_{place[j]}": 1 for j, edge in enumerate(row) if edge}
    return params | {f"op_{vertex}": cell.operations[vertex] for vertex in range(1, count - 1)}


def _check(adjacency: Sequence[Sequence[int]], operations: Sequence[str]) -> None:
    count = len(operations)
    if count < 2 or len(adjacency) != count or any(len(row) != count for row in adjacency):
        raise ValueError(
            f"{count} operations with an adjacency of rows {[len(row) for row in adjacency]}; make it square"
        )
    if operations[0] != INPUT or operations[-1] != OUTPUT:
        raise ValueError(f"operations are {list(operations)}; the first must be 'input' and the last 'output'")
    for operation in operations[1:-1]:
        if operation not in OPERATIONS:
            raise ValueError(f"operation {operation!r} is none of {OPERATIONS}")
    for i, row in enumerate(adjacency):
        for j, edge in enumerate(row):
            if edge not in (0, 1) or (edge and j <= i):
                raise ValueError(f"adjacency[{i}][{j}] is {edge!r}; edges are 1, run from a lower to a higher vertex")


def _check_size(adjacency: Sequence[Sequence[int]]) -> None:
    edges = sum(map(sum, adjacency))
    if len(adjacency) > MOST_VERTICES or edges > MOST_EDGES:
        limits = f"at most {MOST_VERTICES} and {MOST_EDGES} are allowed"
        raise ValueError(f"the cell has {len(adjacency)} vertices and {edges} edges on paths to the output; {limits}")


def _on_a_path(adjacency: Sequence[Sequence[int]]) -> list[int]:
    """Vertices reached from the input that reach the output; empty if the output is not reached."""
    count = len(adjacency)
    reached, reaching = {0}, {count - 1}
    for j in range(1, count):
        if any(adjacency[i][j] for i in reached):
            reached.add(j)
    for i in range(count - 2, -1, -1):
        if any(adjacency[i][j] for j in reaching):
            reaching.add(i)
    return sorted(reached & reaching) if count - 1 in reached else []


def _draw(rng: np.random.Generator, n: int) -> Iterator[Cell]:
    """The valid ones among n random matrices and operations."""
    edges = np.triu(rng.integers(2, size=(n, MOST_VERTICES, MOST_VERTICES)), 1)
    inner: list[list[int]] = rng.integers(len(OPERATIONS), size=(n, len(_INNER))).tolist()
    for adjacency, choices in zip(edges, inner, strict=True):
        cell = _cell_or_none(adjacency, (INPUT, *(OPERATIONS[choice] for choice in choices), OUTPUT))
        if cell is not None:
            yield cell


def _cell_or_none(adjacency: np.ndarray[Any, Any], operations: tuple[str, ...]) -> Cell | None:
    try:
        return Cell(tuple(map(tuple, adjacency.tolist())), operations)
    except ValueError:
        return None


def _ready(predecessors: Sequence[tuple[int, ...]], order: Sequence[int]) -> list[int]:
    """Vertices that may come next: not placed yet, all predecessors placed."""
    placed = set(order)
    return [v for v, before in enumerate(predecessors) if v not in placed and placed.issuperset(before)]


def _random_order(rng: np.random.Generator, predecessors: Sequence[tuple[int, ...]]) -> list[int]:
    order: list[int] = []
    for draw in rng.random(len(predecessors)).tolist():
        ready = _ready(predecessors, order)
        order.append(ready[int(draw * len(ready))])
    return order


def _words(operations: Sequence[str], predecessors: Sequence[tuple[int, ...]], order: Sequence[int]) -> list[str]:
    return [_word(operations, predecessors, order[: place + 1]) for place in range(len(order))]


def _word(operations: Sequence[str], predecessors: Sequence[tuple[int, ...]], order: Sequence[int]) -> str:
    """Word of an order's last vertex."""
    vertex = order[-1]
    before = sorted(order.index(other) for other in predecessors[vertex])
    return f"{operations[vertex]}<{','.join(map(str, before))}" if before else operations[vertex]
