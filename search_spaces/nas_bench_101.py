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
from itertools import combinations, permutations, product
from math import comb
from typing import TYPE_CHECKING, Any

import networkx as nx
import numpy as np

from .onnx_layers import Layers, Tensor
from .problem import Problem, data_set
from .record import members, whole
from .topological_text import least_order, random_order, ready, words

if TYPE_CHECKING:
    from onnx import ModelProto

INPUT, OUTPUT = "input", "output"
OPERATIONS = ("conv3x3", "conv1x1", "maxpool3x3")
MOST_VERTICES, MOST_EDGES = 7, 9
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
        graph: nx.DiGraph[int] = nx.DiGraph()
        for vertex, operation in enumerate(self.ops):
            graph.add_node(vertex, operation=operation)
        graph.add_edges_from((i, j) for i, row in enumerate(self.adjacency) for j, edge in enumerate(row) if edge)
        return graph

    @cached_property
    def hash(self) -> str:
        """The same for isomorphic cells, and for them alone; not the hash of the original table."""
        return hashlib.sha256(to_text(self).encode()).hexdigest()[:32]


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
    for ops, predecessors in _edits(cell):
        other = _arranged(ops, predecessors)
        if other is not None:
            found.setdefault(to_text(other), other)
    return list(found.values())[1:]


def to_text(cell: Cell, rng: np.random.Generator | None = None) -> str:
    """One word a vertex, in the order that gives the least text, or with rng in a random topological order."""
    before = _predecessors(cell)
    order = least_order(cell.ops, before) if rng is None else random_order(rng, before)
    return words(cell.ops, before, order)


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
    if metric == "params":
        return Problem(_CONTEXT, "params", "minimize")
    if metric not in ("val_accuracy", "train_seconds"):
        raise ValueError(f"metric is {metric!r}; NAS-Bench-101 has val_accuracy, params and train_seconds")
    text = f"{metric} {data_set(dataset)} {whole('epochs', epochs)} epochs"
    return Problem(_CONTEXT, text, "maximize" if metric == "val_accuracy" else "minimize")


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
    layers = Layers((batch, 3, resolution, resolution), seed)
    x = _conv_relu(layers, layers.images, channels, 3)
    for stage in range(stages):
        x = layers.max_pool(x, 2, 2) if stage else x
        for _ in range(cells):
            x = _cell_layers(layers, cell, x, channels << stage)
    return layers.model(layers.linear(layers.flat(layers.global_average(x)), classes), "nas_bench_101")


def vertex_channels(cell: Cell, channels_in: int, channels_out: int) -> list[int]:
    """Channels of each vertex, (V,).

    Vertices that enter the output share its channels, the first ones taking what is left over; any other is as wide
    as the widest that it enters.
    """
    output = len(cell.ops) - 1
    last = sorted(vertex for vertex in cell.graph.predecessors(output) if vertex > 0)
    widths = [channels_in, *[0] * (output - 1), channels_out]
    for place, vertex in enumerate(last):
        widths[vertex] = channels_out // len(last) + (place < channels_out % len(last))
    for vertex in sorted(set(range(1, output)) - set(last), reverse=True):
        widths[vertex] = max(widths[after] for after in cell.graph.successors(vertex))
    return widths


def from_params(params: Mapping[str, Any]) -> Cell | None:
    """The cell of a value for each of `PARAMETERS`; None if it breaks a rule.

    Raises:
        ValueError: If a value is missing or none of its choices.
    """
    for name, choices in PARAMETERS.items():
        if name not in params or params[name] not in choices:
            raise ValueError(f"{name} is {params.get(name)!r}; it must be one of {choices}")
    rows = [[params[f"edge_{i}_{j}"] if i < j else 0 for j in range(MOST_VERTICES)] for i in range(MOST_VERTICES)]
    return _cell_or_none(rows, [INPUT, *(params[f"op_{vertex}"] for vertex in _INNER), OUTPUT])


