"""Distributions in fewer leaves: what is made wider by an unknown factor need not be finer.

From hundreds of leaves times the quantiles of a factor it takes seconds to read a quantile.

Shapes: N candidates, L leaves, G groups.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Leaves = tuple[Floats, Floats, Floats]
"""Lower ends, upper ends and masses, (N, L) each."""

_SHARES = np.concatenate([[0.002, 0.01, 0.025], np.arange(1, 20) / 20, [0.975, 0.99, 0.998]])
_GROUPS = len(_SHARES) + 1


def condensed(lower: Floats, upper: Floats, mass: Floats) -> Leaves:
    """One leaf for all between two shares of the mass, (N, L) each -> (N, G) each.

    Means stay as they are; so do deviations, but for those of leaves that would change their sign.
    """
    if mass.shape[1] <= _GROUPS:
        return lower, upper, mass
    scale = np.maximum(np.abs(lower), np.abs(upper)).max(axis=1, keepdims=True) + np.finfo(np.float64).tiny
    middle, half, mass = _ascending((lower / scale + upper / scale) / 2, (upper / scale - lower / scale) / 2, mass)
    place, summed = _groups(mass)
    total = summed(np.ones_like(mass))
    mean = _over(summed(middle), total)
    deviation = np.sqrt(_over(summed((middle - mean[place]) ** 2 + half**2 / 3), total))
    wide = np.minimum(np.sqrt(3) * deviation, np.abs(mean))
    lower, upper, total = (own.reshape(len(mass), _GROUPS) for own in (mean - wide, mean + wide, total))
    return scale * lower, scale * upper, total


def _ascending(middle: Floats, half: Floats, mass: Floats) -> Leaves:
    order = np.argsort(middle, axis=1, kind="stable")
    middle, half, mass = (np.take_along_axis(own, order, axis=1) for own in (middle, half, mass))
    return middle, half, mass


def _groups(mass: Floats) -> tuple[NDArray[np.intp], Callable[[Floats], Floats]]:
    """Number of each leaf's group, (N, L), and what sums values of leaves by their mass, (N, L) -> (N * G,)."""
    place = np.searchsorted(_SHARES, np.cumsum(mass, axis=1) - mass / 2) + _GROUPS * np.arange(len(mass))[:, None]

    def summed(values: Floats) -> Floats:
        sums: Any = np.bincount(place.ravel(), (mass * values).ravel(), len(mass) * _GROUPS)
        return sums

    return place, summed


def _over(sums: Floats, total: Floats) -> Floats:
    return np.divide(sums, total, out=np.zeros_like(total), where=total > 0)
