import sys
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prerank.search_spaces import nas_bench_graph
from prerank.search_spaces.nas_bench_graph import OPERATIONS, SKIP, Architecture

POOL = nas_bench_graph.sample(np.random.default_rng(0), 200)
LINKS = tuple(product([0], [0, 1], [0, 1, 2], [0, 1, 2, 3]))

architectures = st.sampled_from(POOL)
seeds = st.integers(0, 2**32 - 1)
drawn_links = st.sampled_from(LINKS)
drawn_ops = st.tuples(*[st.sampled_from(OPERATIONS)] * 4).filter(lambda ops: set(ops) != {SKIP})


@pytest.fixture(scope="module")
def package() -> Any:
    return pytest.importorskip("nas_bench_graph", reason="pip install nas-bench-graph==1.4.0")


def parse(text: str) -> Architecture:
    words = [word.partition("<") for word in text.split()][1:-1]
    idle = 4 - len(words)
    link = [*range(idle), *(int(source) + idle for _, _, source in words)]
    return Architecture(tuple(link), (*[SKIP] * idle, *(operation for operation, _, _ in words)))


def outcomes(link: tuple[int, ...], ops: tuple[str, ...]) -> list[str]:
    """What reaches the output, as composed operations: the meaning that equivalent architectures share."""
    values = [""]
    for source, operation in zip(link, ops, strict=True):
        values.append(values[source] if operation == SKIP else f"{operation}({values[source]})")
    return sorted(values[place] for place in range(1, 5) if place not in link and values[place])


@given(architectures, seeds)
def test_text_in_random_order_is_the_same_architecture(architecture: Architecture, seed: int) -> None:
    text = nas_bench_graph.to_text(architecture, np.random.default_rng(seed))
    assert parse(text) == architecture


def test_text_reaches_every_order() -> None:
    star = Architecture((0, 0, 0, 0), ("gat", "gcn", "gin", "fc"))
    rng = np.random.default_rng(0)
    assert len({nas_bench_graph.to_text(star, rng) for _ in range(400)}) == 24


@given(drawn_links, drawn_ops)
def test_normalising_keeps_the_meaning(link: tuple[int, ...], ops: tuple[str, ...]) -> None:
    made = Architecture(link, ops)
    assert outcomes(made.link, made.ops) == outcomes(link, ops)
    assert sorted(made.ops) == sorted(ops)
    assert Architecture(made.link, made.ops) == made


@given(drawn_links, drawn_ops, st.permutations(range(4)))
def test_the_order_of_operations_does_not_matter(link: tuple[int, ...], ops: tuple[str, ...], order: list[int]) -> None:
    places = {0: 0} | {old + 1: new + 1 for new, old in enumerate(order)}
    moved = tuple(places[link[old]] for old in order)
    if all(source <= place for place, source in enumerate(moved)):
        assert Architecture(moved, tuple(ops[old] for old in order)) == Architecture(link, ops)


@pytest.mark.parametrize(
    ("link", "ops", "text"),
    [
        ((0, 1, 2, 1), ("gcn", "gin", "fc", "cheb"), "input gcn<0 cheb<1 gin<1 fc<3 output<2,4"),
        ((0, 1, 2, 3), ("gcn", "skip", "gat", "skip"), "input gcn<0 gat<1 output<2"),
        ((0, 0, 0, 2), ("skip", "gcn", "skip", "fc"), "input gcn<0 fc<1 output<2"),
        ((0, 1, 1, 2), ("gcn", "fc", "skip", "skip"), "input gcn<0 fc<1 skip<1 output<2,3"),
        ((0, 1, 1, 1), ("gcn", "skip", "skip", "fc"), "input gcn<0 fc<1 skip<1 skip<1 output<2,3,4"),
        ((0, 1, 2, 2), ("gat", "skip", "skip", "skip"), "input gat<0 skip<1 skip<1 output<2,3"),
    ],
)
def test_text(link: tuple[int, ...], ops: tuple[str, ...], text: str) -> None:
    assert nas_bench_graph.to_text(Architecture(link, ops)) == text


