"""What the blocks of a configuration make of the sizes of its problem."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.fields import numbers
from prerank.surrogate.tiles import with_tiles

CONTEXT = "triton matmul\nsome-gpu units=132\nm=1500 k=256 n=384\nm=7 in the source"
SIZES = st.integers(1, 2**20)


def test_tiles_are_counted_along_each_axis_and_over_the_units() -> None:
    read = with_tiles(CONTEXT, "block_m=64 block_n=64 block_k=32 warps=4")
    assert read.endswith("warps=4 tiles_k=8 tiles_m=24 tiles_n=6 used=0.98 waves=1.09 filled=0.55")


@given(SIZES, SIZES, SIZES, SIZES, st.integers(1, 1000))
def test_tiles_cover_the_problem_and_no_more(m: int, n: int, block_m: int, block_n: int, units: int) -> None:
    read = numbers(with_tiles(f"kernel\nunits={units}\nm={m} n={n}", f"block_m={block_m} block_n={block_n}"))
    assert (read["tiles_m="] - 1) * block_m < m <= read["tiles_m="] * block_m
    assert 0 <= read["used="] <= 1
    assert 0 <= read["filled="] <= 1


def test_the_order_of_a_text_does_not_matter_to_what_follows() -> None:
    one, other = (with_tiles(CONTEXT, text) for text in ("block_m=64 block_n=32", "block_n=32 block_m=64"))
    assert one.split()[2:] == other.split()[2:]


def test_units_and_the_other_axis_may_be_unknown() -> None:
    text = "block_m=16 block_n=8"
    assert with_tiles("kernel\nm=64 n=8", text) == f"{text} tiles_m=4 tiles_n=1 used=1.00"
    assert with_tiles("kernel\nm=64", text) == f"{text} tiles_m=4"


def test_what_has_no_block_of_a_size_is_left_as_it_is() -> None:
    for text in ("", "warps=4", "block_q=64", "block_m=0", "block_m=x", "own_block_m=64", "block_m"):
        assert with_tiles(CONTEXT, text) == text
    endless = "1" * 5000
    assert with_tiles(CONTEXT, f"block_m={endless}") == f"block_m={endless}"
    assert with_tiles(f"kernel\nm={endless}", "block_m=64") == "block_m=64"
    assert with_tiles("kernel\nm=0 n=many", "block_m=64 block_n=64") == "block_m=64 block_n=64"
