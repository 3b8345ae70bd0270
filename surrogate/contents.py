"""What candidates consist of, by their texts alone: which operations, how often, and the numbers that are stated.

A cost adds up over operations, and an accuracy nearly so. Counts are therefore compared as they are, not each by its
own spread: one convolution more is one more, however many others have.

Shapes: n observations, m candidates, F features.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .covariance import STRAIGHT, matern, squares
from .fields import Fields, is_word, numbers
from .plain_text import plain
from .reading import Reading
from .remembered import remembered
from .standard import Standard
from .text_graph import read

Floats = NDArray[np.float64]

_SIZES, _BENDS, _SHARES = (0.5, 2.0, 8.0), (0.0, 1.0), (0.1, 0.5, 0.9)
_BENT, _MORE = 1.0, 3.0  # of numbers, where counts are linear, and how much more where they are not


@dataclass(frozen=True)
class ContentParts:
    """Products of the counts and of the numbers of candidates, and Matern 5/2 of their distances, (m, n) each."""

    counts: Floats
    numbers: Floats
    smooth_counts: Floats
    smooth_numbers: Floats


@dataclass(frozen=True)
class ContentKernel:
    """Covariance of scores, beside a constant of weight 1.

    Args:
        size: Variance that the contents explain.
        share: Of the numbers, the rest is that of the counts.
        bend: Share of it that need not be linear in them. What a number does seldom is: a block can be too small and
            too large.
    """

    size: float
    share: float
    bend: float

    def __call__(self, parts: ContentParts) -> Floats:
        """Covariance between two sets of candidates whose parts are given, without the noise."""
        counted = parts.counts + self.bend * parts.smooth_counts
        stated = parts.numbers + (_BENT + _MORE * self.bend) * parts.smooth_numbers
        return 1.0 + self.size * ((1 - self.share) * counted + self.share * stated)


KERNELS = [(ContentKernel(*own), -STRAIGHT * own[-1]) for own in product(_SIZES, _SHARES, _BENDS)]
"""Kernels and their log odds before any observation."""


class Contents:
    """Contents of the observed candidates.

    Args:
        texts: Their texts, n of them.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._operations, self._numbers = Fields(texts, operations), Fields(texts, numbers)
        counts = self._operations(texts)
        self._centre = counts.mean(axis=0)
        self._width = float(np.sqrt(((counts - self._centre) ** 2).sum(axis=1).mean())) or 1.0
        self._standard = Standard(self._numbers(texts))
        self._observed = self._blocks(texts)

    def among(self, rows: NDArray[np.intp]) -> ContentParts:
        """Parts between some of the observed candidates."""
        blocks = [block[rows] for block in self._observed]
        return _parts(blocks, blocks)

    def towards(self, reading: Reading) -> tuple[ContentParts, ContentParts]:
        """Parts between new candidates and the observed ones, (m, n), and of each new one with itself, (m,)."""
        blocks = self._blocks(reading.texts)
        counts, stated = ((block**2).sum(axis=1) for block in blocks)
        ones = np.ones(len(counts))
        return _parts(blocks, self._observed), ContentParts(counts, stated, ones, ones)

    def _blocks(self, texts: Sequence[str]) -> list[Floats]:
        return [(self._operations(texts) - self._centre) / self._width, self._standard(self._numbers(texts))]


def _parts(new: Sequence[Floats], observed: Sequence[Floats]) -> ContentParts:
    pairs = list(zip(new, observed, strict=True))
    return ContentParts(*(a @ b.T for a, b in pairs), *(matern(squares(a, b)) for a, b in pairs))


@remembered
def operations(text: str) -> Mapping[str, float]:
    """How often each operation occurs in the graph that a text writes; where it writes none, each word."""
    graph = read(text)
    return Counter(graph.operations if graph else filter(is_word, plain(text).split()))
