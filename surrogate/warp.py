"""The scale on which measured values are compared: their unit and their outliers do not matter there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_FAR = 3.0  # standard deviations beyond the observed values
_REACH = 2.0  # scores beyond the observed ones from which on values follow by half: a mean must not be one of the tail


class Warp:
    """Monotone map of values to scores of mean 0 and variance about 1, and back.

    A score is midway between the standardised value (its logarithm where all are positive), which keeps distances, and
    the normal score of its rank (van der Waerden 1952), which tames outliers. Between the values it was made of the map
    interpolates, beyond them it goes on with the average slope, and far beyond with less and less. Values are followed
    farther than scores: those that are predicted must stay near what can be.
    """

    def __init__(self, values: Floats) -> None:
        from scipy.special import ndtri
        from scipy.stats import rankdata

        self._log = bool((values > 0).all())
        scale = np.log(values) if self._log else values
        normal: Floats = ndtri((rankdata(scale) - 0.5) / len(scale))  # neighbours may have one logarithm
        self.scores: Floats = _unit(scale) / 2 + _unit(normal) / 2
        self._x, first = np.unique(scale, return_index=True)
        self._y = self.scores[first]
        span = self._y[-1] - self._y[0]
        self._slope = (self._x[-1] - self._x[0]) / span if span > 0 else 0.0

    def __call__(self, values: Floats) -> Floats:
        """Scores of values."""
        floor = np.finfo(np.float64).tiny
        scale = np.log(np.maximum(values, floor)) if self._log else values
        beyond = np.clip(scale, self._x[0], self._x[-1]) - scale
        inside = np.interp(scale, self._x, self._y)
        return inside - (_softened(beyond / self._slope) if self._slope > 0 else 0.0)

    def inverse(self, scores: Floats) -> Floats:
        """Values of scores."""
        beyond = scores - np.clip(scores, self._y[0], self._y[-1])
        near = np.sign(beyond) * _REACH * np.log1p(np.abs(beyond) / _REACH)
        scale = np.interp(scores, self._y, self._x) + near * self._slope
        return np.exp(np.clip(scale, -690, 690)) if self._log else scale  # within 1e-300 to 1e300


def _unit(values: Floats) -> Floats:
    """Values of mean 0 and variance 1; all alike: zeros."""
    values = values / max(np.abs(values).max(), np.finfo(np.float64).tiny)  # squares of huge ones would overflow
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))


def _softened(scores: Floats) -> Floats:
    """Distances, large ones by their logarithm: no two of them become equal."""
    far = np.maximum(np.abs(scores) - _FAR, 0)
    return np.clip(scores, -_FAR, _FAR) + np.sign(scores) * np.log1p(far)
