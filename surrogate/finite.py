"""Exponentials that stay finite."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FARTHEST = 690.0  # logarithms whose exponentials, and their sums, are finite: of 1e-300 to 1e300


def finite_exp(logarithms: Floats) -> Floats:
    """Exponentials, any shape, those of very large or small logarithms as of the farthest that are finite."""
    return np.exp(np.clip(logarithms, -_FARTHEST, _FARTHEST))
