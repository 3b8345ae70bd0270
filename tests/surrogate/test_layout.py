"""Places of texts that are laid out alike."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.fields import Fields
from prerank.surrogate.layout import Layout


def placed(texts: list[str]) -> list[Mapping[str, float]]:
    layout = Layout(texts)
    return [layout({}, text) for text in texts]


def test_words_that_stand_at_several_places_are_told_by_their_place() -> None:
    assert placed(["attn conv", "conv attn"]) == [{"@0=attn": 1, "@1=conv": 1}, {"@0=conv": 1, "@1=attn": 1}]


def test_words_that_stand_at_one_place_tell_it_themselves() -> None:
    assert placed(["adam big", "sgd small"]) == [{}, {}]
    assert placed(["op0=conv op1=skip", "op0=skip op1=conv"]) == [{}, {}]


def test_numbers_whose_names_differ_are_told_by_their_place() -> None:
    texts = ["attn(3, 64), conv(1, 32)", "conv(2, 16), attn(4, 8)"]
    layout = Layout(texts)
    numbers = {name: value for name, value in layout({}, texts[1]).items() if name.endswith("=")}
    assert sorted(numbers.values()) == [2, 4, 8, 16]
    assert layout({"attn=": 4.0, "lr=": 1.0}, texts[1]).keys() - layout({}, texts[1]).keys() == {"lr="}


def test_numbers_of_one_name_stay_with_it() -> None:
    texts = ["stage0 attn blocks=3 stage1 conv blocks=2", "stage0 conv blocks=1 stage1 attn blocks=2"]
    assert Layout(texts)({"blocks=": 3.0}, texts[0]) == {"blocks=": 3.0, "@1=attn": 1, "@4=conv": 1}


def test_no_number_is_lost_whose_name_is_told_at_one_of_its_places_alone() -> None:
    texts = ["a k=5 e=6 x", "a e=6 k=5 x", "a k=4 e=1 x"]
    found = Layout([*texts, "b k=4 e=1 x"])({"k=": 5.0, "e=": 6.0}, texts[0])
    assert sorted(value for name, value in found.items() if name.endswith("=")) == [5, 6]


@pytest.mark.parametrize(
    "texts",
    [
        ["kind=svm C=1 lr=2", "kind=rf lr=2 trees=3"],
        ["kind: svm\nC: 1\nlr: 2", "kind: rf\nlr: 2\ntrees: 3"],
        ['{"kind": "svm", "C": 1, "lr": 2}', '{"kind": "rf", "lr": 2, "trees": 3}'],
        ["--kind svm --C 1 --lr 2", "--kind rf --lr 2 --trees 3"],
        ["train(kind='svm', C=1, lr=2)", "train(kind='rf', lr=2, trees=3)"],
        ["op=conv k=3", "k=3 op=conv"],
    ],
)
def test_what_has_a_name_keeps_it_wherever_it_stands(texts: list[str]) -> None:
    layout, told = Layout(texts), {"C=": 1.0, "lr=": 2.0}
    assert layout(told, texts[0]) == told


def test_a_row_is_told_by_its_places() -> None:
    fields = Fields(["relu,64,0.5", "tanh,32,0.1", "relu,16,0.2"])
    first, second = fields(["relu,64,0.5", "tanh,64,0.5"])
    assert (first != second).sum() == 2  # the words alone


def test_chains_of_several_lengths_have_places() -> None:
    assert placed(["a b", "b a c"]) == [{"@0=a": 1, "@1=b": 1}, {"@0=b": 1, "@1=a": 1}]


def test_numbers_of_a_chain_are_those_of_its_words() -> None:
    texts = ["attn3x3_w48 pool", "pool attn3x3_w32 pool", "attn3x3_w16 attn3x3_w8 pool"]
    assert placed(texts)[1] == {"@0=pool": 1, "@1=attn3x3": 1, "@1.1=": 32}  # all that are there have a pool at 2
    assert placed(["k3_e6 skip", "skip k5_e3 skip"]) == [{}, {}]  # whose numbers are of no words


def test_long_texts_have_no_places() -> None:
    program = " ".join("ab"[number % 2] for number in range(100))
    assert placed([program, program[::-1]]) == [{}, {}]


def test_of_very_many_words_at_places_few_values_could_not_tell() -> None:
    words = [f"{first}{second}" for first in "abcdefghij" for second in "klmno"]
    assert placed([" ".join(words[start:] + words[:start]) for start in range(20)]) == [{}] * 20


def test_graphs_name_their_places_themselves() -> None:
    assert placed(["input conv<0 skip<1 output<2", "input skip<0 conv<1 output<2"]) == [{}, {}]


@given(st.lists(st.text(max_size=20), max_size=6))
def test_every_text_has_its_places(texts: list[str]) -> None:
    assert all(name.startswith("@") for row in placed(texts) for name in row)
    assert Fields(texts)(texts).shape[0] == len(texts)
