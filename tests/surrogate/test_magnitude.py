import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.magnitude import features, without_long_numbers
from prerank.surrogate.tokenizer import PAD, Tokenizer

TOKENIZER = Tokenizer.train(["block_m=128 stages=3 ghz=1.41"])
SIZE = 24  # place of the logarithm among the features


def found(word: str) -> list[tuple[int, float]]:
    """Place and value of the numbers in a word."""
    (row,) = features(torch.from_numpy(TOKENIZER([word], 4).pieces[1:2]))
    return [(place, float(2 ** (10 * row[place, SIZE].double()) - 1)) for place in range(16) if row[place, -1] > 0]


@pytest.mark.parametrize(
    ("word", "values"),
    [
        ("x", []),
        ("64", [64]),
        ("3x5", [3, 5]),
        ("1.5a2", [1.5, 2]),
        ("1..2", [1, 2]),
        ("v1.2.3", [1.2, 3]),
        ("007", [7]),
    ],
)
def test_numbers_of_a_word(word: str, values: list[float]) -> None:
    assert [value for _, value in found(word)] == pytest.approx(values, rel=1e-3)


def test_a_number_is_where_it_starts() -> None:
    (a, _), (b, _) = found("block_m=64")[0], found("block_m=1024")[0]
    assert a == b


@given(st.integers(1, 10**6), st.integers(1, 10**6))
def test_features_grow_with_the_number(a: int, b: int) -> None:
    one, other = (features(torch.from_numpy(TOKENIZER([str(n)], 1).pieces[1:2]))[0, 0] for n in sorted((a, b)))
    assert bool((other[: SIZE + 1] >= one[: SIZE + 1]).all())


def test_powers_of_two_are_told_apart_from_their_neighbours() -> None:
    even, odd = (features(torch.from_numpy(TOKENIZER([text], 1).pieces[1:2]))[0, 0] for text in ("4096", "4097"))
    assert even[SIZE + 1 : -1].sum() == 7
    assert odd[SIZE + 1 : -1].sum() == 0


def test_only_the_digits_of_longer_numbers_are_dropped() -> None:
    pieces = torch.from_numpy(TOKENIZER(["stages=3", "3x12"], 4).pieces[1:])
    kept = without_long_numbers(pieces)
    assert torch.equal(kept[0], pieces[0])
    assert (kept[1] != pieces[1]).sum() == 2
    assert (kept[1] == PAD).sum() == (pieces[1] == PAD).sum() + 2
