"""What was made of the texts that were asked last, so that it is not made again."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

Made = TypeVar("Made")

_SHORT = 2048  # characters; all spaces of cells and kernels have shorter texts
_SHORT_KEPT, _LONG_KEPT = 4096, 256  # what is made of a program of 24 kB is some 100 kB


def remembered(make: Callable[[str], Made]) -> Callable[[str], Made]:
    """A function of a text that remembers the last results: of thousands of short texts, of fewer long ones."""
    short, long = lru_cache(_SHORT_KEPT)(make), lru_cache(_LONG_KEPT)(make)

    @wraps(make)
    def made(text: str) -> Made:
        return short(text) if len(text) <= _SHORT else long(text)

    return made
