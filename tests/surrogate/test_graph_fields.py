from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from prerank.search_spaces import nas_bench_201, nas_bench_graph
from prerank.surrogate.graph_fields import GraphFields

DEEP = "input conv3x3<0 conv3x3<1 output<2"
WIDE = "input conv3x3<0 conv3x3<0 output<1,2"


def test_equal_operations_are_told_apart_by_how_they_are_joined() -> None:
    deep, wide = GraphFields([DEEP, WIDE])([DEEP, WIDE])
    assert (deep != wide).all()


def test_numbers_that_a_text_states_are_fields() -> None:
    texts = [f"{DEEP} params_m=1", f"{DEEP} params_m=3"]
    assert GraphFields(texts)(texts).tolist() == [[1.0], [3.0]]


def test_what_says_the_same_is_said_once() -> None:
    cells = nas_bench_201.sample(np.random.default_rng(0), 60)
    texts = [nas_bench_201.to_text(cell) for cell in cells]
    columns = GraphFields(texts)(texts)
    assert len(np.unique(columns, axis=1).T) == columns.shape[1]
    assert (np.ptp(columns, axis=0) > 0).all()


def test_many_operations_do_not_make_features_without_end() -> None:
    found = nas_bench_graph.sample(np.random.default_rng(0), 200)
    texts = [nas_bench_graph.to_text(architecture) for architecture in found]
    assert 100 < GraphFields(texts)(texts).shape[1] <= 500


def test_what_was_not_observed_is_no_field() -> None:
    fields = GraphFields([DEEP, WIDE])
    assert fields(["input pool<0 output<1", "no graph"]).shape == fields([DEEP, WIDE]).shape
    assert GraphFields([DEEP, DEEP])([WIDE]).shape == (1, 0)


def test_what_is_kept_is_what_it_was() -> None:
    cells = nas_bench_201.sample(np.random.default_rng(0), 60)
    texts = [nas_bench_201.to_text(cell) for cell in cells]
    fields = GraphFields(texts)
    every = fields._rows(texts, [frozenset(s) for k in range(1, 6) for s in combinations(fields._operations, k)])
    assert {*map(tuple, fields(texts).T.tolist())} == {*map(tuple, every[:, np.ptp(every, axis=0) > 0].T.tolist())}


@given(st.lists(st.sampled_from([DEEP, WIDE, "zero<0>1", "words", "size=3"]), min_size=1, max_size=5))
def test_any_texts_give_finite_fields(texts: list[str]) -> None:
    assert np.isfinite(GraphFields(texts)(texts)).all()


def test_a_number_beyond_what_a_forest_compares_is_the_largest_it_does() -> None:
    texts = [f"{DEEP} seed=1", f"{DEEP} seed=2"]
    (found,) = GraphFields(texts)([f"{DEEP} seed=1e39"])
    assert np.isfinite(found.astype(np.float32)).all()
