"""NAS-Bench-201: cells of four nodes whose six edges each carry one of five operations (Dong and Yang 2020,
arXiv:2001.00326). The network stacks 5 cells in each of three stages of 16, 32 and 64 channels.

A word of the text is an edge: ``conv3x3<0>2`` leads from node 0 to node 2, and ``!`` marks an edge that is on no path
of operations from the input to the output. Some runtimes remove such edges and others compute them, so they stay in the
text, which ends with what is alive: the longest path, parameters and multiply-accumulates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from .devices import measured_on
from .grid import changes, distinct
from .onnx_layers import Layers, Tensor, check_sizes
from .problem import Problem, asked, data_set
from .record import choice, entry, whole

if TYPE_CHECKING:
    from onnx import ModelProto

OPERATIONS = ("zero", "skip", "conv1x1", "conv3x3", "avgpool3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""Source and target of each edge, in the order of a cell string."""
CELLS = 14_125
"""How many cells there are, those that only exchange their inner nodes counted once; 15,625 cell strings."""

_RECORD_NAMES = {
    "none": "zero",
    "skip_connect": "skip",
    "nor_conv_1x1": "conv1x1",
    "nor_conv_3x3": "conv3x3",
    "avg_pool_3x3": "avgpool3x3",
}
_CELL = re.compile(r"\|X~0\|\+\|X~0\|X~1\|\+\|X~0\|X~1\|X~2\|".replace("X", r"([^|+~]+)"))
_CONTEXT = (
    "nas_bench_201\n"
    "image network of 15 cells in 3 stages of 16 32 64 channels; "
    "cell of 4 nodes and 6 edges: zero skip conv1x1 conv3x3 avgpool3x3"
)
_SIZES = (len(OPERATIONS),) * len(EDGES)
_KERNEL_AREA = {"conv1x1": 1, "conv3x3": 9}
_STAGES = ((16, 32), (32, 16), (64, 8))  # channels and side of the five cells of each stage
_FIXED_PARAMS, _FIXED_MACS = 73_306, 7_783_040  # stem, the two reductions between the stages, classifier


@dataclass(frozen=True)
class Cell:
    """One operation for each of `EDGES`.

    Raises:
        ValueError: If an operation is not one of `OPERATIONS`, or there are not six.
    """

    ops: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.ops) != len(EDGES):
            raise ValueError(f"the cell has {len(self.ops)} operations; give one for each of the 6 edges {EDGES}")
        for operation in self.ops:
            choice("an operation", operation, OPERATIONS)

    @cached_property
    def alive(self) -> tuple[bool, ...]:
        """Which edges are on a path of operations from the input to the output."""
        edges = [edge for edge, operation in zip(EDGES, self.ops, strict=True) if operation != "zero"]
        reached, reaching = {0}, {3}
        for _ in range(3):
            reached |= {target for source, target in edges if source in reached}
            reaching |= {source for source, target in edges if target in reaching}
        return tuple(edge in edges and edge[0] in reached and edge[1] in reaching for edge in EDGES)


def sample(rng: np.random.Generator, n: int) -> list[Cell]:
    """Draw cells of distinct texts, uniformly. A smaller n draws the first ones of a larger n.

    Raises:
        ValueError: If n is negative or more than there are.
    """
    if not 0 <= n <= CELLS:
        raise ValueError(f"n is {n}; NAS-Bench-201 has {CELLS} cells of distinct texts, ask for 0 to as many")
    return distinct(rng, n, _SIZES, _cell, key=to_text)


def neighbours(cell: Cell) -> list[Cell]:
    """The cells with another operation on one edge."""
    chosen = [OPERATIONS.index(operation) for operation in cell.ops]
    found = {to_text(other): other for other in map(_cell, changes(chosen, _SIZES))}
    found.pop(to_text(cell), None)
    return list(found.values())


def to_text(cell: Cell, rng: np.random.Generator | None = None) -> str:
    """One word an edge, in the order of `EDGES`, or with rng in a random one; then the totals.

    The inner nodes of a cell without an edge between them are interchangeable: the least text stands for both.
    """
    twins = [cell, _swapped(cell)] if cell.ops[2] == "zero" else [cell]
    words: list[str] = min([_word(*edge) for edge in zip(EDGES, twin.ops, twin.alive, strict=True)] for twin in twins)
    if rng is not None:
        words = rng.permutation(words).tolist()
    return " ".join([*words, *_totals(cell)])


def from_record(record: str | Mapping[str, Any]) -> Cell:
    """A cell of its string, ``|op~0|+|op~0|op~1|+|op~0|op~1|op~2|``, or of a table's row with that as ``arch``.

    Raises:
        ValueError: If the string is none.
    """
    written = entry(record, "arch")
    found = _CELL.fullmatch(str(written).strip())
    if found is None:
        raise ValueError(f"the cell string is {written!r}; it must read |op~0|+|op~0|op~1|+|op~0|op~1|op~2|")
    return Cell(tuple(_RECORD_NAMES.get(name, name) for name in found.groups()))


