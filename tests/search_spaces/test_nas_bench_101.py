import gzip
import json
import os
from contextlib import suppress
from itertools import islice, pairwise, product
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prerank.search_spaces import nas_bench_101
from prerank.search_spaces.nas_bench_101 import OPERATIONS, PARAMETERS, Cell

DATA = Path(os.environ.get("PRERANK_DATA", Path(__file__).parents[3] / "shared" / "data"))
TABLE = next(
    (path for path in (DATA / "nas_bench_101.jsonl.gz", DATA / "nas" / "nas_bench_101.jsonl.gz") if path.exists()), None
)
POOL = nas_bench_101.sample(np.random.default_rng(0), 300)
CHAIN = ((0, 1, 0), (0, 0, 1), (0, 0, 0))

cells = st.sampled_from(POOL)
seeds = st.integers(0, 2**32 - 1)
draws = st.fixed_dictionaries({name: st.sampled_from(choices) for name, choices in PARAMETERS.items()})


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    if TABLE is None:
        pytest.skip(f"no nas_bench_101.jsonl.gz under {DATA}; set PRERANK_DATA")
    with gzip.open(TABLE, "rt") as lines:
        return [json.loads(line) for line in islice(lines, 2000)]


def parse(text: str) -> Cell:
    words = [word.partition("<") for word in text.split()]
    before = [[int(i) for i in places.split(",") if i] for _, _, places in words]
    adjacency = tuple(tuple(int(i in places) for places in before) for i in range(len(words)))
    return Cell(adjacency, tuple(operation for operation, _, _ in words))


def isomorphic(one: Cell, other: Cell) -> bool:
    return nx.is_isomorphic(one.graph, other.graph, node_match=lambda a, b: a == b)


def edges(cell: Cell) -> int:
    return sum(map(sum, cell.adjacency))


@given(cells, seeds)
def test_text_in_random_order_is_the_same_cell(cell: Cell, seed: int) -> None:
    permuted = parse(nas_bench_101.to_text(cell, np.random.default_rng(seed)))
    assert isomorphic(permuted, cell)
    assert nas_bench_101.to_text(permuted) == nas_bench_101.to_text(cell)
    assert permuted.hash == cell.hash


@given(cells, cells)
def test_hash_agrees_with_isomorphism(one: Cell, other: Cell) -> None:
    assert (one.hash == other.hash) == isomorphic(one, other)


def test_hash_agrees_with_isomorphism_among_alike_cells() -> None:
    # Random pairs hardly ever have as many vertices, edges and operations of a kind; those of a neighbourhood do.
    alike = [cell for seed in POOL[:40] for cell in nas_bench_101.neighbours(seed)]
    alike = sorted(alike, key=lambda cell: (sorted(cell.ops), edges(cell)))
    for one, other in pairwise(alike):
        assert (one.hash == other.hash) == isomorphic(one, other)


def test_text_reaches_every_order() -> None:
    parallel = Cell(
        ((0, 1, 1, 1, 0), (0, 0, 0, 0, 1), (0, 0, 0, 0, 1), (0, 0, 0, 0, 1), (0,) * 5), ("input", *OPERATIONS, "output")
    )
    rng = np.random.default_rng(0)
    assert len({nas_bench_101.to_text(parallel, rng) for _ in range(200)}) == 6


def test_text() -> None:
    cell = Cell(((0, 1, 1, 0), (0, 0, 1, 1), (0, 0, 0, 1), (0,) * 4), ("input", "conv3x3", "maxpool3x3", "output"))
    assert nas_bench_101.to_text(cell) == "input conv3x3<0 maxpool3x3<0,1 output<1,2"


def test_what_is_on_no_path_is_pruned() -> None:
    # 1 reaches nothing, 2 is reached by nothing.
    adjacency = ((0, 1, 0, 1, 0), (0,) * 5, (0, 0, 0, 1, 0), (0, 0, 0, 0, 1), (0,) * 5)
    cell = Cell(adjacency, ("input", "conv3x3", "conv3x3", "conv1x1", "output"))
    assert cell == Cell(CHAIN, ("input", "conv1x1", "output"))


def test_limits_hold_for_the_pruned_cell() -> None:
    adjacency = [[int(j == i + 1) for j in range(9)] for i in range(9)]
    adjacency[0][8], adjacency[7][8] = 1, 0
    assert Cell(tuple(map(tuple, adjacency)), ("input", *["conv3x3"] * 7, "output")).ops == ("input", "output")


