"""What a language model says of candidates, put together with what their parameters say.

Shapes: m candidates, M objectives.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray

from ..surrogate import Prediction
from .optuna_scale import Scale

Floats = NDArray[np.float64]

_ENDS = (0.1587, 0.5, 0.8413)  # shares of a normal distribution below its mean, and one deviation to each side of it
_SURE = 0.02  # least standard deviation of a score


class Opinion:
    """What is said of the losses of candidates.

    Args:
        predictions: One for each objective, of m candidates each.
        signs: 1 for each objective of which less is better, else -1.
        trust: How far each objective's predictions are to be trusted, (M,).
    """

    def __init__(self, predictions: Sequence[Prediction], signs: Sequence[int], trust: Sequence[float]) -> None:
        ends = [[sign * own.quantile(q) for q in _ENDS] for sign, own in zip(signs, predictions, strict=True)]
        self._ends: Floats = np.sort(ends, axis=1)
        self.trust: Floats = np.array(trust)
        """How far each objective's predictions are to be trusted, (M,)."""
        self.fails: NDArray[np.bool_] = np.any([own.likely_fails for own in predictions], axis=0)
        """Which candidates are likely to fail, (m,)."""

    def __getitem__(self, rows: NDArray[np.intp]) -> Opinion:
        """What is said of some of the candidates, in the order asked."""
        part = copy(self)
        part._ends, part.fails = self._ends[..., rows], self.fails[rows]
        return part

    def averaged(self, scales: Sequence[Scale], means: Floats, stds: Floats) -> tuple[Floats, Floats]:
        """This and another opinion as one normal distribution of scores: the product, each weighed by its trust.

        The weights sum to one, which neither adds nor takes certainty where both have learnt the same of the same
        trials (covariance intersection: Julier and Uhlmann 1997).

        Args:
            scales: Scales of the objectives.
            means: Scores that the other one expects, (m, M); it is fully trusted.
            stds: Their standard deviations, (m, M).
        """
        low, middle, high = np.stack([scale(ends) for scale, ends in zip(scales, self._ends, strict=True)], axis=-1)
        theirs, ours = stds**-2.0, self.trust * np.maximum((high - low) / 2, _SURE) ** -2
        precision = theirs + ours
        return (theirs * means + ours * middle) / precision, np.sqrt((1 + self.trust) / precision)
