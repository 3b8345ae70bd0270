"""Spaces whose candidates are a choice at each of several places: drawing them, and changing one place."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from math import prod
from typing import TypeVar

import numpy as np

Candidate = TypeVar("Candidate", bound=Hashable)


def distinct(
    rng: np.random.Generator,
    n: int,
    sizes: Sequence[int],
    make: Callable[[Sequence[int]], Candidate],
    key: Callable[[Candidate], Hashable] | None = None,
) -> list[Candidate]:
    """Draw distinct candidates, uniformly. A smaller n draws the first ones of a larger n.

    Args:
        rng: Where the draws come from.
        n: How many.
        sizes: Number of choices at each place.
        make: The candidate of the number of the choice at each place; other numbers must make distinct ones, or n be
            at most how many of these there are.
        key: What distinct candidates differ in; None: the candidates themselves.

    Raises:
        ValueError: If n is negative or more than there are choices.
    """
    if not 0 <= n <= prod(sizes):
        raise ValueError(f"n is {n}; the space has {prod(sizes)} candidates, ask for 0 to as many")
    found: dict[Hashable, Candidate] = {}
    while len(found) < n:
        candidate = make(rng.integers(sizes).tolist())
        found.setdefault(key(candidate) if key else candidate, candidate)
    return list(found.values())


def changes(chosen: Sequence[int], sizes: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The choices that differ in one place."""
    for place, size in enumerate(sizes):
        for choice in range(size):
            if choice != chosen[place]:
                yield (*chosen[:place], choice, *chosen[place + 1 :])
