"""Choices in words: what a surrogate reads of a candidate where the user gives it no text."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_DIGITS = 4  # of a number's span; no model reads sixteen


def words(name: str, value: Any, span: float | None = None, *, log: bool = False, exact: bool = False) -> Iterator[str]:
    """One choice as ``name=value``, without blanks.

    Args:
        name: What is chosen.
        value: What was chosen; several values are joined by commas.
        span: Width of the range of a number, which says how many of its digits matter; None, 0, infinite: six.
        log: The number is drawn on a logarithmic scale, which is then written too if it is no whole one.
        exact: The choice is written as Python does, since another one reads like it (see `alike`).
    """
    yield f"{_word(name)}={_exact(value) if exact else _said(value, span)}"
    if log and isinstance(value, float) and value > 0:
        yield f"log_{_word(name)}={math.log(value):.4f}"


def alike(choices: Iterable[Any]) -> bool:
    """Whether two different choices of one parameter read the same, as True and the string True do."""
    read = {_exact(choice): _said(choice) for choice in choices}
    return len(set(read.values())) < len(read)


def _exact(value: Any) -> str:
    return re.sub(r"\s", lambda blank: f"\\x{ord(blank[0]):02x}", repr(value))


def _said(value: Any, span: float | None = None) -> str:
    if isinstance(value, float):
        return f"{_rounded(value, span):.12g}" if span and math.isfinite(span) else f"{value:.{_DIGITS + 2}g}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ",".join(_word(str(one)) for one in value) or "none"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return _word(repr(value) if _is_number_in_quotes(value) else str(value))


def _rounded(value: float, span: float) -> float:
    return round(value, _DIGITS - math.floor(math.log10(span)))


def _is_number_in_quotes(value: Any) -> bool:
    """Whether a string would read as a number, which may be another choice."""
    return isinstance(value, str) and value.lstrip("+-").replace(".", "", 1).isdigit()


def _word(text: str) -> str:
    return re.sub(r"\s+", "_", text.strip())
