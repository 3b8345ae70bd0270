"""Covariance of candidates by what the model and their texts say of them.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .covariance import STRAIGHT

Floats = NDArray[np.float64]

_SIZES, _DETAILS, _BENDS, _PRIORS = (0.3, 1.0, 3.0, 10.0), (0.03, 1.0), (0.0, 0.5, 2.0), (0.0, 1.0)


@dataclass(frozen=True)
class Parts:
    """What kernels are made of, (m, n) each.

    Products of prior scores, of outlines, of the other features, and a Matern 5/2 of the others.
    """

    prior: Floats
    outlines: Floats
    details: Floats
    smooth: Floats


@dataclass(frozen=True)
class Kernel:
    """Covariance of scores, beside a constant of weight 1.

    Args:
        size: Variance that the features explain.
        detail: Weight of what is not an outline: some metrics follow from those of other devices, others do not.
        bend: Share of it that need not be linear in them.
        prior: Weight of the prior's own score.
    """

    size: float
    detail: float
    bend: float
    prior: float

    def __call__(self, parts: Parts) -> Floats:
        """Covariance between two sets of candidates whose parts are given, without the noise."""
        features = parts.outlines + self.detail * parts.details + self.bend * parts.smooth
        return 1.0 + self.prior * parts.prior + self.size * features

    def odds(self, trust: float) -> float:
        """Log odds before any observation, where the prior deserves so much belief."""
        believing = 2 * np.log(max(trust, 1e-3)) if self.prior else np.log1p(-(min(trust, 0.999) ** 2))
        return float(believing - STRAIGHT * self.bend)


def kernels(trust: float) -> list[tuple[Kernel, float]]:
    """Kernels and their log odds before any observation, where the prior deserves so much belief."""
    every = [Kernel(*own) for own in product(_SIZES, _DETAILS, _BENDS, _PRIORS)]
    return [(kernel, kernel.odds(trust)) for kernel in every]
