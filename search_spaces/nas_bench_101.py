"""NAS-Bench-101: cells of at most 7 vertices and 9 edges (Ying et al. 2019, arXiv:1902.09635).

A cell is a directed acyclic graph from ``input`` to ``output``; every other vertex is a 3x3 convolution, a 1x1
convolution or a 3x3 max-pooling. The network stacks it three times in each of three stages.

Notable: a `Cell` is pruned when it is made, so that what is on no path from input to output never counts; its text is
one word a vertex, and isomorphic cells have one text, the least one over all topological orders.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations, product
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from .nas_bench_101_cell import INPUT as INPUT
from .nas_bench_101_cell import MOST_EDGES as MOST_EDGES
from .nas_bench_101_cell import MOST_VERTICES as MOST_VERTICES
from .nas_bench_101_cell import OPERATIONS as OPERATIONS
from .nas_bench_101_cell import OUTPUT as OUTPUT
from .nas_bench_101_cell import Cell as Cell
from .nas_bench_101_cell import cell_or_none, predecessors
from .nas_bench_101_cell import to_text as to_text
from .nas_bench_101_network import network
from .problem import Problem, asked, data_set
from .record import choice, members, whole
from .topological_text import ready

if TYPE_CHECKING:
    from onnx import ModelProto

CELLS = {2: 1, 3: 6, 4: 84, 5: 2_441, 6: 62_010, 7: 359_082}
"""How many cells of each number of vertices there are, isomorphic ones counted once; 423,624 in all."""

_EDGES = tuple(combinations(range(MOST_VERTICES), 2))
_INNER = range(1, MOST_VERTICES - 1)
PARAMETERS: dict[str, tuple[int | str, ...]] = {
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
_DRAWS = 1024  # drawn at once to share numpy's overhead; fixed, so that a sample begins every longer one


def sample(rng: np.random.Generator, n: int) -> list[Cell]:
    """Draw distinct cells with as many vertices as the cells of the space have.

    Uniform over the labelled cells of each size; drawing all edges and pruning, as the original `random_spec` does,
    would favour the few small cells. A smaller n draws the first ones of a larger n.

    Raises:
        ValueError: If n is negative or more than there are.
    """
    if not 0 <= n <= sum(CELLS.values()):
        raise ValueError(f"n is {n}; NAS-Bench-101 has {sum(CELLS.values())} distinct cells, ask for 0 to as many")
    cells: dict[str, Cell] = {}
    draws = _draws(rng)
    while len(cells) < n:
        cell = next(draws)
        cells.setdefault(to_text(cell), cell)
    return list(cells.values())


def neighbours(cell: Cell) -> list[Cell]:
    """The distinct valid cells one edit away: an edge flipped or an operation changed, among seven vertices.

    Isomorphic cells have the same neighbours. A vertex that a small cell lacks may already have one edge, so that
    flipping another inserts it, and a search can grow cells again that it pruned.
    """
    found = {to_text(cell): cell}
    for ops, before in _edits(cell):
        other = _arranged(ops, before)
        if other is not None:
            found.setdefault(to_text(other), other)
    return list(found.values())[1:]


def from_record(record: Mapping[str, Any]) -> Cell:
    """A cell of a table's row with ``adjacency`` and ``ops``; operations may be named as in the original data.

    Raises:
        ValueError: If the row lacks a key, or its cell breaks a rule.
    """
    rows, own = members(record, "adjacency", "ops")
    try:
        adjacency = tuple(tuple(row) for row in rows)
        names: list[str] = list(own)
        ops = tuple(_RECORD_NAMES.get(name, name) for name in names)
    except TypeError as error:
        found = f"adjacency {rows!r} and ops {own!r}"
        raise ValueError(f"the row has {found}; give a list of rows and a list of names") from error
    return Cell(adjacency, ops)


def problem(metric: str = "val_accuracy", dataset: str = "cifar10", epochs: int = 108) -> Problem:
    """What to ask of a cell: ``val_accuracy`` (a fraction), ``params`` (a count) or ``train_seconds``.

    Raises:
        ValueError: If the metric is another one.
    """
    trained = f"{data_set(dataset)} {whole('epochs', epochs)} epochs"
    texts = {word: f"{word} {trained}" for word in ("val_accuracy", "train_seconds")}
    return asked("NAS-Bench-101", _CONTEXT, texts | {"params": "params"}, metric)


def to_onnx(
    cell: Cell,
    *,
    batch: int = 1,
    resolution: int = 32,
    channels: int = 128,
    stages: int = 3,
    cells: int = 3,
    classes: int = 10,
    seed: int = 0,
) -> ModelProto:
    """The network of a cell, with random weights: (batch, 3, resolution, resolution) -> (batch, classes).

    Args:
        cell: The cell.
        batch: Images.
        resolution: Their sides, pixels; every stage but the first halves them.
        channels: Of the first stage; every other doubles them.
        stages: Number of stages.
        cells: Number of cells in each.
        classes: Outputs.
        seed: Of the weights.

    Raises:
        ValueError: If a size is less than 1.
    """
    return network(cell, (batch, 3, resolution, resolution), channels, stages, cells, classes, seed)


def from_params(params: Mapping[str, Any]) -> Cell | None:
    """The cell of a value for each of `PARAMETERS`; None if it breaks a rule.

    Raises:
        ValueError: If a value is missing or none of its choices.
    """
    chosen: dict[str, Any] = {name: choice(name, params.get(name), choices) for name, choices in PARAMETERS.items()}
    rows = [[chosen[f"edge_{i}_{j}"] if i < j else 0 for j in range(MOST_VERTICES)] for i in range(MOST_VERTICES)]
    return cell_or_none(rows, [INPUT, *(chosen[f"op_{vertex}"] for vertex in _INNER), OUTPUT])


def to_params(cell: Cell) -> dict[str, int | str]:
    """A value for each of `PARAMETERS`; vertices that the cell lacks come before the output and have no edges."""
    count = len(cell.ops)
    place = [*range(count - 1), MOST_VERTICES - 1]
    params: dict[str, int | str] = {name: choices[0] for name, choices in PARAMETERS.items()}
    for i, row in enumerate(cell.adjacency):
        params |= {f"edge_{place[i]}_{place[j]}": 1 for j, edge in enumerate(row) if edge}
    return params | {f"op_{vertex}": cell.ops[vertex] for vertex in range(1, count - 1)}


def _draws(rng: np.random.Generator) -> Iterator[Cell]:
    """Random cells without end."""
    sizes, share = list(CELLS), np.array(list(CELLS.values())) / sum(CELLS.values())
    pools: dict[int, list[Cell]] = {size: [] for size in sizes}
    while True:
        size = int(rng.choice(sizes, p=share))
        while not pools[size]:
            pools[size] = _draw(rng, size)
        yield pools[size].pop()


def _draw(rng: np.random.Generator, size: int) -> list[Cell]:
    """Cells of a number of vertices: random edge sets, uniform over those within the limit, that leave none dead."""
    places = list(combinations(range(size), 2))
    counts = np.arange(1, min(MOST_EDGES, len(places)) + 1)
    weights = np.array([comb(len(places), int(count)) for count in counts], dtype=np.float64)
    edges = rng.choice(counts, size=(_DRAWS, 1), p=weights / weights.sum())
    chosen = rng.random((_DRAWS, len(places))).argsort(axis=1).argsort(axis=1) < edges
    matrices = np.zeros((_DRAWS, size, size), dtype=int)
    for place, (i, j) in enumerate(places):
        matrices[:, i, j] = chosen[:, place]
    # In topological order, an edge into each vertex leads back to the input, one out of each leads to the output.
    alive = (matrices.sum(axis=1)[:, 1:] > 0).all(axis=1) & (matrices.sum(axis=2)[:, :-1] > 0).all(axis=1)
    inner: list[list[int]] = rng.integers(len(OPERATIONS), size=(_DRAWS, size - 2)).tolist()
    return [
        Cell(tuple(map(tuple, matrices[row].tolist())), (INPUT, *(OPERATIONS[op] for op in inner[row]), OUTPUT))
        for row in np.flatnonzero(alive).tolist()
    ]


def _edits(cell: Cell) -> Iterator[tuple[Sequence[str], list[frozenset[int]]]]:
    """Operations and predecessors one edit away, in any order and perhaps cyclic."""
    ops, before, size = cell.ops, predecessors(cell), len(cell.ops)
    for i, j in permutations(range(size), 2):
        yield ops, [*before[:j], before[j] ^ {i}, *before[j + 1 :]]
    for vertex, op in product(range(1, size - 1), OPERATIONS):
        yield (*ops[:vertex], op, *ops[vertex + 1 :]), before
    if size < MOST_VERTICES:
        for (i, j), op in product(permutations(range(size), 2), OPERATIONS):
            yield (*ops, op), [*before[:j], before[j] | {size}, *before[j + 1 :], frozenset({i})]


def _arranged(ops: Sequence[str], before: Sequence[frozenset[int]]) -> Cell | None:
    """The cell of vertices in any order; None if it breaks a rule."""
    order: list[int] = []
    while candidates := ready(before, order):
        order.append(min(candidates, key=lambda vertex: ops[vertex] == OUTPUT))  # the dead come before the output
    if len(order) < len(ops):
        return None  # a cycle
    return cell_or_none([[int(i in before[j]) for j in order] for i in order], [ops[v] for v in order])
