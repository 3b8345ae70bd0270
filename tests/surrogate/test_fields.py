import json
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.contents import operations
from prerank.surrogate.fields import Fields, words_and_numbers


def test_numbers_are_logarithms() -> None:
    texts = ["block_m=63 stages=3", "block_m=127 stages=3"]
    assert Fields(texts)(texts) == pytest.approx(np.array([[6.0], [7.0]]))  # stages do not vary


def test_numbers_below_one_are_logarithms_too() -> None:
    texts = ["rate=1e-5", "rate=1e-3", "rate=1e-1", "rate=0"]
    apart = np.diff(Fields(texts)(texts)[:3, 0])
    assert apart == pytest.approx([np.log2(100)] * 2, rel=0.2)
    assert Fields(texts)(texts)[3, 0] == 0


def test_words_are_counted_with_their_beginnings() -> None:
    fields = Fields(["input output", "conv3x3<0 conv3x3<0,1 output"])
    (row,) = fields(["conv3x3<0 conv3x3<1,5"])
    assert 2.0 in row  # conv3x3
    assert fields(["conv3x3<0"])[0].sum() > 0


def test_a_word_that_names_a_number_is_counted_beside_it() -> None:
    layers = [json.dumps([{"op": "conv", "kernel": 3}] * count) for count in (1, 2, 4, 8)]
    names = [f"{name}{place}" for name in ("kernel",) for place in ("", "=")]
    assert [[words_and_numbers(text)[name] for name in names] for text in layers] == [[1, 3], [2, 3], [4, 3], [8, 3]]
    assert Fields(layers, operations)(layers)[:, 0].tolist() == [1, 2, 4, 8]


def test_what_was_not_observed_is_no_field() -> None:
    assert Fields(["a b", "a c"])(["zzz"]).sum() == 0
    assert Fields(["a", "a"])(["a"]).shape == (1, 0)
    assert Fields([])([]).shape == (0, 0)


@given(st.lists(st.text(max_size=40), min_size=1, max_size=6))
def test_any_text_gives_finite_fields(texts: list[str]) -> None:
    values = Fields(texts)(texts)
    assert np.isfinite(values).all()
    assert len(values) == len(texts)


def test_of_very_many_features_those_that_vary_most_are_kept() -> None:
    programs = [" ".join([f"lr={number}", *(f"only{number}_{word}" for word in range(60))]) for number in range(40)]
    fields = Fields([f"{text} even" if number % 2 else text for number, text in enumerate(programs)])
    assert fields(programs).shape == (40, 500)
    assert len({*fields(programs)[:, fields.names.index("lr=")]}) == 40
    assert "even" in fields.names


def test_where_words_stand_counts_only_where_their_numbers_tell_nothing_apart() -> None:
    orders = [" ".join(order) for order in permutations(["inline", "unroll", "fuse"])]
    fields = Fields(orders)(orders)
    assert len({tuple(row) for row in fields.tolist()}) == len(orders)
    assert not any("@" in name for name in Fields(["conv1x1<0 conv3x3<1", "conv3x3<0 conv1x1<1"]).names)


def test_the_numbers_of_a_list_are_added_up() -> None:
    networks = ["MLP(layers=[32, 64, 32])", "MLP(layers=[128])", "MLP(layers=[64])"]
    fields = Fields(networks)
    added = fields(networks)[:, fields.names.index("layers+=")]
    assert added.tolist() == pytest.approx(np.log2([129, 129, 65]).tolist())
    other = fields(["MLP(layers=[256, 256])"])[0, fields.names.index("layers+=")]
    assert other == pytest.approx(np.log2(513))


def test_two_numbers_of_one_name_are_no_list() -> None:
    assert Fields(["tile=16x8", "tile=8x8"]).names == ["tile="]


def test_a_word_of_several_names_counts_without_them_too() -> None:
    fields = Fields(["op0=skip op1=conv3x3 act=relu", "op0=skip op1=skip act=gelu", "op0=conv3x3 op1=conv5x5 act=relu"])
    found = dict(zip(fields.names, fields(["op0=skip op1=skip act=gelu"])[0].tolist(), strict=True))
    assert found["=skip"] == 2
    assert found["=conv3x3"] == 0
    assert not {"=relu", "=gelu"} & {*fields.names}  # of one name alone
    assert not any(name.startswith("=") for name in Fields(["a=3 b=3", "a=3 b=4"]).names)
