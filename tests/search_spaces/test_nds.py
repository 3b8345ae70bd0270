from itertools import pairwise, permutations
from math import prod
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prerank.search_spaces import nds
from prerank.search_spaces.nds import DEPTHS, WIDTHS
from prerank.search_spaces.nds_genotype import SPACES, ZERO, Blocks, Genotype

POOL = [genotype for space in SPACES for genotype in nds.sample(np.random.default_rng(0), 40, space)]
DARTS = nds.sample(np.random.default_rng(1), 40)

# The two networks that the DARTS and the AmoebaNet papers found, as the published files write a genotype.
DARTS_V2 = {
    "normal": [
        *(["sep_conv_3x3", 0], ["sep_conv_3x3", 1], ["sep_conv_3x3", 0], ["sep_conv_3x3", 1]),
        *(["sep_conv_3x3", 1], ["skip_connect", 0], ["skip_connect", 0], ["dil_conv_3x3", 2]),
    ],
    "normal_concat": [2, 3, 4, 5],
    "reduce": [
        *(["max_pool_3x3", 0], ["max_pool_3x3", 1], ["skip_connect", 2], ["max_pool_3x3", 1]),
        *(["max_pool_3x3", 0], ["skip_connect", 2], ["skip_connect", 2], ["max_pool_3x3", 1]),
    ],
    "reduce_concat": [2, 3, 4, 5],
}
AMOEBA_A_NORMAL = [
    *(["avg_pool_3x3", 0], ["max_pool_3x3", 1], ["sep_conv_3x3", 0], ["sep_conv_5x5", 2]),
    *(["sep_conv_3x3", 0], ["avg_pool_3x3", 3], ["sep_conv_3x3", 1], ["skip_connect", 1]),
    *(["skip_connect", 0], ["avg_pool_3x3", 1]),
]
AMOEBA_A = {
    "normal": AMOEBA_A_NORMAL,
    "normal_concat": [4, 5, 6],
    "reduce": AMOEBA_A_NORMAL,
    "reduce_concat": [4, 5, 6],
}

genotypes = st.sampled_from(POOL)
seeds = st.integers(0, 2**32 - 1)
TWO_SKIPS = (("skip", 0), ("skip", 1))


def record(cells: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"net": {"genotype": cells | changes, "width": 16, "depth": 20, "aux": False}, "min_test_top1": 5.0}


def parse(text: str, space: str) -> Genotype:
    words = text.split()
    cut = words.index("reduce")
    normal, reduce = (tuple(map(parse_block, part)) for part in (words[1:cut], words[cut + 1 : -2]))
    width, depth = (int(word.partition("=")[2]) for word in words[-2:])
    return Genotype(space, normal, reduce, width, depth)


def parse_block(word: str) -> tuple[tuple[str, int], ...]:
    sides = [side.partition("<") for side in word.split("+")]
    return tuple((operation, int(node or 0)) for operation, _, node in sides)


def graph(blocks: Blocks) -> "nx.MultiDiGraph[Any]":
    """The cell with an edge for each side, whose nodes are told apart only if they are inputs."""
    made: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    made.add_nodes_from((node, {"kind": node if node in (0, 1) else "block"}) for node in range(len(blocks) + 2))
    for place, block in enumerate(blocks, 2):
        for operation, node in block:
            if operation == ZERO:
                made.nodes[place]["kind"] += ZERO
            else:
                made.add_edge(node, place, operation=operation)
    return made


def isomorphic(one: Blocks, other: Blocks) -> bool:
    edges = nx.algorithms.isomorphism.categorical_multiedge_match("operation", None)
    return nx.is_isomorphic(graph(one), graph(other), node_match=lambda a, b: a == b, edge_match=edges)


@given(genotypes, seeds)
def test_text_in_random_order_is_the_same_genotype(genotype: Genotype, seed: int) -> None:
    text = nds.to_text(genotype, np.random.default_rng(seed))
    assert parse(text, genotype.space) == genotype


def test_text_reaches_every_order() -> None:
    blocks = tuple(((operation, 0), ("skip", 1)) for operation in SPACES["darts"].operations[1:5])
    genotype = Genotype("darts", blocks, blocks)
    rng = np.random.default_rng(0)
    texts = {nds.to_text(genotype, rng).split(" reduce ")[0] for _ in range(400)}
    assert len(texts) == len(list(permutations(blocks)))


def test_equality_agrees_with_isomorphism_among_alike_cells() -> None:
    alike = [other for genotype in DARTS[:4] for other in nds.neighbours(genotype)]
    alike = sorted(alike, key=lambda genotype: sorted(op for block in genotype.normal for op, _ in block))
    for one, other in pairwise(alike):
        assert (one.normal == other.normal) == isomorphic(one.normal, other.normal)


@given(genotypes, st.randoms(use_true_random=False))
def test_sides_commute(genotype: Genotype, random: Any) -> None:
    shuffled = tuple(tuple(random.sample(block, 2)) for block in genotype.normal)
    assert Genotype(genotype.space, shuffled, genotype.reduce, genotype.width, genotype.depth) == genotype


def test_what_a_zero_reads_does_not_matter() -> None:
    rest = (TWO_SKIPS,) * 3
    one, other = (Genotype("darts", (*rest, (("skip", 0), (ZERO, node))), (TWO_SKIPS,) * 4) for node in (0, 3))
    assert one == other
    assert "skip<0+zero" in nds.to_text(one)


@pytest.mark.parametrize(
    ("space", "cells"),
    [("nasnet", 71_465_842), ("amoeba", 556_628), ("pnas", 556_628), ("enas", 5_063), ("darts", 242)],
)
def test_there_are_as_many_labelled_cells_as_the_paper_counts(space: str, cells: int) -> None:
    # In thousand millions, half of one rounded up.
    found = SPACES[space]
    labelled = prod(((place + 2) * len(found.operations)) ** 2 for place in range(found.blocks))
    assert (labelled + 500_000_000) // 1_000_000_000 == cells


