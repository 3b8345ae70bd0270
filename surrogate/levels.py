"""Values of several problems of a family on one level, so that what differs between the problems hides no candidate.

A kernel takes a hundred times as long at one size as at another; where neither the model nor a text says so, the size
would be all that the values tell.

Shapes: n observations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .finite import finite_exp

Floats = NDArray[np.float64]

LEVELLED = 5
"""Values of a problem from which on those of others are brought to its level; fewer do not tell it."""


def mean_logarithm(values: Floats, others: Floats) -> Floats:
    """Mean logarithm of the ratio of each column, (K,), of arrays (n, K); nan where not all of it is positive."""
    positive = ((values > 0) & (others > 0)).all(axis=0) & bool(len(values))
    found = np.full(values.shape[1:], np.nan)
    found[positive] = (np.log(values[:, positive]) - np.log(others[:, positive])).mean(axis=0)
    return found


def levelled(values: Floats, expected: Floats, problems: NDArray[np.intp], own: int) -> Floats:
    """Values as if those of each problem deviated by the same factor from what was expected as those of one do.

    By the same difference where one of them is not positive; as they are where that one has none.

    Args:
        values: What was measured, (n,); nan or infinite: the candidate failed.
        expected: What was expected of each, (n,); all alike: of nothing more of one problem than of another.
        problems: Number of the problem of each, (n,).
        own: Number of the problem whose level is taken.
    """
    good = np.isfinite(values)
    positive = bool((values[good] > 0).all() and (expected[good] > 0).all())
    away = np.log(values[good] / expected[good]) if positive else values[good] - expected[good]
    levels = {number: away[problems[good] == number].mean() for number in np.unique(problems[good]).tolist()}
    if own not in levels:
        return values
    moved = np.array([levels[own] - levels[number] for number in problems[good].tolist()])
    found = values.copy()
    found[good] = values[good] * finite_exp(moved) if positive else values[good] + moved
    return found
