"""What other problems of a family taught of one, on the scale of the few values that were measured of it.

A factor lies between devices, data sets and sizes. Pooled with a hundred values of another device, one or two of the
new one say little of that factor, and alone they say nothing of which candidate is better.

Shapes: n values, m candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .adaptation import Adaptation
from .prediction import Prediction
from .reading import Reading
from .scale_correction import ScaleCorrection

Floats = NDArray[np.float64]


class Transfer:
    """The ranking of other problems, and the scale of this one.

    Args:
        taught: What the others taught, and the failures of this one.
        told: What the model says of the measured candidates, n of them, and what it is based on.
        values: What was measured of them, all positive, (n,).
        trust: How far the model alone deserves belief on the problem, in [0, 1].
        error: Standard deviation of the logarithm of the factor that is expected between the problems.
    """

    def __init__(
        self, taught: Adaptation, told: tuple[Prediction, Reading], values: Floats, trust: float, error: float
    ) -> None:
        self._taught, self._error = taught, error
        expected, believed = taught(*told, error), float(taught.trust(np.array(trust)))
        self._scale = ScaleCorrection(expected.mean, expected.std, values, believed, error)

    def trust(self, before: Floats) -> Floats:
        """How far predictions deserve belief: few values change the scale alone (see `Adaptation.trust`)."""
        return self._taught.trust(before)

    def __call__(self, prediction: Prediction, reading: Reading, error: float = 0.0) -> Prediction:
        """Correct the predictions of m candidates.

        Args:
            prediction: What the model says.
            reading: What it is based on.
            error: Standard deviation of the logarithm of a factor by which values may differ from those measured.
        """
        return self._scale(self._taught(prediction, reading, self._error), error)
