"""The scale on which measured values are compared: their unit and their outliers do not matter there."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .finite import finite_exp

Floats = NDArray[np.float64]

_FAR = 3.0  # standard deviations beyond the observed values
_STEEPER = 3.0  # times as steep as the half of the values next to it may an end go on
_DECADE = float(np.log(10))  # beyond positive values
_REACH = 2.0  # scores beyond the observed ones from which on values follow by half: a mean must not be one of the tail


class Warp:
    """Monotone map of values to scores of mean 0 and variance about 1, and back.

    A score is midway between the standardised value (its logarithm where all are positive), which keeps distances, and
    the normal score of its rank (van der Waerden 1952), which tames outliers. Between the values it was made of the map
    interpolates, beyond them it goes on with the average slope, and far beyond with less and less; one far value at the
    other end does not set that slope. Values are followed farther than scores: those that are predicted must stay near
    what can be.
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
        self._slopes = _slopes(self._x, self._y)  # below and above

    def __call__(self, values: Floats) -> Floats:
        """Scores of values."""
        floor = np.finfo(np.float64).tiny
        scale = np.log(np.maximum(values, floor)) if self._log else values
        beyond = scale - np.clip(scale, self._x[0], self._x[-1])
        inside, slope = np.interp(scale, self._x, self._y), np.where(beyond < 0, *self._slopes)
        return inside + _softened(np.divide(beyond, slope, out=np.zeros_like(beyond), where=slope > 0), _FAR)

    def inverse(self, scores: Floats) -> Floats:
        """Values of scores."""
        beyond = scores - np.clip(scores, self._y[0], self._y[-1])
        near = np.sign(beyond) * _REACH * np.log1p(np.abs(beyond) / _REACH)
        away = near * np.where(beyond < 0, *self._slopes)
        if not self._log:
            return np.interp(scores, self._y, self._x) + away
        scale = np.interp(scores, self._y, self._x) + _softened(away, _DECADE)
        return finite_exp(scale)


def _slopes(x: Floats, y: Floats) -> tuple[float, float]:
    """Values a score below and above the observed ones: the average, or less where the half that is nearest is flat."""
    average, middle = _slope(x[[0, -1]], y[[0, -1]]), len(x) // 2
    halves = _slope(x[[0, middle]], y[[0, middle]]), _slope(x[[middle, -1]], y[[middle, -1]])
    below, above = (min(average, _STEEPER * own or average) for own in halves)
    return below, above


def _slope(x: Floats, y: Floats) -> float:
    return float((x[1] - x[0]) / (y[1] - y[0])) if y[1] > y[0] else 0.0


def _unit(values: Floats) -> Floats:
    """Values of mean 0 and variance 1; all alike: zeros."""
    values = values / max(np.abs(values).max(), np.finfo(np.float64).tiny)  # squares of huge ones would overflow
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))


def _softened(distances: Floats, far: float) -> Floats:
    """Distances, those that are far by their logarithm: no two of them become equal."""
    beyond = np.maximum(np.abs(distances) - far, 0)
    return np.clip(distances, -far, far) + np.sign(distances) * np.log1p(beyond)
