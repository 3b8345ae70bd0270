"""The five cell spaces of Network Design Spaces (Radosavovic et al. 2019, arXiv:1905.13214).

A network stacks normal cells, and two reduce cells that halve the side and double the channels. A cell is a row of
blocks; each adds two operations on earlier nodes, which are the outputs of the two cells before and the earlier blocks.
The output concatenates all blocks (PNAS, DARTS), or those that no block reads (NASNet, Amoeba, ENAS).

Notable: the sides of a block commute, blocks may stand in any topological order, and what a ``zero`` reads does not
matter. A `Genotype` is normalised when it is made: its blocks are in the least order, so equal candidates are one
network. Operations have the words of the other spaces of cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .nds_genotype import SPACES as SPACES
from .nds_genotype import (
    ZERO,
    Block,
    Blocks,
    arranged,
    concatenated,
    normalised,
    predecessors,
    space_named,
)
from .nds_genotype import Genotype as Genotype
from .nds_network import network
from .onnx_layers import check_sizes
from .problem import Problem, asked, data_set
from .record import whole
from .topological_text import random_order

if TYPE_CHECKING:
    from onnx import ModelProto

WIDTHS, DEPTHS = (16, 24, 32), (4, 8, 12, 16, 20)
"""Channels of the first cells, and numbers of cells, that `sample` and `neighbours` choose from."""


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


def sample(rng: np.random.Generator, n: int, space: str = "darts") -> list[Genotype]:
    """Draw distinct genotypes, uniform in operations, nodes read, width and depth; a smaller n is a prefix.

    Raises:
        ValueError: If n is negative, or the space none of `SPACES`.
    """
    if n < 0:
        raise ValueError(f"n is {n}; ask for 0 or more")
    space_named(space)
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
        cells = [arranged(blocks, random_order(rng, predecessors(blocks))) for blocks in cells]
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
        found = {name: sorted(cells[f"{name}_concat"]) for name in ("normal", "reduce")}
        width, depth = net["width"], net["depth"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"the record is {record!r}; give genotype, width and depth ({error!r})") from error
    genotype = Genotype(space, normal, reduce, width, depth)
    for name, blocks in (("normal", normal), ("reduce", reduce)):
        expected = concatenated(blocks, SPACES[space])
        if found[name] != expected:
            raise ValueError(f"{name}_concat is {found[name]}; in {space} it is {expected}, name another space")
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
    used = {name: concatenated(getattr(cells, name), SPACES[cells.space]) for name in ("normal", "reduce")}
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


def _context(name: str) -> str:
    space = space_named(name)
    output = "the blocks that no other reads" if space.loose else "all blocks"
    return (
        f"nds_{name}\n"
        f"image network of normal cells and 2 reduce cells; cell of {space.blocks} blocks that add 2 operations, "
        f"output of {output}: {' '.join(space.operations)}"
    )


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
    before = predecessors(blocks)
    for place, block in enumerate(blocks):
        nodes = _not_after(place, before)
        for side, (old_op, old_node) in enumerate(block):
            for new in ((op, node) for op in operations for node in nodes):
                if new[0] == old_op or new[1] == old_node or ZERO in (new[0], old_op):
                    changed = (*block[:side], new, *block[side + 1 :])
                    yield normalised((*blocks[:place], changed, *blocks[place + 1 :]))


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
