"""Spaces whose candidates are a choice at each of several places: drawing them, and changing one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

import numpy as np


def draws(rng: np.random.Generator, n: int, sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Endless uniform choices, the number of the choice at each place; a smaller n is refused no less than a larger.

    Args:
        rng: Where the draws come from.
        n: How many distinct candidates the caller wants.
        sizes: Number of choices at each place.

    Raises:
        ValueError: If n is negative or more than there are.
    """
    if not 0 <= n <= prod(sizes):
        raise ValueError(f"n is {n}; the space has {prod(sizes)} candidates, ask for 0 to as many")
    return (tuple(row) for row in iter(lambda: rng.integers(sizes).tolist(), None))


def changes(chosen: Sequence[int], sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The choices that differ in one place."""
    for place, size in enumerate(sizes):
        for choice in range(size):
            if choice != chosen[place]:
                yield (*chosen[:place], choice, *chosen[place + 1 :])
