"""Which candidates fail, after some did.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .covariance import inverse
from .features import Features
from .kernel import Kernel
from .reading import Reading

Floats = NDArray[np.float64]

_KERNEL, _NOISE = Kernel(size=1.0, detail=1.0, bend=1.0, prior=0.0), 0.3
_FEW = 5  # observations whose failures count half


class Failures:
    """Probability of failure, corrected by the observed failures of similar candidates; untouched without any.

    Args:
        reading: The observed candidates.
        failed: Which of them failed, (n,).
    """

    def __init__(self, reading: Reading, failed: NDArray[np.bool_]) -> None:
        self._weights: Floats | None = None
        if failed.any():
            self._features = Features(reading)
            inverted = inverse(_KERNEL(self._features.among(np.arange(len(failed)))), _NOISE)
            self._weights = len(failed) / (len(failed) + _FEW) * inverted @ (failed - reading.p_fail)

    def __call__(self, reading: Reading) -> Floats:
        """Probabilities of failure of new candidates, (m,)."""
        if self._weights is None:
            return reading.p_fail
        return np.clip(reading.p_fail + _KERNEL(self._features.towards(reading)[0]) @ self._weights, 0, 1)
