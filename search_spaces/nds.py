"""The five cell spaces of Network Design Spaces (Radosavovic et al. 2019, arXiv:1905.13214).

A network stacks normal cells, and two reduce cells that halve the side and double the channels. A cell is a row of
blocks; each adds two operations on earlier nodes, which are the outputs of the two cells before and the earlier blocks.
The output concatenates all blocks (PNAS, DARTS), or those that no block reads (NASNet, Amoeba, ENAS).

Notable: the sides of a block commute, blocks may stand in any topological order, and what a ``zero`` reads does not
matter. A `Genotype` is normalised when it is made: its blocks are in the least order, so equal candidates are one
network. Operations have the words of the other spaces of cells.

Glossary: a *side* is an operation and the node that it reads; nodes 0 and 1 are the outputs of the cell before the
last and of the last one, node i + 2 is block i.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .nds_network import network
from .onnx_layers import check_sizes
from .problem import Problem, asked, data_set
from .record import choice, whole
from .topological_text import least, random_order

if TYPE_CHECKING:
    from onnx import ModelProto

Side: TypeAlias = tuple[str, int]
Block: TypeAlias = tuple[Side, ...]
Blocks: TypeAlias = tuple[Block, ...]

ZERO = "zero"
WIDTHS, DEPTHS = (16, 24, 32), (4, 8, 12, 16, 20)
"""Channels of the first cells, and numbers of cells, that `sample` and `neighbours` choose from."""


@dataclass(frozen=True)
class Space:
    """What sets the five apart.

    Args:
        operations: Those of a side.
        blocks: How many a cell has.
        loose: Whether the output leaves out blocks that another block reads.
    """

    operations: tuple[str, ...]
    blocks: int
    loose: bool


_COMMON = ("skip", "avgpool3x3", "maxpool3x3", "sepconv3x3", "sepconv5x5")
_SQUARE = ("maxpool5x5", "maxpool7x7", "conv1x1", "conv3x3")
SPACES: Mapping[str, Space] = {
    "nasnet": Space(
        (*_COMMON, *_SQUARE, "sepconv7x7", "dilconv3x3", "conv1x3_3x1", "conv1x7_7x1"),
        blocks=5,
        loose=True,
    ),
    "amoeba": Space((*_COMMON, "sepconv7x7", "dilsepconv3x3", "conv1x7_7x1"), blocks=5, loose=True),
    "pnas": Space((*_COMMON, "sepconv7x7", "dilconv3x3", "conv1x7_7x1"), blocks=5, loose=False),
    "enas": Space(_COMMON, blocks=5, loose=True),
    "darts": Space((*_COMMON, "dilconv3x3", "dilconv5x5", ZERO), blocks=4, loose=False),
}

_RECORD_NAMES = {
    "none": ZERO,
    "skip_connect": "skip",
    "conv_3x1_1x3": "conv1x3_3x1",
    "conv_7x1_1x7": "conv1x7_7x1",
    "dil_sep_conv_3x3": "dilsepconv3x3",
    **{f"conv_{size}": f"conv{size}" for size in ("1x1", "3x3")},
    **{
        f"{first}_{second}_{size}": f"{first}{second}{size}"
        for first, second in (("avg", "pool"), ("max", "pool"), ("sep", "conv"), ("dil", "conv"))
        for size in ("3x3", "5x5", "7x7")
    },
}


@dataclass(frozen=True)
class Genotype:
    """The two cells of a network and its size, normalised: equal where the networks are equivalent.

    Args:
        space: One of `SPACES`.
        normal: Two sides for each block, each an operation and an earlier node, (blocks, 2).
        reduce: The same.
        width: Channels of the first cells.
        depth: Number of cells.

    Raises:
        ValueError: If a rule of the space is broken.
    """

    space: str
    normal: Blocks
    reduce: Blocks
    width: int = 16
    depth: int = 20

    def __post_init__(self) -> None:
        space = _space(self.space)
        for name, blocks in (("normal", self.normal), ("reduce", self.reduce)):
            _check(name, blocks, space)
            object.__setattr__(self, name, _least(blocks))
        for name, number in (("width", self.width), ("depth", self.depth)):
            if number not in range(1, 1 << 16):
                raise ValueError(f"{name} is {number!r}; it must be a whole number from 1 to 65535")
            object.__setattr__(self, name, int(number))


def sample(rng: np.random.Generator, n: int, space: str = "darts") -> list[Genotype]:
    """Draw distinct genotypes, uniform in operations, nodes read, width and depth; a smaller n is a prefix.

    Raises:
        ValueError: If n is negative, or the space none of `SPACES`.
    """
    if n < 0:
        raise ValueError(f"n is {n}; ask for 0 or more")
    _space(space)
    found: dict[Genotype, None] = {}
    while len(found) < n:
        width, depth = int(rng.choice(WIDTHS)), int(rng.choice(DEPTHS))
        found.setdefault(Genotype(space, _draw(rng, space), _draw(rng, space), width, depth))
    return list(found)


def neighbours(genotype: Genotype) -> list[Genotype]:
    """The genotypes with another operation or node in one side, another width or another depth."""
    operations = SPACES[genotype.space].operations
    others = [replace(genotype, normal=blocks) for blocks in _edits(genotype.normal, operations)]
    others += [replace(genotype, reduce=blocks) for blocks in _edits(genotype.reduce, operations)]
    others += [replace(genotype, width=width) for width in WIDTHS]
    others += [replace(genotype, depth=depth) for depth in DEPTHS]
    return [other for other in dict.fromkeys(others) if other != genotype]


def to_text(genotype: Genotype, rng: np.random.Generator | None = None) -> str:
    """One word a block, as in ``sepconv3x3<0+skip<1``, in the least order or with rng in a random topological one."""
    cells = [genotype.normal, genotype.reduce]
    if rng is not None:
        cells = [_arranged(blocks, random_order(rng, _predecessors(blocks))) for blocks in cells]
    normal, reduce = (" ".join(map(_word, blocks)) for blocks in cells)
    return f"normal {normal} reduce {reduce} width={genotype.width} depth={genotype.depth}"


def from_record(record: Mapping[str, Any], space: str = "darts") -> Genotype:
    """A genotype of a row of the published files, or of its ``net``: a ``genotype``, a ``width`` and a ``depth``.

    Args:
        record: The row.
        space: One of `SPACES`; a row does not say, the name of its file does.

    Raises:
        ValueError: If the row lacks a key, breaks a rule or concatenates other blocks than the space does.
    """
    try:
        net: Mapping[str, Any] = record.get("net", record)
        cells: Mapping[str, Any] = net["genotype"]
        normal, reduce = (_blocks(cells[name]) for name in ("normal", "reduce"))
        concatenated = {name: sorted(cells[f"{name}_concat"]) for name in ("normal", "reduce")}
        width, depth = net["width"], net["depth"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the record is {record!r}; give genotype, width and depth ({error!r})") from error
    genotype = Genotype(space, normal, reduce, width, depth)
    for name, blocks in (("normal", normal), ("reduce", reduce)):
        expected = _concatenated(blocks, SPACES[space])
        if concatenated[name] != expected:
            raise ValueError(f"{name}_concat is {concatenated[name]}; in {space} it is {expected}, name another space")
    return genotype


def to_onnx(
    genotype: Genotype,
    *,
    batch: int = 1,
    resolution: int = 32,
    width: int | None = None,
    depth: int | None = None,
    classes: int = 10,
    seed: int = 0,
) -> ModelProto:
    """The network of a genotype, with random weights: (batch, 3, resolution, resolution) -> (batch, classes).

    Args:
        genotype: The genotype.
        batch: Images.
        resolution: Their sides, pixels.
        width: Channels of the first cells; None: the genotype's.
        depth: Number of cells; None: the genotype's.
        classes: Outputs.
        seed: Of the weights.

    Raises:
        ValueError: If a size is less than 1.
    """
    check_sizes(classes=classes)
    given = {name: size for name, size in (("width", width), ("depth", depth)) if size is not None}
    cells = replace(genotype, **given)
    used = {name: _concatenated(getattr(cells, name), SPACES[cells.space]) for name in ("normal", "reduce")}
    shape = (batch, 3, resolution, resolution)
    return network(cells.normal, cells.reduce, used, cells.width, cells.depth, shape, classes, seed)


def problem(metric: str = "val_accuracy", space: str = "darts", dataset: str = "cifar10", epochs: int = 100) -> Problem:
    """What to ask of a genotype: ``val_accuracy`` (a fraction, of the test set), ``params`` or ``macs`` (counts).

    Raises:
        ValueError: If the metric is another one, or the space none of `SPACES`.
    """
    texts = {
        "val_accuracy": f"val_accuracy {data_set(dataset)} {whole('epochs', epochs)} epochs",
        "params": f"params {data_set(dataset)}",
        "macs": f"macs {data_set(dataset)}",
    }
    return asked("Network Design Spaces", _context(space), texts, metric)


def _space(name: str) -> Space:
    return SPACES[choice("space", name, tuple(SPACES))]


def _context(name: str) -> str:
    space = _space(name)
    output = "the blocks that no other reads" if space.loose else "all blocks"
    return (
        f"nds_{name}\n"
        f"image network of normal cells and 2 reduce cells; cell of {space.blocks} blocks that add 2 operations, "
        f"output of {output}: {' '.join(space.operations)}"
    )


def _check(name: str, blocks: Sequence[Sequence[Side]], space: Space) -> None:
    if len(blocks) != space.blocks or any(len(block) != 2 for block in blocks):
        sides = [len(block) for block in blocks]
        raise ValueError(f"{name} has blocks of {sides} sides; give {space.blocks} blocks of 2")
    for place, block in enumerate(blocks):
        for operation, node in block:
            if operation not in space.operations:
                raise ValueError(f"{name}[{place}] has {operation!r}; it must be one of {space.operations}")
            if node not in range(place + 2):
                raise ValueError(f"{name}[{place}] reads node {node!r}; it must be an earlier one, 0 to {place + 1}")


def _least(blocks: Blocks) -> Blocks:
    """The blocks in the order whose sides are the least, which equivalent cells share."""
    return _arranged(blocks, least(_predecessors(blocks), lambda order: _last(blocks, order)))


def _arranged(blocks: Blocks, order: Sequence[int]) -> Blocks:
    return tuple(_last(blocks, order[: place + 1]) for place in range(len(order)))


def _last(blocks: Blocks, order: Sequence[int]) -> Block:
    """An order's last block, its nodes numbered in the order."""
    places = {0: 0, 1: 1} | {block + 2: place for place, block in enumerate(order, 2)}
    return tuple(sorted((op, 0 if op == ZERO else places[node]) for op, node in blocks[order[-1]]))


