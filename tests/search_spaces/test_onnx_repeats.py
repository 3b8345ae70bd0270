"""Folding: nothing is lost, and what repeats is written once."""

from hypothesis import given
from hypothesis import strategies as st

from prerank.search_spaces.onnx_repeats import folded


def unfolded(words: list[str]) -> list[str]:
    """The words that a folded text stands for."""
    stack: list[tuple[int, list[str]]] = [(1, [])]
    for word in words:
        if word.endswith("*("):
            stack.append((int(word[:-2]), []))
        elif word == ")":
            count, inner = stack.pop()
            stack[-1][1].extend(inner * count)
        else:
            stack[-1][1].append(word)
    return stack[0][1]


@given(st.lists(st.sampled_from("abc"), max_size=60))
def test_nothing_is_lost(words: list[str]) -> None:
    short = list(folded(words))
    assert unfolded(short) == words
    assert len(short) <= len(words)


@given(st.lists(st.sampled_from("abcdef"), min_size=3, max_size=12), st.integers(3, 40))
def test_a_block_is_written_once(block: list[str], count: int) -> None:
    assert len(list(folded(block * count))) <= len(block) + 2


def test_blocks_inside_blocks() -> None:
    words = ["in", *(["a", "a", "a", "a", "b"] * 3), "out"]
    assert " ".join(folded(words)) == "in 3*( 4*( a ) b ) out"


def test_what_saves_nothing_is_left_alone() -> None:
    assert list(folded(["a", "a", "b"])) == ["a", "a", "b"]
    assert list(folded([])) == []
