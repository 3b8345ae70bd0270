"""Numbers as tokens, and back.

A number is ``1 + DIGITS`` tokens: a *head* (form and decimal exponent together), then the mantissa's digits, most
significant first. Three forms cover the real line:

=======  =========================  ==========================================================
form     value                      used for
=======  =========================  ==========================================================
``+``    ``d.dd * 10^e``            positive numbers
``-``    ``-d.dd * 10^e``           negative numbers
``1-``   ``1 - d.dd * 10^e``        numbers in (0.9, 1), so that an accuracy of 0.9432 spends its
                                    digits on the error 0.0568 and none on the leading nines
=======  =========================  ==========================================================

Two heads stand alone: ``FAILED`` (nan or infinite: the candidate has no value) and ``ZERO``. The grammar depends on the
position only, so that it is one constant slice of the vocabulary per position (`GRAMMAR`).

Rounding: `decode(encode(x))` differs from x by at most 0.5 % of x, or of 1 - x in the form ``1-``
(half a unit of the third digit), and from subnormal numbers by at most their spacing.

Shapes: N numbers, T = 1 + DIGITS tokens a number.
"""

from __future__ import annotations

import sys
from itertools import chain

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Tokens = NDArray[np.int64]

DIGITS = 3
LENGTH = 1 + DIGITS
FAILED, ZERO = 0, 1
_PLUS, _MINUS, _COMPLEMENT = 0, 1, 2
_COMPLEMENT_ABOVE = 0.9

_EXPONENTS = range(-324, 309)
_COMPLEMENT_EXPONENTS = range(-17, 0)
_FORMS = list(chain(
    ((_PLUS, 0), (_PLUS, 0)),  # FAILED and ZERO: the form is never read
    ((_PLUS, e) for e in _EXPONENTS),
    ((_MINUS, e) for e in _EXPONENTS),
    ((_COMPLEMENT, e) for e in _COMPLEMENT_EXPONENTS),
))  # fmt: skip
_FORM: Tokens = np.array([form for form, _ in _FORMS])
_EXPONENT: Tokens = np.array([exponent for _, exponent in _FORMS])
_HEAD = {pair: index for index, pair in enumerate(_FORMS) if index > ZERO}

HEADS = len(_FORMS)
VOCABULARY = HEADS + 10 * DIGITS
GRAMMAR = [slice(0, HEADS), *(slice(HEADS + 10 * i, HEADS + 10 * i + 10) for i in range(DIGITS))]
"""The tokens allowed at each position."""
DECADES = np.where((_FORM != _COMPLEMENT) & (np.arange(HEADS) > ZERO), _EXPONENT, np.nan)
"""Decimal exponents of the heads, of positive numbers and of negative ones; nan of the others."""
HEAD_PRIOR = -0.5 * np.abs(_EXPONENT) - 3.0 * (_FORM == _MINUS) - 3.0 * (np.arange(HEADS) <= ZERO)
"""Log odds of the heads before any training: moderate positive numbers come first."""
FIRST: Tokens = np.array([0, *(HEADS + 10 * i for i in range(DIGITS))])
"""The first token of each position."""


def encode(values: ArrayLike) -> Tokens:
    """Tokens of numbers, (N,) -> (N, T); nan and infinities become FAILED. Digits after FAILED or ZERO are 0."""
    flat = np.asarray(values, dtype=np.float64).reshape(-1)
    symbols = np.array([_symbols(value) for value in flat.tolist()], dtype=np.int64).reshape(-1, LENGTH)
    return symbols + FIRST


def decode(tokens: Tokens) -> Floats:
    """Numbers of tokens, (N, T) -> (N,); FAILED becomes nan."""
    symbols = tokens - FIRST
    values = _value(symbols[:, 0], _integer(symbols[:, 1:]))
    values[symbols[:, 0] == FAILED] = np.nan
    values[symbols[:, 0] == ZERO] = 0.0
    return values


def interval(head: NDArray[np.int64], digits: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Numbers that round to a prefix: heads (N,) and their first k digits (N, k) -> lower and upper ends, (N,) each."""
    known = digits.shape[1]
    free = 10.0 ** (DIGITS - known)
    first = _integer(digits) * free if known else np.full(len(head), free / 10)
    last = first + free if known else 10 * first
    ends = np.stack([_value(head, end - 0.5) for end in (first, last)])
    ends[:, head == ZERO] = 0.0
    return ends.min(axis=0), ends.max(axis=0)


def _symbols(value: float) -> list[int]:
    """Head and digits of one number, each counted from its position's first token."""
    if value == 0 or not np.isfinite(value):
        return [ZERO if value == 0 else FAILED] + [0] * DIGITS
    form = _COMPLEMENT if _COMPLEMENT_ABOVE < value < 1 else _PLUS if value > 0 else _MINUS
    magnitude = 1 - value if form == _COMPLEMENT else abs(value)
    mantissa, exponent = f"{magnitude:.{DIGITS - 1}e}".split("e")
    return [_HEAD[form, int(exponent)], *(int(digit) for digit in mantissa if digit != ".")]


def _integer(digits: Tokens) -> Floats:
    """Digits (N, k) read as one integer each, (N,)."""
    total = np.zeros(len(digits))
    for digit in digits.T:
        total = 10 * total + digit
    return total


def _value(head: NDArray[np.int64], mantissa: Floats) -> Floats:
    """Numbers of heads and mantissas in units of the last digit, clipped to the finite floats."""
    # Two factors, since 10^-326 alone would be zero and 9.99 * 10^308 alone infinite.
    power = _EXPONENT[head] - (DIGITS - 1)
    half = power // 2
    with np.errstate(over="ignore", under="ignore"):
        magnitude = np.minimum(mantissa * 10.0**half * 10.0 ** (power - half), sys.float_info.max)
    return np.choose(_FORM[head], [magnitude, -magnitude, 1 - magnitude])
