"""The scale on which features of different kinds are compared.

Shapes: n rows, F features, V of them that vary.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FARTHEST = 2.5  # standard deviations; a candidate beyond them is no farther


class Standard:
    """Each feature in standard deviations of some rows, all together of unit variance.

    What does not vary among these rows says nothing and is left out.

    Args:
        rows: The rows, (n, F).
    """

    def __init__(self, rows: Floats) -> None:
        self._centre, spread = rows.mean(axis=0), rows.std(axis=0)
        self._varies: NDArray[np.bool_] = spread > 1e-6 * np.maximum(np.abs(self._centre), 1e-6)
        self._spread = spread[self._varies]

    def __call__(self, rows: Floats) -> Floats:
        """Rows on this scale, (n, V)."""
        away = (rows - self._centre)[:, self._varies] / self._spread
        return np.clip(away, -_FARTHEST, _FARTHEST) / np.sqrt(max(1, len(self._spread)))
