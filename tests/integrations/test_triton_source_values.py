"""What is said of a value holds of the numbers that it stands for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("triton")

from prerank.integrations.triton_source_values import Value, compared, joined, minus, modulo, number, plus, times

Ints = NDArray[np.int64]
Known = tuple[Value, Ints]
SEVERAL, LENGTH = 4, 16
LINE: Known = (Value(("BLOCK",), "line"), np.arange(LENGTH))


def constant(value: int) -> Known:
    return number(value, True), np.array(value)


def combined(pair: tuple[Known, Known, str]) -> Known:
    (one, left), (other, right), operation = pair
    if operation == "+":
        return plus(one, other), left + right
    if operation == "-":
        return minus(one, other), left - right
    if operation == "*":
        return times(one, other), left * right
    return (modulo(one, other), left % right) if (right > 0).all() else (one, left)


LEAVES = st.sampled_from([LINE, *map(constant, (0, 1, 2, 3, 4, 6, 8, 12, 16, 100))])
EXPRESSIONS = st.recursive(
    LEAVES, lambda parts: st.tuples(parts, parts, st.sampled_from("+-*%")).map(combined), max_leaves=8
)


@settings(max_examples=500)
@given(EXPRESSIONS)
def test_what_is_said_to_be_a_line_or_a_multiple_is_one(known: Known) -> None:
    value, numbers = known
    if value.kind == "one":
        assert (numbers == 1).all()
    if value.is_even:
        assert (numbers % SEVERAL == 0).all()
    if value.is_line:
        groups = np.broadcast_to(numbers, LENGTH).reshape(-1, SEVERAL)
        assert (np.diff(groups, axis=1) == 1).all()
        assert (groups[:, 0] % SEVERAL == 0).all()


@settings(max_examples=500)
@given(EXPRESSIONS, EXPRESSIONS)
def test_a_mask_is_alike_for_several_elements(known: Known, bound: Known) -> None:
    (value, numbers), (other, limits) = known, bound
    for below, kept in ((True, numbers < limits), (False, numbers <= limits)):
        if compared(value, other, below).kind == "mask":
            groups = np.broadcast_to(kept, LENGTH).reshape(-1, SEVERAL)
            assert (groups == groups[:, :1]).all()


@settings(max_examples=500)
@given(EXPRESSIONS, EXPRESSIONS)
def test_of_a_name_that_holds_two_values_only_what_holds_of_both_is_said(known: Known, other: Known) -> None:
    both = joined(known[0], other[0])
    assert both.kind == "any" or both.kind == known[0].kind == other[0].kind


@pytest.mark.parametrize(
    ("value", "compiled", "even"), [(8, True, True), (8, False, False), (32, False, True), (6, True, False)]
)
def test_a_number_that_is_passed_is_known_by_sixteens(value: int, compiled: bool, even: bool) -> None:
    assert number(value, compiled).is_even == even
