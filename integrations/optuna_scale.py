"""Scales on which losses look like a smooth process: as they are, or the more logarithmic the longer their tail.

Shapes: n losses.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SHARES = (np.inf, 1.0, 0.1, 0.01)
"""Offsets of the logarithm that are tried, in units of the distance from the best loss to the median one."""
_HUGE, _FAR = 1e300, 1e100  # sums of losses, and squares of distances, stay finite


class Scale:
    """Monotone map of losses to scores of mean 0 and variance 1, and back: the logarithm of the distance to the best.

    Args:
        losses: Finite losses, (n,).
        share: Offset of the logarithm; infinite: the losses as they are.
    """

    def __init__(self, losses: Floats, share: float) -> None:
        losses = np.clip(losses, -_HUGE, _HUGE)
        self._best = float(losses.min())
        self._unit = float(np.median(losses)) - self._best or float(losses.max()) - self._best or 1.0
        self.share = share
        bent = self._bent(losses)
        self._centre, self._spread = float(bent.mean()), float(bent.std()) or 1.0
        self.scores: Floats = self(losses)
        """Scores of the losses, (n,)."""
        bend = 0.0 if np.isinf(share) else np.log(self._away(losses) + share).sum()
        self.density = float(-bend - len(losses) * np.log(self._spread))
        """Logarithm of the scores' slope by the losses, summed, but for a constant of all scales."""

    def _away(self, losses: Floats) -> Floats:
        far = _FAR * self._unit
        return np.clip(losses - self._best, -far, far) / self._unit

    def _bent(self, losses: Floats) -> Floats:
        away = self._away(losses)
        if np.isinf(self.share):
            return away
        return np.log(np.maximum(away, 0) + self.share) - np.log1p(np.maximum(-away, 0) / self.share)

    def __call__(self, losses: Floats) -> Floats:
        """Scores of any losses. Below the best the scale is mirrored: no promise is much better than the best is."""
        return (self._bent(np.clip(losses, -_HUGE, _HUGE)) - self._centre) / self._spread

    def inverse(self, scores: Floats) -> Floats:
        """Losses of scores; none is much better than the best where the scale is logarithmic."""
        bent = scores * self._spread + self._centre
        away = bent if np.isinf(self.share) else np.exp(np.clip(bent, -690, 690)) - self.share
        limit = _HUGE / max(self._unit, 1.0)
        return self._best + np.clip(away, -limit, limit) * self._unit