def to_params(cell: Cell) -> dict[str, int | str]:
    """A value for each of `PARAMETERS`; vertices that the cell lacks come before the output and have no edges."""
    count = len(cell.ops)
    place = [*range(count - 1), MOST_VERTICES - 1]
    params: dict[str, int | str] = {name: choices[0] for name, choices in PARAMETERS.items()}
    for i, row in enumerate(cell.adjacency):
        params |= {f"edge_{place[i]}_{place[j]}": 1 for j, edge in enumerate(row) if edge}
    return params | {f"op_{vertex}": cell.ops[vertex] for vertex in range(1, count - 1)}


def _cell_layers(layers: Layers, cell: Cell, x: Tensor, channels: int) -> Tensor:
    """A cell: edges from the input are 1x1 convolutions, inner vertices add up what enters them, the output
    concatenates the inner vertices and adds the input.
    """
    widths, output = vertex_channels(cell, x.channels, channels), len(cell.ops) - 1
    values = [x]
    for vertex in range(1, output + 1):
        before = sorted(cell.graph.predecessors(vertex))
        inner = [values[v] for v in before if v > 0]
        projected = [_conv_relu(layers, x, widths[vertex], 1)] if 0 in before else []
        if vertex == output:
            return layers.add([layers.concat(inner), *projected] if inner else projected)
        # A predecessor may be wider, by the rule of `vertex_channels`; what does not fit is cut.
        total = layers.add([*(_cut(layers, value, widths[vertex]) for value in inner), *projected])
        values.append(_operation(layers, cell.ops[vertex], total))
    raise AssertionError("a cell ends with its output")


def _cut(layers: Layers, x: Tensor, channels: int) -> Tensor:
    if x.channels == channels:
        return x
    bounds = [layers.constant(np.array([number])) for number in (0, channels, 1)]
    return layers.node("Slice", [x, *bounds], (x.shape[0], channels, *x.shape[2:]))


def _operation(layers: Layers, operation: str, x: Tensor) -> Tensor:
    if operation == "maxpool3x3":
        return layers.max_pool(x, 3)
    return _conv_relu(layers, x, x.channels, {"conv3x3": 3, "conv1x1": 1}[operation])


def _conv_relu(layers: Layers, x: Tensor, channels: int, kernel: int) -> Tensor:
    return layers.relu(layers.conv(x, channels, kernel))


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
        if operation not in OPERATIONS:
            raise ValueError(f"ops[{vertex}] is {operation!r}; it must be one of {OPERATIONS}")


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


def _cell_or_none(adjacency: Sequence[Sequence[int]], ops: Sequence[str]) -> Cell | None:
    try:
        return Cell(tuple(map(tuple, adjacency)), tuple(ops))
    except ValueError:
        return None


def _edits(cell: Cell) -> Iterator[tuple[Sequence[str], list[frozenset[int]]]]:
    """Operations and predecessors one edit away, in any order and perhaps cyclic."""
    ops, before, size = cell.ops, _predecessors(cell), len(cell.ops)
    for i, j in permutations(range(size), 2):
        yield ops, [*before[:j], before[j] ^ {i}, *before[j + 1 :]]
    for vertex, op in product(range(1, size - 1), OPERATIONS):
        yield (*ops[:vertex], op, *ops[vertex + 1 :]), before
    if size < MOST_VERTICES:
        for (i, j), op in product(permutations(range(size), 2), OPERATIONS):
            yield (*ops, op), [*before[:j], before[j] | {size}, *before[j + 1 :], frozenset({i})]


def _arranged(ops: Sequence[str], predecessors: Sequence[frozenset[int]]) -> Cell | None:
    """The cell of vertices in any order; None if it breaks a rule."""
    order: list[int] = []
    while candidates := ready(predecessors, order):
        order.append(
            min(candidates, key=lambda vertex: ops[vertex] == OUTPUT)
        )  # whatever is dead comes before the output
    if len(order) < len(ops):
        return None  # a cycle
    return _cell_or_none([[int(i in predecessors[j]) for j in order] for i in order], [ops[v] for v in order])


def _predecessors(cell: Cell) -> list[frozenset[int]]:
    return [frozenset(i for i, edge in enumerate(column) if edge) for column in zip(*cell.adjacency, strict=True)]
