"""What can be counted in a candidate's text without a model: the features of a plain model.

``name=number`` is the binary logarithm of the number; any other word is counted, whole and by its beginnings, so that
``conv3x3<0,2`` is a ``conv3x3`` too and ``mbconv5x5e6c40`` an ``mbconv5x5e6``.

Shapes: n texts, F features.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counted = Callable[[str], Mapping[str, float]]

_BEGINNING = re.compile(r"(?<=\d)(?=\D)|(?=<)")
_LONGEST = 64  # a longer word is no field
_MOST = 500  # features


@lru_cache(maxsize=4096)
def numbers(text: str) -> Mapping[str, float]:
    """Numbers that a text states by name: their binary logarithms, of 1 more."""
    found: dict[str, float] = {}
    for word in text.split():
        if (value := number(word)) is not None:
            found[word.partition("=")[0]] = math.copysign(math.log2(1 + abs(value)), value)
    return found


@lru_cache(maxsize=4096)
def words_and_numbers(text: str) -> Mapping[str, float]:
    """Features of a text, both kinds."""
    features: Counter[str] = Counter()
    for word in text.split():
        if is_word(word):
            features.update({word, *(word[: end.start()] for end in _BEGINNING.finditer(word))})
    return {**features, **numbers(text)}


def is_word(word: str) -> bool:
    """Whether a word is counted, neither a number nor too long."""
    return len(word) <= _LONGEST and number(word) is None


def number(word: str) -> float | None:
    """The number of a word ``name=number``; None of another."""
    try:
        found = float(word.partition("=")[2])
    except ValueError:
        return None
    return found if math.isfinite(found) else None


class Fields:
    """Features that vary among some texts; where there are very many, as of programs, those that vary most.

    Args:
        texts: The texts whose features count.
        counted: Text -> its features; those that it has none of are 0.
    """

    def __init__(self, texts: Sequence[str], counted: Counted = words_and_numbers) -> None:
        self._counted = counted
        varied = _varied([counted(text) for text in texts])
        most = sorted(varied, key=lambda name: (-varied[name], name))[:_MOST]
        self._names = sorted(name for name in most if varied[name])

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Features of texts, (n, F)."""
        rows = [self._counted(text) for text in texts]
        shape = len(rows), len(self._names)
        return np.array([[row.get(name, 0.0) for name in self._names] for row in rows], dtype=np.float64).reshape(shape)


def _varied(rows: Sequence[Mapping[str, float]]) -> dict[str, int]:
    """Feature -> rows that have another value than the most frequent one."""
    values: dict[str, Counter[float]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, Counter())[value] += 1
    absent = {name: len(rows) - own.total() for name, own in values.items()}
    return {name: len(rows) - max(absent[name], *own.values()) for name, own in values.items()}
