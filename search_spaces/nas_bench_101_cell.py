"""Cells of NAS-Bench-101: their rules and their text.

See `nas_bench_101` for the space.

Glossary: V vertices; `adjacency[i][j]` is 1 where an edge runs from i to j > i; a *word* is a vertex's operation and
the positions of its predecessors, as in ``conv3x3<0,2``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from .record import choice
from .topological_text import least_order, random_order, words

if TYPE_CHECKING:
    import networkx as nx

INPUT, OUTPUT = "input", "output"
OPERATIONS = ("conv3x3", "conv1x1", "maxpool3x3")
MOST_VERTICES, MOST_EDGES = 7, 9


@dataclass(frozen=True)
class Cell:
    """A valid cell, pruned of what is on no path from input to output.

    The limits on vertices and edges hold for the pruned cell, as in the original `ModelSpec`; unlike there, a vertex
    that is pruned must have a known operation too.

    Args:
        adjacency: Upper triangular 0/1 matrix, (V, V).
        ops: One operation a vertex: ``input``, then any of `OPERATIONS`, then ``output``.

    Raises:
        ValueError: If a rule of the space is broken.
    """

    adjacency: tuple[tuple[int, ...], ...]
    ops: tuple[str, ...]

    def __post_init__(self) -> None:
        _check_ops(self.adjacency, self.ops)
        _check_edges(self.adjacency)
        kept = _on_a_path(self.adjacency)
        object.__setattr__(self, "adjacency", tuple(tuple(int(self.adjacency[i][j]) for j in kept) for i in kept))
        object.__setattr__(self, "ops", tuple(self.ops[i] for i in kept))
        _check_size(self.adjacency)

    @cached_property
    def graph(self) -> nx.DiGraph[int]:
        """The cell as a graph whose vertices carry their ``operation``."""
        import networkx as nx  # takes as long to import as a hundred cells to be ranked

        graph: nx.DiGraph[int] = nx.DiGraph()
        for vertex, operation in enumerate(self.ops):
            graph.add_node(vertex, operation=operation)
        graph.add_edges_from((i, j) for i, row in enumerate(self.adjacency) for j, edge in enumerate(row) if edge)
        return graph

    @cached_property
    def hash(self) -> str:
        """The same for isomorphic cells, and for them alone; not the hash of the original table."""
        return hashlib.sha256(to_text(self).encode()).hexdigest()[:32]


def to_text(cell: Cell, rng: np.random.Generator | None = None) -> str:
    """One word a vertex, in the order that gives the least text, or with rng in a random topological order."""
    before = predecessors(cell)
    order = least_order(cell.ops, before) if rng is None else random_order(rng, before)
    return words(cell.ops, before, order)


def predecessors(cell: Cell) -> list[frozenset[int]]:
    """The vertices with an edge into each vertex, (V,)."""
    return [frozenset(i for i, edge in enumerate(column) if edge) for column in zip(*cell.adjacency, strict=True)]


def cell_or_none(adjacency: Sequence[Sequence[int]], ops: Sequence[str]) -> Cell | None:
    """The cell, None if it breaks a rule."""
    try:
        return Cell(tuple(map(tuple, adjacency)), tuple(ops))
    except ValueError:
        return None


def _check_ops(adjacency: Sequence[Sequence[int]], ops: Sequence[str]) -> None:
    count = len(ops)
    if count < 2 or len(adjacency) != count or any(len(row) != count for row in adjacency):
        rows = [len(row) for row in adjacency]
        raise ValueError(
            f"adjacency has rows of {rows} for {count} ops; make it square, with a row for each op, 2 or more"
        )
    if ops[0] != INPUT or ops[-1] != OUTPUT:
        raise ValueError(f"ops are {list(ops)}; the first must be {INPUT!r} and the last {OUTPUT!r}")
    for vertex, operation in enumerate(ops[1:-1], 1):
        choice(f"ops[{vertex}]", operation, OPERATIONS)


def _check_edges(adjacency: Sequence[Sequence[int]]) -> None:
    for i, row in enumerate(adjacency):
        for j, edge in enumerate(row):
            if edge not in (0, 1):
                raise ValueError(f"adjacency[{i}][{j}] is {edge!r}; it must be 0 or 1")
            if edge and j <= i:
                raise ValueError(f"adjacency[{i}][{j}] is an edge back; list the vertices in topological order")


def _check_size(adjacency: Sequence[Sequence[int]]) -> None:
    for name, count, most in (
        ("vertices", len(adjacency), MOST_VERTICES),
        ("edges", sum(map(sum, adjacency)), MOST_EDGES),
    ):
        if count > most:
            raise ValueError(f"the cell has {count} {name} on paths from input to output; remove {count - most}")


def _on_a_path(adjacency: Sequence[Sequence[int]]) -> list[int]:
    """Vertices reached from the input that reach the output."""
    last = len(adjacency) - 1
    reached, reaching = {0}, {last}
    for j in range(1, last + 1):
        if any(adjacency[i][j] for i in reached):
            reached.add(j)
    for i in reversed(range(last)):
        if any(adjacency[i][j] for j in reaching):
            reaching.add(i)
    if last not in reached:
        raise ValueError(f"no path leads from input to output in adjacency {adjacency}; add an edge")
    return sorted(reached & reaching)
