"""Numbers with their units, ``512MB``, ``15min``, ``20%``, ``4 GB``.

Sizes and times are brought to one unit, for a file of settings says ``512MB`` once and ``4GB`` another time. A unit
that means several things is no factor: ``m`` is a thousandth of a core, a minute, a million bytes or a metre.
"""

from __future__ import annotations

import math
import re

UNSIGNED = r"(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
"""A pattern."""
NUMBER = rf"[-+]?{UNSIGNED}"
"""A pattern."""
UNIT = r"(?:[^\W\d_]{1,5}(?:/[^\W\d_]{1,5})?|%)"
"""A pattern, of any short word; a longer one is no unit."""

_APART = re.compile(rf"(?<![\w.])({UNSIGNED}) (?=(?:[kKMGT]i?B|[nuµμm]s)(?!\w))")  # one letter may be a word
_QUANTITY = re.compile(rf"({NUMBER})({UNIT}?)")
# Written out, as `scipy.constants` has them: with it this package takes .4 s to import, without .1 s.
_TIMES = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_DECIMAL = {"k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12}
_BINARY = {"ki": 2.0**10, "mi": 2.0**20, "gi": 2.0**30, "ti": 2.0**40}
_BYTES = {"b": 1.0} | {f"{prefix}b": factor for prefix, factor in (_DECIMAL | _BINARY).items()}  # in either case
_BARE = {prefix.capitalize(): factor for prefix, factor in (_DECIMAL | _BINARY).items()} | {"k": 1e3}


def united(text: str) -> str:
    """A text whose sizes and short times have their units glued to them, ``4 GB`` as ``4GB``."""
    return _APART.sub(r"\1", text)


def quantity(text: str) -> float | None:
    """The number that a text is, in bytes or seconds if it says so; None of another text, and of one out of range."""
    found = _QUANTITY.fullmatch(text)
    size = float(found[1]) * (_factor(found[2]) or 1.0) if found else math.inf
    return size if math.isfinite(size) else None


def number(word: str) -> float | None:
    """The number of a word ``name=number``, or ``name=64ms``; None of another."""
    return quantity(word.partition("=")[2])


def unknown_unit(text: str) -> str | None:
    """The unit of a number that does not scale it."""
    found = _QUANTITY.fullmatch(text)
    return found[2] if found and found[2] and _factor(found[2]) is None else None


def _factor(unit: str) -> float | None:
    return _TIMES.get(unit) or _BARE.get(unit) or _BYTES.get(unit.lower())
