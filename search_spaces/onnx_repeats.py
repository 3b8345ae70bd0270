"""Folding of what repeats: ``a b a b a b c`` is written ``3*( a b ) c``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LONGEST = 1024  # words of a block that is looked for; bounds the work
_BRACKETS = 2  # words that a fold costs

Ints = NDArray[np.int64]


def folded(words: Sequence[str]) -> Iterator[str]:
    """The words with blocks that follow each other folded, inside the blocks too.

    From left to right, each time the period that saves most words.
    """
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    periods, counts = _repeats(np.array([numbers[word] for word in words], dtype=np.int64))
    place = 0
    while place < len(words):
        period, count = int(periods[place]), int(counts[place])
        if count < 2:
            yield words[place]
            place += 1
            continue
        yield from (f"{count}*(", *folded(words[place : place + period]), ")")
        place += period * count


def _repeats(words: Ints) -> tuple[Ints, Ints]:
    """For each place the period that saves most if a fold begins there, and its count; count 1: none saves any."""
    periods, counts, saved = (np.full(len(words), number, dtype=np.int64) for number in (1, 1, 0))
    for period in range(1, min(_LONGEST, len(words) // 2) + 1):
        times = 1 + _runs(words[:-period] == words[period:]) // period
        gain = (times - 1) * period - _BRACKETS
        better = np.flatnonzero(gain > saved[: len(gain)])
        periods[better], counts[better], saved[better] = period, times[better], gain[better]
    return periods, counts


def _runs(equal: NDArray[Any]) -> Ints:
    """How many in a row are true, from each place on."""
    places = np.arange(len(equal))
    ends = np.minimum.accumulate(np.where(equal, len(equal), places)[::-1])[::-1]
    return ends - places
