from __future__ import annotations

import networkx as nx
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prerank.search_spaces.topological_text import least_order, random_order, ready, words

Graph = tuple[list[str], list[frozenset[int]]]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Up to six vertices of two kinds, numbered in no particular order."""
    count = draw(st.integers(1, 6))
    name = draw(st.permutations(range(count)))
    before: list[frozenset[int]] = [frozenset()] * count
    for j in range(count):
        before[name[j]] = draw(st.frozensets(st.sampled_from(name[:j]))) if j else frozenset()
    return draw(st.lists(st.sampled_from("ab"), min_size=count, max_size=count)), before


def all_orders(before: list[frozenset[int]]) -> list[list[int]]:
    graph: nx.DiGraph[int] = nx.DiGraph()
    graph.add_nodes_from(range(len(before)))
    graph.add_edges_from((i, j) for j, sources in enumerate(before) for i in sources)
    return list(nx.all_topological_sorts(graph))


@given(graphs())
def test_the_least_order_has_the_least_words_of_all_orders(graph: Graph) -> None:
    ops, before = graph
    texts = [words(ops, before, order).split() for order in all_orders(before)]
    assert words(ops, before, least_order(ops, before)).split() == min(texts)


@given(graphs(), st.integers(0, 2**32 - 1))
def test_a_random_order_is_topological(graph: Graph, seed: int) -> None:
    _, before = graph
    assert random_order(np.random.default_rng(seed), before) in all_orders(before)


def test_a_vertex_is_ready_when_all_before_it_are_placed() -> None:
    before = [frozenset[int](), frozenset({0}), frozenset({0, 1})]
    assert ready(before, []) == [0]
    assert ready(before, [0]) == [1]
    assert ready(before, [0, 1, 2]) == []


def test_a_word_counts_places_in_the_order() -> None:
    assert words(["z", "x", "y"], [frozenset({1, 2}), frozenset(), frozenset({1})], [1, 2, 0]) == "x y<0 z<0,1"
