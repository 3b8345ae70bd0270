"""Covariances, and what they say of each observation from the others.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

STRAIGHT = 2.0
"""Nats by which evidence must favour kernels with a bend of 1; a few observations cannot tell."""


def squares(a: Floats, b: Floats) -> Floats:
    """Squared distances, (m, n)."""
    return np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T, 0)


def matern(squares: Floats) -> Floats:
    """Matern 5/2 of squared distances, of length 1."""
    root = np.sqrt(5 * squares)
    return (1 + root + root**2 / 3) * np.exp(-root)


def inverse(covariance: Floats, noise: float) -> Floats:
    """Inverse covariance of noisy observations, (n, n)."""
    return np.linalg.inv(covariance + noise * np.eye(len(covariance))).astype(np.float64)


def left_out(inverse: Floats, y: Floats) -> Floats:
    """Predictions of each score from the others (Rasmussen and Williams 2006, equation 5.12), (n,)."""
    return y - inverse @ y / np.diag(inverse)
