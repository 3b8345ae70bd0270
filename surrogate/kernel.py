"""Covariance of candidates by what the model and their texts say of them.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Parts:
    """What kernels are made of, (m, n) each.

    Products of prior scores, of outlines, of the other features, and a Matern 5/2 of the others; both of fields alone.
    """

    prior: Floats
    outlines: Floats
    details: Floats
    smooth: Floats
    fields: Floats
    smooth_fields: Floats


@dataclass(frozen=True)
class Kernel:
    """Covariance of scores, beside a constant of weight 1.

    Args:
        size: Variance that the features explain.
        detail: Weight of what is not an outline: some metrics follow from those of other devices, others do not. None:
            nothing counts but the fields of the texts, as in a model that has read nothing.
        bend: Share of it that need not be linear in them.
        prior: Weight of the prior's own score.
        noise: Variance of the measurements.
    """

    size: float
    detail: float | None
    bend: float
    prior: float
    noise: float

    def __call__(self, parts: Parts) -> Floats:
        """Covariance between two sets of candidates whose parts are given, without the noise."""
        if self.detail is None:
            features = parts.fields + self.bend * parts.smooth_fields
        else:
            features = parts.outlines + self.detail * parts.details + self.bend * parts.smooth
        return 1.0 + self.prior * parts.prior + self.size * features
