"""Spaces whose candidates are a choice at each of several places: drawing them, and changing one place, or a value."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from math import isfinite, prod
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


def near(value: object, *, double: bool = True) -> list[int | float]:
    """The values next to one of which no choices are known; of what is no number or switch none.

    Args:
        value: A switch, of which the other one is near; a float, of which half and double are; or a whole number: of a
            power of two they are, too, of any other those one below and above, from 1 on.
        double: Whether powers of two are apart from other whole numbers; a count (of stages, say) goes by one.
    """
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, float):
        return [other for other in (value / 2, value * 2) if isfinite(other) and other != value]
    if not isinstance(value, int):
        return []
    doubles = double and value > 0 and value.bit_count() == 1
    return [other for other in ((value // 2, value * 2) if doubles else (value - 1, value + 1)) if other >= 1]
