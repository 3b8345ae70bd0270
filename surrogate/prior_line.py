"""The prior on the scale of the values.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .covariance import inverse, left_out
from .features import Features
from .reading import Reading
from .scores import density, means_of_others, spread_of_errors

Floats = NDArray[np.float64]

_LEAST_SLOPE = 0.05  # of values over the prior; one that shows nothing, or the opposite, keeps its ranking but no more
_NOISE = 0.5


class PriorLine:
    """The same ranking as the prior's, but in the user's unit and with the errors that it had.

    Args:
        features: Features of the observed candidates, their prior among them.
        y: Scores of their values, (n,).
    """

    def __init__(self, features: Features, y: Floats) -> None:
        self._features, prior = features, features.prior
        inverted = inverse(1 + prior[:, None] * prior, _NOISE)
        weights = inverted @ y
        slope, self._shift = float(prior @ weights), float(weights.sum())
        self._slope = max(slope, _LEAST_SLOPE)
        self.left_out = left_out(inverted, y) if slope > _LEAST_SLOPE else means_of_others(y)
        self._spread = spread_of_errors(y - self.left_out)

    def __call__(self, reading: Reading) -> tuple[Floats, Floats]:
        """Means and variances of the scores of new candidates, (m,) each."""
        mean = self._shift + self._slope * self._features.prior_of(reading)
        return mean, np.full(len(mean), self._spread**2)

    def density(self, y: Floats) -> float:
        """Mean log density of the observed scores, each expected from the others."""
        return density(y, self.left_out, self._spread)
