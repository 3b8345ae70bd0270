from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.search_spaces import nas_bench_101, nas_bench_201, nas_bench_graph
from prerank.surrogate.text_graph import NO_WAY, read


def test_a_vertex_names_what_it_reads() -> None:
    graph = read("input conv1x1<0 conv3x3<0,1 output<1,2")
    assert graph is not None
    assert graph.operations == ("conv1x1", "conv3x3")
    assert graph.ways({"conv1x1", "conv3x3"}) == (2, 3, 2, 2)
    assert graph.ways({"conv3x3"}) == (2, 2, 1, 2)


def test_an_edge_names_both_its_ends() -> None:
    graph = read("conv3x3<0>1 zero<0>2 skip<1>2 zero<0>3 conv1x1<1>3! conv3x3<2>3 depth=2 params_m=0.3")
    assert graph is not None
    assert Counter(graph.operations) == {"conv3x3": 2, "skip": 1, "conv1x1": 1}
    assert graph.ways({"conv3x3", "skip"}) == (3, 3, 1, 1)
    assert graph.ways({"conv3x3"}) == (NO_WAY, 0, 1, 1)


def test_a_long_way_is_no_missing_one() -> None:
    graph = read("input " + " ".join(f"conv<{place}" for place in range(30)))
    assert graph is not None
    assert graph.ways({"conv"}) == (30, 30, 1, 1)
    assert graph.ways(()) == (NO_WAY, 0, 0, 0)


def test_a_graph_of_nothing_but_zeros_has_no_way() -> None:
    graph = read("zero<0>1 zero<0>2 zero<1>2")
    assert graph is not None
    assert graph.ways(()) == (NO_WAY, 0, 0, 0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "params_m=3 macs_m=7",
        "mbconv3x3e6c24 skip",
        "input conv1x1<2 output<1",
        "conv1x1<0>1 conv3x3<0",
        "conv1x1<1>0",
        "if x<0 :",
        "input conv1x1<0 output<1 act=relu",
        "input conv1x1<" + "9" * 5000,
        "input" + " conv1x1<0" * 100,
    ],
)
def test_other_texts_write_none(text: str) -> None:
    assert read(text) is None


@pytest.mark.parametrize("space", [nas_bench_101, nas_bench_201, nas_bench_graph])
def test_the_cells_of_the_spaces_are_graphs(space: Any) -> None:
    cells = space.sample(np.random.default_rng(0), 50)
    graphs = [read(space.to_text(cell)) for cell in cells]
    assert all(graphs)
    assert len(set(graphs)) == 50


@given(st.text(max_size=60))
def test_any_text_can_be_asked(text: str) -> None:
    graph = read(text)
    assert graph is None or graph.last > 0