def test_text_of_a_record() -> None:
    assert nds.to_text(nds.from_record(record(DARTS_V2))) == (
        "normal sepconv3x3<0+sepconv3x3<1 dilconv3x3<2+skip<0 sepconv3x3<0+sepconv3x3<1 sepconv3x3<1+skip<0 "
        "reduce maxpool3x3<0+maxpool3x3<1 maxpool3x3<0+skip<2 maxpool3x3<1+skip<2 maxpool3x3<1+skip<2 "
        "width=16 depth=20"
    )


def test_record_of_a_space_with_loose_ends() -> None:
    genotype = nds.from_record(record(AMOEBA_A), "amoeba")
    assert genotype.space == "amoeba"
    assert nds.from_record(record(AMOEBA_A)["net"], "amoeba") == genotype


@pytest.mark.parametrize(
    ("row", "space", "message"),
    [
        (record(AMOEBA_A), "pnas", r"normal_concat is \[4, 5, 6\]; in pnas it is \[2, 3, 4, 5, 6\]"),
        (record(AMOEBA_A, reduce_concat=[2, 6]), "amoeba", r"reduce_concat is \[2, 6\]"),
        (record(AMOEBA_A), "darts", "give 4 blocks of 2"),
        (record(DARTS_V2), "resnet", "'resnet'"),
        (record(DARTS_V2, normal=None), "darts", "give genotype, width and depth"),
        (record(DARTS_V2, normal=[["skip_connect"]] * 8), "darts", "give genotype, width and depth"),
        ({"net": {"width": 16}}, "darts", "'genotype'"),
        (record(DARTS_V2, normal=[["conv_9x9", 0]] * 8), "darts", r"normal\[0\] has 'conv_9x9'"),
        (record(DARTS_V2, reduce=[["none", 2]] * 8), "darts", r"reduce\[0\] reads node 2; .* 0 to 1"),
        (record(DARTS_V2, reduce=[["none", 0]] * 7), "darts", r"reduce has blocks of \[2, 2, 2, 1\] sides"),
    ],
)
def test_bad_record_is_named(row: dict[str, Any], space: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nds.from_record(row, space)


@pytest.mark.parametrize(
    ("width", "depth", "message"),
    [(0, 20, "width is 0"), (16, "deep", "depth is 'deep'"), (16.5, 20, r"width is 16\.5")],
)
def test_bad_size_is_named(width: Any, depth: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Genotype("darts", (TWO_SKIPS,) * 4, (TWO_SKIPS,) * 4, width, depth)


@given(seeds, st.sampled_from(tuple(SPACES)))
@settings(max_examples=20, deadline=None)
def test_sample_depends_on_the_seed_alone_and_is_distinct(seed: int, space: str) -> None:
    drawn = nds.sample(np.random.default_rng(seed), 20, space)
    assert drawn == nds.sample(np.random.default_rng(seed), 30, space)[:20]
    assert len(set(map(nds.to_text, drawn))) == 20


def test_sample_has_every_width_depth_and_operation() -> None:
    drawn = nds.sample(np.random.default_rng(0), 200)
    sides = [side for genotype in drawn for block in (*genotype.normal, *genotype.reduce) for side in block]
    assert {genotype.width for genotype in drawn} == set(WIDTHS)
    assert {genotype.depth for genotype in drawn} == set(DEPTHS)
    assert {operation for operation, _ in sides} == set(SPACES["darts"].operations)
    assert {node for _, node in sides} == set(range(5))


def test_sample_refuses() -> None:
    with pytest.raises(ValueError, match="n is -1"):
        nds.sample(np.random.default_rng(0), -1)
    with pytest.raises(ValueError, match="'resnet'"):
        nds.sample(np.random.default_rng(0), 0, "resnet")


@given(genotypes)
@settings(max_examples=10, deadline=None)
def test_neighbours_are_distinct_and_symmetric(genotype: Genotype) -> None:
    found = nds.neighbours(genotype)
    assert len({nds.to_text(other) for other in (genotype, *found)}) == len(found) + 1
    assert all(genotype in nds.neighbours(other) for other in found[::40])


def test_neighbours_of_blocks_alike() -> None:
    # One block of either cell changes in one of two sides: to 6 operations, to zero, to the other input or to a block.
    blocks = (TWO_SKIPS,) * 4
    found = nds.neighbours(Genotype("darts", blocks, blocks))
    assert len(found) == 2 * 2 * (6 + 1 + 1 + 1) + len(WIDTHS) - 1 + len(DEPTHS) - 1
    assert sum(other.width != 16 for other in found) == len(WIDTHS) - 1
    assert sum(other.depth != 20 for other in found) == len(DEPTHS) - 1


def test_problem() -> None:
    accuracy, params = nds.problem(), nds.problem("params", "enas")
    macs = nds.problem("macs", "enas", "imagenet")
    assert (accuracy.metric, accuracy.direction) == ("val_accuracy cifar10 100 epochs", "maximize")
    assert (params.metric, params.direction) == ("params cifar10", "minimize")
    assert (macs.metric, macs.direction) == ("macs imagenet", "minimize")
    assert params.context == macs.context != accuracy.context
    assert [nds.problem(space=space).context.splitlines()[0] for space in SPACES] == [f"nds_{name}" for name in SPACES]
    with pytest.raises(ValueError, match=r"'latency_ms'.*val_accuracy, params, macs"):
        nds.problem("latency_ms")
    with pytest.raises(ValueError, match="'resnet'"):
        nds.problem(space="resnet")