def _predecessors(blocks: Blocks) -> list[frozenset[int]]:
    """The blocks that each block reads."""
    return [frozenset(node - 2 for op, node in block if node > 1 and op != ZERO) for block in blocks]


def _word(block: Block) -> str:
    return "+".join(op if op == ZERO else f"{op}<{node}" for op, node in block)


def _draw(rng: np.random.Generator, name: str) -> Blocks:
    """The blocks of a random cell."""
    space = SPACES[name]
    ops: list[list[int]] = rng.integers(len(space.operations), size=(space.blocks, 2)).tolist()
    nodes: list[list[int]] = rng.integers([[place + 2] * 2 for place in range(space.blocks)]).tolist()
    return tuple(
        tuple((space.operations[op], node) for op, node in zip(*pair, strict=True))
        for pair in zip(ops, nodes, strict=True)
    )


def _edits(blocks: Blocks, operations: Sequence[str]) -> Iterator[Blocks]:
    """Blocks with another operation or node in one side, in the least order; a side that is zero has no node."""
    before = _predecessors(blocks)
    for place, block in enumerate(blocks):
        nodes = _not_after(place, before)
        for side, (old_op, old_node) in enumerate(block):
            for new in ((op, node) for op in operations for node in nodes):
                if new[0] == old_op or new[1] == old_node or ZERO in (new[0], old_op):
                    changed = (*block[:side], new, *block[side + 1 :])
                    yield _least((*blocks[:place], changed, *blocks[place + 1 :]))


def _not_after(place: int, before: Sequence[frozenset[int]]) -> list[int]:
    """Nodes that a block may read: those that do not depend on it."""
    after = {place}
    for block in range(place + 1, len(before)):
        if before[block] & after:
            after.add(block)
    return [node for node in range(len(before) + 2) if node - 2 not in after]


def _blocks(sides: Sequence[tuple[str, int]]) -> Blocks:
    """Blocks of a record's list, which holds two sides of each block in turn."""
    named = [(_RECORD_NAMES.get(name, name), node) for name, node in sides]
    return tuple(tuple(named[start : start + 2]) for start in range(0, len(named), 2))


def _concatenated(blocks: Blocks, space: Space) -> list[int]:
    """Nodes of the blocks that make the output."""
    read = {node for block in blocks for _, node in block} if space.loose else set[int]()
    return [node for node in range(2, len(blocks) + 2) if node not in read]