@pytest.mark.parametrize(
    ("link", "ops", "message"),
    [
        ((0, 1, 2), ("gcn",) * 4, "3 links and 4 ops"),
        ((0,) * 4, ("gcn",) * 5, "4 links and 5 ops"),
        ((0, 2, 0, 0), ("gcn",) * 4, r"link\[1\] is 2; it must be one of \(0, 1\), 0 for the input"),
        ((0, -1, 0, 0), ("gcn",) * 4, r"link\[1\] is -1"),
        (("0", "0", "0", "0"), ("gcn",) * 4, r"link\[0\] is '0'"),
        ((0,) * 4, ("gcn", "gcn", "mlp", "gcn"), r"ops\[2\] is 'mlp'"),
        ((0,) * 4, (SKIP,) * 4, "at least one that is not 'skip'"),
    ],
)
def test_broken_rule_is_named(link: Any, ops: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Architecture(link, ops)


@given(seeds)
@settings(max_examples=20, deadline=None)
def test_sample_depends_on_the_seed_alone_and_is_distinct(seed: int) -> None:
    drawn = nas_bench_graph.sample(np.random.default_rng(seed), 30)
    assert drawn == nas_bench_graph.sample(np.random.default_rng(seed), 40)[:30]
    assert len(set(drawn)) == 30


def test_sample_of_all_is_the_whole_space() -> None:
    drawn = nas_bench_graph.sample(np.random.default_rng(0), nas_bench_graph.ARCHITECTURES)
    assert len({nas_bench_graph.to_text(each) for each in drawn}) == nas_bench_graph.ARCHITECTURES


@pytest.mark.parametrize("n", [-1, nas_bench_graph.ARCHITECTURES + 1])
def test_sample_of_more_than_there_are(n: int) -> None:
    with pytest.raises(ValueError, match=str(n)):
        nas_bench_graph.sample(np.random.default_rng(0), n)


@given(architectures)
@settings(max_examples=10, deadline=None)
def test_neighbours_are_distinct_and_symmetric(architecture: Architecture) -> None:
    found = nas_bench_graph.neighbours(architecture)
    assert len({architecture, *found}) == len(found) + 1
    assert all(architecture in nas_bench_graph.neighbours(other) for other in found[::4])


def test_neighbours_insert_an_operation_anywhere() -> None:
    chain = Architecture((0, 1, 2, 3), (SKIP, "gcn", "gat", "fc"))
    texts = {nas_bench_graph.to_text(other) for other in nas_bench_graph.neighbours(chain)}
    assert "input gcn<0 gat<1 gin<2 fc<3 output<4" in texts
    assert "input gin<0 gcn<1 gat<2 fc<3 output<4" in texts
    assert "input gat<0 fc<1 output<2" in texts


@given(drawn_links, drawn_ops)
def test_record_round_trip(link: tuple[int, ...], ops: tuple[str, ...]) -> None:
    assert nas_bench_graph.from_record({"link": list(link), "ops": list(ops)}) == Architecture(link, ops)


def test_key_of_the_table() -> None:
    assert nas_bench_graph.from_record(61327) == Architecture((0, 1, 1, 2), ("gcn", "cheb", "gin", "fc"))
    assert nas_bench_graph.from_record("61327") == nas_bench_graph.from_record(np.int64(61327))
    assert nas_bench_graph.from_record("61327") == nas_bench_graph.from_record(61327)
    assert nas_bench_graph.from_record(61327.0) == nas_bench_graph.from_record(61327)
    assert nas_bench_graph.from_record(0) == Architecture((0,) * 4, ("gat",) * 4)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"ops": ["gcn"] * 4}, "no 'link'"),
        ({"link": [0] * 4}, "no 'ops'"),
        ({"link": None, "ops": ["gcn"] * 4}, "link None"),
        (90000, "key is 90000"),
        (9, "key is 9"),
        (-1, "key is -1"),
        (100000, "key is 100000"),
        (0.5, r"key is 0\.5"),
        (None, "None"),
        ("gcn", "the record is 'gcn'"),
    ],
)
def test_bad_record_is_named(record: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        nas_bench_graph.from_record(record)


def test_problem() -> None:
    accuracy = nas_bench_graph.problem()
    latency = nas_bench_graph.problem("latency_ms", "arxiv")
    params = nas_bench_graph.problem("params", "pubmed")
    assert (accuracy.metric, accuracy.direction) == ("val_accuracy cora", "maximize")
    assert (latency.metric, latency.direction) == ("latency_ms arxiv", "minimize")
    assert (params.metric, params.direction) == ("params pubmed", "minimize")
    assert accuracy.context == latency.context == params.context
    assert accuracy.context.splitlines()[0] == "nas_bench_graph"
    with pytest.raises(ValueError, match=r"'energy_mj'.*val_accuracy, latency_ms, params"):
        nas_bench_graph.problem("energy_mj")


def test_table_of_an_unknown_dataset() -> None:
    with pytest.raises(ValueError, match="'imagenet'"):
        nas_bench_graph.read_table("imagenet")


def test_table_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nas_bench_graph", None)
    with pytest.raises(ImportError, match=r"pip install nas-bench-graph==1.4.0"):
        nas_bench_graph.read_table()


@pytest.mark.parametrize(("dataset", "size"), [("cora", nas_bench_graph.ARCHITECTURES), ("proteins", 2021)])
def test_rows_of_the_table_are_distinct(package: Any, dataset: str, size: int) -> None:
    rows = list(nas_bench_graph.read_table(dataset))
    assert len({architecture for architecture, _ in rows}) == len(rows) == size
    assert all(0 < metrics["val_accuracy"] <= 1 and metrics["latency_ms"] > 0.1 for _, metrics in rows)


def test_equivalence_agrees_with_the_package(package: Any) -> None:
    table = package.light_read("cora")
    for architecture, link in product(POOL, LINKS):
        key = package.Arch(list(link), list(architecture.ops)).valid_hash()
        assert key in table
        assert nas_bench_graph.from_record(key) == Architecture(link, architecture.ops)
