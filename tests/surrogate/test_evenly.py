from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.evenly import evenly


@given(st.integers(2, 500), st.integers(2, 500))
def test_the_ends_are_among_so_many_different_places(count: int, most: int) -> None:
    places = evenly(count, most).tolist()
    assert len({*places}) == len(places) == min(count, most)
    assert (places[0], places[-1]) == (0, count - 1)


def test_of_few_there_are_all() -> None:
    assert evenly(3, 16).tolist() == [0, 1, 2]
    assert evenly(1, 16).tolist() == [0]
