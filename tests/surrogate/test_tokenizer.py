from __future__ import annotations

import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.tokenizer import PLACES, Tokenizer, TruncationWarning

TOKENIZER = Tokenizer.train(["input conv3x3<0 conv1x1<0,1 output<2", "BLOCK_M=128 num_warps=8"] * 9, 320)
ANY_TEXT = st.text(st.characters(), max_size=60)  # lone surrogates too


@given(st.lists(ANY_TEXT, min_size=1, max_size=4))
def test_any_text_is_accepted_and_the_same_text_gives_the_same_words(texts: list[str]) -> None:
    words = TOKENIZER([*texts, *texts], 64)
    table = words.pieces[words.index]
    assert np.array_equal(table[: len(texts)], table[len(texts) :])
    assert words.pieces.max() < TOKENIZER.vocabulary


@given(ANY_TEXT, ANY_TEXT)
def test_different_words_get_different_pieces(a: str, b: str) -> None:
    words = TOKENIZER([a, b], 64)
    same = np.array_equal(words.pieces[words.index[0]], words.pieces[words.index[1]])
    assert same or a.split() != b.split()
    if a.split() != b.split() and max(len(a), len(b)) < 8:
        assert not same


@given(st.integers(0, 10**12))
def test_a_number_has_a_piece_for_each_digit(number: int) -> None:
    pieces = TOKENIZER([str(number)], 4).pieces[1]
    assert np.count_nonzero(pieces) == len(str(number))
    assert len(set(pieces[pieces > 0])) == len(set(str(number)))


@pytest.mark.parametrize("text", ["x" * 1_000_000, "x " * 500_000, "123 " * 250_000])
def test_a_long_text_is_cut_and_named(text: str) -> None:
    with pytest.warns(TruncationWarning, match=r"1 of 1 texts exceed 32 words.*1000000 characters"):
        words = TOKENIZER([text], 32)
    assert words.index.shape == (1, 32)


def test_a_text_of_just_the_limit_is_whole() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert TOKENIZER(["a b c d"], 4).index.shape == (1, 4)


def test_an_empty_text_is_one_position_of_padding() -> None:
    assert TOKENIZER([""], 8).index.tolist() == [[0]]


def test_a_long_word_goes_on_in_the_next_position() -> None:
    assert TOKENIZER(["7" * (PLACES + 1)], 8).index.shape == (1, 2)


def test_json_and_pickle_keep_the_encoding() -> None:
    texts = ["input conv3x3<0", "é\ud800 9"]
    for other in (Tokenizer(TOKENIZER.to_json()), pickle.loads(pickle.dumps(TOKENIZER))):
        assert np.array_equal(other(texts, 8).pieces, TOKENIZER(texts, 8).pieces)


def test_a_word_that_reads_like_padding_is_a_word() -> None:
    words = TOKENIZER(["<pad>", "a <pad> b"], 8)
    assert words.index[0, 0] > 0
    assert (words.index[1] > 0).all()


def test_a_cut_text_keeps_its_beginning() -> None:
    with pytest.warns(TruncationWarning, match="'a b c d e'"):
        cut = TOKENIZER(["a b c d e"], 3)
    whole = TOKENIZER(["a b c"], 3)
    assert np.array_equal(cut.pieces[cut.index], whole.pieces[whole.index])
