"""What a few values say of the scale of a metric, before they can tell candidates apart.

Shapes: n observations.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .prediction import Prediction

Floats = NDArray[np.float64]
_SPREAD = 2.0  # standard deviation of the logarithm of a factor, if there is one: another unit, another device
_LEAST_ERROR = 0.02  # of the logarithm of a prediction, however sure it is
_LEAST_DOUBT = 0.02  # probability of a factor where the model is trusted most


class Scale:
    """A factor between all predictions and all values, as far as the values are likelier with one than without.

    The logarithm of a value over its prediction is normal, around zero or around a common number that is normal itself;
    the weight of the second is Bayes' (MacKay 2003, chapter 28). Where it is small the predictions stay what they were.

    Args:
        mean: Predictions of the candidates, (n,).
        std: Their standard deviations, (n,).
        values: What was measured, (n,), all finite.
        trust: How far the predictions deserve belief, in [0, 1].
    """

    def __init__(self, mean: Floats, std: Floats, values: Floats, trust: float) -> None:
        self._shift = 0.0
        if len(values) == 0 or (mean <= 0).any() or (values <= 0).any():
            return
        away = np.log(values) - np.log(mean)
        precision = 1 / (np.log1p((std / mean) ** 2) + _LEAST_ERROR**2)
        total = precision.sum() + _SPREAD**-2
        shift = float(precision @ away / total)
        doubt = max(1 - trust, _LEAST_DOUBT)
        odds = np.log(doubt / (1 - doubt + 1e-9)) + (shift**2 * total - np.log(total * _SPREAD**2)) / 2
        self._shift = float(shift / (1 + np.exp(-np.clip(odds, -50, 50))))

    def __call__(self, prediction: Prediction) -> Prediction:
        """Predictions on the scale of the values, no surer than before; the ranking stays."""
        if self._shift == 0:
            return prediction
        factor, own = np.exp(self._shift), prediction
        return Prediction(factor * own.lower, factor * own.upper, own.mass, own.p_fail, own.trust, own.mean)
