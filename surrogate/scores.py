"""Scores, which are values on a standard scale: what is said of them without any model.

Shapes: n observations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_SPREAD = 0.02
"""No candidate's score is known better."""


def means_of_others(y: Floats) -> Floats:
    """Mean of all numbers but each one, in turn, (n,)."""
    return (y.sum() - y) / (len(y) - 1)


def in_order(texts: Sequence[str], y: Floats) -> list[int]:
    """Rows sorted by what was observed: the order of observing shall not matter, not even in the last digit."""
    return sorted(range(len(y)), key=lambda row: (texts[row], y[row]))


def density(y: Floats, mean: Floats, spread: Floats | float) -> float:
    """Mean log density of numbers under normal distributions, but for a constant."""
    return float((-((y - mean) ** 2) / spread**2 / 2 - np.log(spread)).mean())
