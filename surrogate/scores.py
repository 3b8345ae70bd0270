"""Scores, which are values on a standard scale: what is said of them without any model.

Shapes: n observations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LEAST_SPREAD = 0.02
"""No candidate's score is known better."""


def others(y: Floats) -> Floats:
    """Mean of all numbers but each one, (n,)."""
    return (y.sum() - y) / (len(y) - 1)


def density(y: Floats, mean: Floats, spread: Floats | float) -> float:
    """Mean log density of numbers under normal distributions, but for a constant."""
    return float((-((y - mean) ** 2) / spread**2 / 2 - np.log(spread)).mean())