@pytest.mark.parametrize(
    ("adjacency", "ops", "message"),
    [
        (CHAIN[:2], ("input", "conv3x3", "output"), "square"),
        (((0, 1), (0, 0, 1), (0, 0, 0)), ("input", "conv3x3", "output"), "square"),
        (((0,),), ("input",), "square"),
        (CHAIN, ("conv3x3", "conv3x3", "output"), "first must be 'input'"),
        (CHAIN, ("input", "conv3x3", "conv3x3"), "last 'output'"),
        (CHAIN, ("input", "conv5x5", "output"), r"ops\[1\] is 'conv5x5'"),
        (((0, 2, 0), (0, 0, 1), (0, 0, 0)), ("input", "conv3x3", "output"), r"adjacency\[0\]\[1\] is 2"),
        (
            ((0, 1, 0), (0, 0, 1), (0, 1, 0)),
            ("input", "conv3x3", "output"),
            r"adjacency\[2\]\[1\] .* topological order",
        ),
        (
            ((0, 1, 0), (0, 1, 1), (0, 0, 0)),
            ("input", "conv3x3", "output"),
            r"adjacency\[1\]\[1\] .* topological order",
        ),
        (((0, 1, 0), (0, 0, 0), (0, 0, 0)), ("input", "conv3x3", "output"), "no path"),
        (
            tuple(tuple(int(j == i + 1) for j in range(8)) for i in range(8)),
            ("input", *["conv3x3"] * 6, "output"),
            "8 vertices",
        ),
        (
            tuple(tuple(int(j > i) for j in range(5)) for i in range(5)),
            ("input", *["conv3x3"] * 3, "output"),
            "10 edges",
        ),
    ],
)
def test_broken_rule_is_named(adjacency: Any, ops: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cell(adjacency, ops)


@given(seeds)
@settings(max_examples=20)
def test_sample_depends_on_the_seed_alone_and_is_distinct(seed: int) -> None:
    drawn = nas_bench_101.sample(np.random.default_rng(seed), 30)
    assert drawn == nas_bench_101.sample(np.random.default_rng(seed), 40)[:30]
    assert len({cell.hash for cell in drawn}) == 30


def test_sample_has_as_many_vertices_as_the_space() -> None:
    sizes = [len(cell.ops) for cell in nas_bench_101.sample(np.random.default_rng(0), 1000)]
    share = nas_bench_101.CELLS[7] / sum(nas_bench_101.CELLS.values())
    assert sizes.count(7) / len(sizes) == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("n", [-1, sum(nas_bench_101.CELLS.values()) + 1])
def test_sample_of_more_than_there_are(n: int) -> None:
    with pytest.raises(ValueError, match=str(n)):
        nas_bench_101.sample(np.random.default_rng(0), n)


@given(cells)
@settings(max_examples=30, deadline=None)
def test_neighbours_are_distinct_and_symmetric(cell: Cell) -> None:
    found = nas_bench_101.neighbours(cell)
    assert len({cell.hash, *(other.hash for other in found)}) == len(found) + 1
    # What an edit pruned comes back one vertex at a time; all other edits can be undone at once.
    for other in found:
        if len(other.ops) >= len(cell.ops):
            assert cell.hash in {back.hash for back in nas_bench_101.neighbours(other)}


@given(cells, seeds)
@settings(max_examples=30, deadline=None)
def test_isomorphic_cells_have_the_same_neighbours(cell: Cell, seed: int) -> None:
    permuted = parse(nas_bench_101.to_text(cell, np.random.default_rng(seed)))
    one, other = nas_bench_101.neighbours(cell), nas_bench_101.neighbours(permuted)
    assert {cell.hash for cell in one} == {cell.hash for cell in other}


@given(cells)
@settings(max_examples=30, deadline=None)
def test_neighbours_hold_every_flip_of_the_parameters(cell: Cell) -> None:
    params = nas_bench_101.to_params(cell)
    flips = [params | {name: choice} for name, choices in PARAMETERS.items() for choice in choices]
    hashes = {flipped.hash for flipped in map(nas_bench_101.from_params, flips) if flipped is not None}
    assert hashes <= {cell.hash, *(other.hash for other in nas_bench_101.neighbours(cell))}


@given(cells)
def test_params_round_trip(cell: Cell) -> None:
    assert nas_bench_101.from_params(nas_bench_101.to_params(cell)) == cell


@given(draws)
def test_params_make_a_valid_cell_or_none(params: dict[str, Any]) -> None:
    cell = nas_bench_101.from_params(params)
    assert cell is None or (len(cell.ops) <= 7 and edges(cell) <= 9)


@pytest.mark.parametrize(("name", "value"), [("op_3", "conv5x5"), ("edge_0_1", 2)])
def test_params_outside_the_choices(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} is {value!r}"):
        nas_bench_101.from_params(nas_bench_101.to_params(POOL[0]) | {name: value})


def test_record_with_original_names() -> None:
    record = {"adjacency": [list(row) for row in CHAIN], "ops": ["input", "conv3x3-bn-relu", "output"]}
    assert nas_bench_101.from_record(record) == Cell(CHAIN, ("input", "conv3x3", "output"))


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"ops": ["input", "output"]}, "no 'adjacency'"),
        ({"adjacency": [[0, 1], [0, 0]]}, "no 'ops'"),
        ({"adjacency": None, "ops": ["input", "output"]}, "adjacency None"),
        ({"adjacency": CHAIN, "ops": ["input", "conv5x5-bn-relu", "output"]}, "conv5x5-bn-relu"),
    ],
)
def test_bad_record_is_named(record: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nas_bench_101.from_record(record)


def test_problem() -> None:
    accuracy, params = nas_bench_101.problem(), nas_bench_101.problem("params")
    seconds = nas_bench_101.problem("train_seconds", epochs=12)
    assert (accuracy.metric, accuracy.direction) == ("val_accuracy cifar10 108 epochs", "maximize")
    assert (params.metric, params.direction) == ("params", "minimize")
    assert (seconds.metric, seconds.direction) == ("train_seconds cifar10 12 epochs", "minimize")
    assert accuracy.context == params.context == seconds.context
    assert accuracy.context.splitlines()[0] == "nas_bench_101"
    with pytest.raises(ValueError, match=r"'latency_ms'.*val_accuracy, train_seconds, params"):
        nas_bench_101.problem("latency_ms")


def test_cells_of_the_table_are_distinct(records: list[dict[str, Any]]) -> None:
    assert len({record["hash"] for record in records}) == len(records)
    assert len({nas_bench_101.from_record(record).hash for record in records}) == len(records)


@given(draws, draws)
def test_hash_agrees_with_isomorphism_among_small_cells(one: dict[str, Any], other: dict[str, Any]) -> None:
    # Drawing all edges and pruning favours cells of two to four vertices.
    first, second = (nas_bench_101.from_params(params) for params in (one, other))
    if first is not None and second is not None:
        assert (first.hash == second.hash) == isomorphic(first, second)


@pytest.mark.parametrize("size", [2, 3, 4])
def test_there_are_as_many_cells_as_the_paper_counts(size: int) -> None:
    pairs = [(i, j) for j in range(size) for i in range(j)]
    found: set[str] = set()
    for chosen in product((0, 1), repeat=len(pairs)):
        matrix = [[0] * size for _ in range(size)]
        for (i, j), edge in zip(pairs, chosen, strict=True):
            matrix[i][j] = edge
        for ops in product(OPERATIONS, repeat=size - 2):
            with suppress(ValueError):
                cell = Cell(tuple(map(tuple, matrix)), ("input", *ops, "output"))
                found |= {cell.hash} if len(cell.ops) == size else set()
    assert len(found) == nas_bench_101.CELLS[size]


def test_a_sample_of_none_is_empty() -> None:
    assert nas_bench_101.sample(np.random.default_rng(0), 0) == []


def test_texts_of_the_table_have_a_short_word_for_each_vertex(records: list[dict[str, Any]]) -> None:
    for record in records:
        cell = nas_bench_101.from_record(record)
        words = nas_bench_101.to_text(cell).split()
        assert len(words) == len(cell.ops) <= 7
        assert max(map(len, words)) <= len("maxpool3x3<0,1,2,3,4")


def test_operations_that_are_no_names_are_named() -> None:
    with pytest.raises(ValueError, match="list of names"):
        nas_bench_101.from_record({"adjacency": [[0, 1], [0, 0]], "ops": [["input"], ["output"]]})
