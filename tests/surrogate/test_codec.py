from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate import codec

FINITE = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(0.85, 1.0),
    st.floats(-2e-307, 2e-307),
    st.sampled_from([0.0, 1.0, 0.9, 5e-324, sys.float_info.max, -sys.float_info.max, 9.995, 99.95, 1 - 2**-53]),
)


def round_trip(value: float) -> float:
    return float(codec.decode(codec.encode([value]))[0])


@given(FINITE)
def test_the_rounding_error_is_half_a_percent_at_most(value: float) -> None:
    scale = 1 - value if 0.9 < value < 1 else abs(value)
    assert abs(round_trip(value) - value) <= 0.005 * scale * (1 + 1e-9) + 5e-324 + (1e-16 if 0.9 < value < 1 else 0)


@given(FINITE, FINITE)
def test_order_is_kept(a: float, b: float) -> None:
    low, high = sorted([a, b])
    assert round_trip(low) <= round_trip(high)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_failed(value: float) -> None:
    tokens = codec.encode([value])
    assert tokens[0, 0] == codec.FAILED
    assert np.isnan(codec.decode(tokens)[0])


def test_the_grammar_divides_the_vocabulary() -> None:
    allowed = [token for part in codec.GRAMMAR for token in range(part.start, part.stop)]
    assert allowed == list(range(codec.VOCABULARY))


@given(FINITE)
def test_every_token_obeys_the_grammar(value: float) -> None:
    for token, part in zip(codec.encode([value])[0], codec.GRAMMAR, strict=True):
        assert part.start <= token < part.stop


@given(FINITE.filter(lambda value: value != 0), st.integers(0, codec.DIGITS))
def test_the_interval_of_every_prefix_holds_the_number(value: float, known: int) -> None:
    symbols = codec.encode([value]) - codec.FIRST
    low, high = codec.interval(symbols[:, 0], symbols[:, 1 : 1 + known])
    slack = 1e-15 * abs(value)
    assert low[0] - slack <= value <= high[0] + slack


@given(FINITE.filter(lambda value: value != 0), st.integers(0, codec.DIGITS - 1))
def test_children_divide_the_interval_of_their_parent(value: float, known: int) -> None:
    symbols = codec.encode([value]) - codec.FIRST
    low, high = codec.interval(symbols[:, 0], symbols[:, 1 : 1 + known])
    last = np.arange(known == 0, 10)[:, None]  # no mantissa begins with 0
    children = np.hstack([np.repeat(symbols[:, 1 : 1 + known], len(last), axis=0), last])
    lows, highs = (np.sort(ends) for ends in codec.interval(np.repeat(symbols[:, 0], len(last)), children))
    assert (lows[0], highs[-1]) == (low[0], high[0])
    assert lows[1:].tolist() == highs[:-1].tolist()


@pytest.mark.parametrize("value", [0.0, -0.0])
def test_zero_is_itself(value: float) -> None:
    assert codec.encode([value])[0, 0] == codec.ZERO
    assert round_trip(value) == 0


def test_no_numbers_are_no_tokens() -> None:
    assert codec.encode([]).shape == (0, codec.LENGTH)
    assert codec.decode(codec.encode([])).shape == (0,)