def problem(
    metric: str = "val_accuracy", device: str = "1080ti_1", dataset: str = "cifar10", epochs: int = 200
) -> Problem:
    """What to ask of a cell: ``val_accuracy`` (a fraction), ``latency_ms``, ``energy_mj`` or ``params`` (a count).

    A device may end with its batch size, as in ``1080ti_32``. The benchmark's own ``cifar10-valid`` is cifar10: all its
    accuracies here are of validation images.

    Raises:
        ValueError: If the metric is another one.
    """
    images = data_set(dataset).replace("cifar10-valid", "cifar10")
    texts = {
        "val_accuracy": f"val_accuracy {images} {whole('epochs', epochs)} epochs",
        "latency_ms": f"latency_ms {measured_on(device)}",
        "energy_mj": f"energy_mj {measured_on(device)}",
        "params": "params",
    }
    return asked("NAS-Bench-201", _CONTEXT, texts, metric)


def to_onnx(
    cell: Cell,
    *,
    batch: int = 1,
    resolution: int = 32,
    channels: int = 16,
    stages: int = 3,
    cells: int = 5,
    classes: int = 10,
    seed: int = 0,
) -> ModelProto:
    """The network of a cell, with random weights: (batch, 3, resolution, resolution) -> (batch, classes).

    Edges that are not alive are left out.

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
    check_sizes(channels=channels, stages=stages, cells=cells, classes=classes)
    layers = Layers((batch, 3, resolution, resolution), seed)
    x = layers.conv(layers.images, channels, 3)
    for stage in range(stages):
        x = _reduction(layers, x) if stage else x
        for _ in range(cells):
            x = _cell_layers(layers, cell, x)
    return layers.model(layers.linear(layers.flat(layers.global_average(layers.relu(x))), classes), "nas_bench_201")


def params(cell: Cell) -> int:
    """Trainable parameters of the network, for CIFAR-10."""
    areas = [_KERNEL_AREA[operation] for operation in cell.ops if operation in _KERNEL_AREA]
    return _FIXED_PARAMS + sum(5 * (area * c * c + 2 * c) for area in areas for c, _ in _STAGES)


def macs(cell: Cell) -> int:
    """Multiply-accumulates an image of 32x32 pixels, of the operations that are alive."""
    live = [operation for operation, alive in zip(cell.ops, cell.alive, strict=True) if alive]
    areas = [_KERNEL_AREA[operation] for operation in live if operation in _KERNEL_AREA]
    return _FIXED_MACS + sum(5 * area * c * c * side**2 for area in areas for c, side in _STAGES)


def _cell_layers(layers: Layers, cell: Cell, x: Tensor) -> Tensor:
    """A cell, each node the sum of the edges into it; without any that is alive it is zero."""
    nodes = {0: x}
    for node in (1, 2, 3):
        places = [place for place, edge in enumerate(EDGES) if edge[1] == node and cell.alive[place]]
        if places:
            nodes[node] = layers.add([_operation(layers, cell.ops[p], nodes[EDGES[p][0]]) for p in places])
    return nodes[3] if 3 in nodes else layers.scaled(x, layers.constant(np.zeros((), np.float32)))


def _operation(layers: Layers, operation: str, x: Tensor) -> Tensor:
    if operation == "skip":
        return x
    if operation == "avgpool3x3":
        return layers.average_pool(x, 3)
    return layers.conv(layers.relu(x), x.channels, {"conv1x1": 1, "conv3x3": 3}[operation])


def _reduction(layers: Layers, x: Tensor) -> Tensor:
    """The residual block between stages, which halves the sides and doubles the channels."""
    inner = layers.conv(layers.relu(x), 2 * x.channels, 3, stride=2)
    shortcut = layers.conv(layers.average_pool(x, 2, 2), 2 * x.channels, 1)
    return layers.add([layers.conv(layers.relu(inner), 2 * x.channels, 3), shortcut])


def _cell(chosen: Sequence[int]) -> Cell:
    return Cell(tuple(OPERATIONS[choice] for choice in chosen))


def _swapped(cell: Cell) -> Cell:
    """The cell with its two inner nodes exchanged, which have no edge between them."""
    first, second, between, direct, third, fourth = cell.ops
    return Cell((second, first, between, direct, fourth, third))


def _word(edge: tuple[int, int], operation: str, alive: bool) -> str:
    dead = "" if alive or operation == "zero" else "!"
    return f"{operation}<{edge[0]}>{edge[1]}{dead}"


def _totals(cell: Cell) -> Iterator[str]:
    depth = {0: 0}
    for edge in sorted(EDGES, key=lambda edge: edge[1]):
        place = EDGES.index(edge)
        if cell.alive[place] and edge[0] in depth:
            weight = int(cell.ops[place] in _KERNEL_AREA)
            depth[edge[1]] = max(depth.get(edge[1], 0), depth[edge[0]] + weight)
    yield f"depth={depth.get(3, 0)}"
    yield f"params_m={params(cell) / 1e6:.3g}"
    yield f"macs_m={macs(cell) / 1e6:.3g}"
