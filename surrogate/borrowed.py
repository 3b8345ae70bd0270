"""What values of other problems of a metric teach of one that has none, as of the next shape of a kernel.

A kernel takes a hundred times as long on one shape as on another. What was learnt is on the level of the shape that was
measured; how far the level of the next one is from it, the model says of candidates that both can have.

Shapes: n values, m candidates, K metrics that outlines are of.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .adaptation import Adaptation
from .finite import finite_exp
from .levels import mean_logarithm
from .prediction import Prediction
from .reading import Reading

Floats = NDArray[np.float64]

_ERROR = 0.05  # of the logarithm of a ratio, over it: .03 to .1 on shapes of four kernels that the model has read


@dataclass(frozen=True)
class Ratio:
    """How much more a metric is on one problem than on another.

    Args:
        logarithm: Of the ratio of the predictions.
        outlines: The same of each outline, (K,).
    """

    logarithm: float
    outlines: Floats

    @classmethod
    def between(cls, problem: Reading, other: Reading) -> Ratio:
        """Geometric means over candidates that were read for both; 1 of what is not positive on both."""
        prior = mean_logarithm(problem.prior[:, None], other.prior[:, None])
        return cls(float(np.nan_to_num(prior[0])), np.nan_to_num(mean_logarithm(problem.outlines, other.outlines)))

    @property
    def inverse(self) -> Ratio:
        """How much more it is on the other one."""
        return Ratio(-self.logarithm, -self.outlines)

    @property
    def factor(self) -> float:
        """The ratio itself."""
        return float(finite_exp(np.array(self.logarithm)))

    def __call__(self, reading: Reading) -> Reading:
        """What is said of candidates on the level of the one, of a reading for the other."""
        outlines = reading.outlines * finite_exp(self.outlines)
        return replace(reading, prior=reading.prior * self.factor, std=reading.std * self.factor, outlines=outlines)


class Borrowed:
    """What was learnt on the level of a problem that was measured, as it says of another one.

    Args:
        learnt: What was learnt.
        ratio: How much more the metric is on the problem that is asked.
        trusted: Whether the model deserves any belief on it.
    """

    def __init__(self, learnt: Adaptation, ratio: Ratio, *, trusted: bool) -> None:
        self._learnt, self._ratio, self._trusted = learnt, ratio, trusted

    def trust(self, before: Floats) -> Floats:
        """How far predictions deserve belief (see `Adaptation.trust`)."""
        return self._learnt.trust(before)

    def __call__(self, prediction: Prediction, reading: Reading, error: float = 0.0) -> Prediction:
        """Correct the predictions of m candidates.

        Args:
            prediction: What the model says.
            reading: What it is based on.
            error: Standard deviation of the logarithm of a factor by which values may differ from what the model says.
        """
        back, uncertain = self._ratio.inverse, float(np.hypot(error, _ERROR * self._ratio.logarithm))
        there = prediction.moved(prediction.mean * back.factor)
        told = self._learnt(there, back(reading), uncertain, borrowed=self._trusted)
        return replace(told.moved(told.mean * self._ratio.factor), prior=prediction.mean)
