"""Genotypes of the five cell spaces of Network Design Spaces, normalised, and what sets the five apart.

Glossary: a *side* is an operation and the node that it reads; nodes 0 and 1 are the outputs of the cell before the
last and of the last one, node i + 2 is block i.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from .record import choice
from .topological_text import least

Side: TypeAlias = tuple[str, int]
Block: TypeAlias = tuple[Side, ...]
Blocks: TypeAlias = tuple[Block, ...]

ZERO = "zero"


@dataclass(frozen=True)
class CellSpace:
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
SPACES: Mapping[str, CellSpace] = {
    "nasnet": CellSpace(
        (*_COMMON, *_SQUARE, "sepconv7x7", "dilconv3x3", "conv1x3_3x1", "conv1x7_7x1"),
        blocks=5,
        loose=True,
    ),
    "amoeba": CellSpace((*_COMMON, "sepconv7x7", "dilsepconv3x3", "conv1x7_7x1"), blocks=5, loose=True),
    "pnas": CellSpace((*_COMMON, "sepconv7x7", "dilconv3x3", "conv1x7_7x1"), blocks=5, loose=False),
    "enas": CellSpace(_COMMON, blocks=5, loose=True),
    "darts": CellSpace((*_COMMON, "dilconv3x3", "dilconv5x5", ZERO), blocks=4, loose=False),
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
        space = space_named(self.space)
        for name, blocks in (("normal", self.normal), ("reduce", self.reduce)):
            _check(name, blocks, space)
            object.__setattr__(self, name, normalised(blocks))
        for name, number in (("width", self.width), ("depth", self.depth)):
            if number not in range(1, 1 << 16):
                raise ValueError(f"{name} is {number!r}; it must be a whole number from 1 to 65535")
            object.__setattr__(self, name, int(number))


def space_named(name: str) -> CellSpace:
    """One of `SPACES`.

    Raises:
        ValueError: If there is none of the name.
    """
    return SPACES[choice("space", name, tuple(SPACES))]


def concatenated(blocks: Blocks, space: CellSpace) -> list[int]:
    """Nodes of the blocks that make the output."""
    read = {node for block in blocks for _, node in block} if space.loose else set[int]()
    return [node for node in range(2, len(blocks) + 2) if node not in read]


def normalised(blocks: Blocks) -> Blocks:
    """The blocks in the order whose sides are the least, which equivalent cells share."""
    return arranged(blocks, least(predecessors(blocks), lambda order: _last(blocks, order)))


def arranged(blocks: Blocks, order: Sequence[int]) -> Blocks:
    """The blocks in an order in which each stands after those that it reads."""
    return tuple(_last(blocks, order[: place + 1]) for place in range(len(order)))


def predecessors(blocks: Blocks) -> list[frozenset[int]]:
    """The blocks that each block reads."""
    return [frozenset(node - 2 for op, node in block if node > 1 and op != ZERO) for block in blocks]


def _last(blocks: Blocks, order: Sequence[int]) -> Block:
    """An order's last block, its nodes numbered in the order."""
    places = {0: 0, 1: 1} | {block + 2: place for place, block in enumerate(order, 2)}
    return tuple(sorted((op, 0 if op == ZERO else places[node]) for op, node in blocks[order[-1]]))


def _check(name: str, blocks: Sequence[Sequence[Side]], space: CellSpace) -> None:
    if len(blocks) != space.blocks or any(len(block) != 2 for block in blocks):
        sides = [len(block) for block in blocks]
        raise ValueError(f"{name} has blocks of {sides} sides; give {space.blocks} blocks of 2")
    for place, block in enumerate(blocks):
        for operation, node in block:
            if operation not in space.operations:
                raise ValueError(f"{name}[{place}] has {operation!r}; it must be one of {space.operations}")
            if node not in range(place + 2):
                raise ValueError(f"{name}[{place}] reads node {node!r}; it must be an earlier one, 0 to {place + 1}")
