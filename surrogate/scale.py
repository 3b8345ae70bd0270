"""What a few values say of the scale of a metric, before they can tell candidates apart.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .prediction import LEVELS, Prediction, leaves

Floats = NDArray[np.float64]
_UNIT = 2.0  # standard deviation of the logarithm of a factor that nobody expected: another unit
_LEAST_DOUBT = 0.02  # probability of such a factor where the model is trusted most
_LEAST_SCATTER, _SCATTER = 0.01, 0.2  # of logarithms about the factor, where the model is trusted, and where it is not
_MOST_SCATTER = 5.0  # a wider one would be no wiser
_SURE = 2.0  # values that what the model says of its own scatter counts for


class Scale:
    """A factor between all predictions and all values, and how far the values scatter about it.

    The logarithm of a value over its prediction is normal about a common number. It is one that the model expects, or
    with some doubt one of another unit; which of both is weighed by Bayes' rule (MacKay 2003, chapter 28).

    Args:
        mean: Predictions of the candidates, (n,).
        std: Their standard deviations, (n,).
        values: What was measured, (n,), all finite.
        trust: How far the predictions deserve belief, in [0, 1].
        error: Standard deviation of the logarithm of a factor by which all may be off, as on a device never read.
    """

    def __init__(self, mean: Floats, std: Floats, values: Floats, trust: float, error: float) -> None:
        self._learnt = len(values) > 0 and bool((mean > 0).all() and (values > 0).all())
        if not self._learnt:
            return
        self._error, self._least = error, _LEAST_SCATTER + _SCATTER * (1 - trust)
        away = np.log(values) - np.log(mean)
        self._noise, precision = 1.0, 1 / self._scatter(mean, std)
        centre = precision @ away / precision.sum()
        excess = precision @ (away - centre) ** 2
        self._noise = (_SURE + excess) / (_SURE + len(away) - 1)
        spreads = error, float(np.hypot(error, _UNIT))
        self._shift, self._variance = _mixed(away, precision / self._noise, spreads, max(1 - trust, _LEAST_DOUBT))

    def __call__(self, prediction: Prediction) -> Prediction:
        """Predictions on the scale of the values, as sure as these allow; the ranking stays."""
        if not self._learnt or (prediction.mean <= 0).any():
            return prediction
        from scipy.special import ndtri

        variance = self._noise * self._scatter(prediction.mean, prediction.std) + self._variance
        ends, upper, mass = leaves(np.exp(np.minimum(np.sqrt(variance), _MOST_SCATTER)[:, None] * ndtri(LEVELS)))
        factor = np.exp(self._shift) * prediction.mean / (mass * (ends + upper) / 2).sum(axis=1)
        scaled = replace(prediction, lower=factor[:, None] * ends, upper=factor[:, None] * upper, mass=mass)
        return replace(scaled, before=prediction.unadapted)

    def _scatter(self, mean: Floats, std: Floats) -> Floats:
        """Variance of logarithms about the factor, as the model has it, (n,)."""
        return np.maximum(np.log1p((std / mean) ** 2) - self._error**2, self._least**2)


def _mixed(away: Floats, precision: Floats, spreads: tuple[float, float], doubt: float) -> tuple[float, float]:
    """Mean and variance of a common number, which has one of two spreads, the second with some doubt."""
    means, variances, odds = np.zeros(2), np.zeros(2), np.log([1 - doubt + 1e-9, doubt])
    for place, spread in enumerate(spreads):
        if spread:
            total = precision.sum() + spread**-2
            means[place], variances[place] = precision @ away / total, 1 / total
            odds[place] += (means[place] ** 2 * total - np.log(total * spread**2)) / 2
    weights = np.exp(odds - odds.max())
    weights /= weights.sum()
    mean = float(weights @ means)
    return mean, float(weights @ (variances + means**2)) - mean**2
