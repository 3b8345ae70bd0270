"""What candidates are compared by, on the scale of the observed ones.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .covariance import matern, squares
from .fields import Fields
from .kernel import Parts
from .reading import Reading
from .standard import Standard
from .warp import Warp

Floats = NDArray[np.float64]
Scaled = tuple[Floats, list[Floats]]
"""Prior scores, and blocks of features."""

_DETAILED, _SMOOTH = (1.0, 0.1), (0.1, 1.0)  # weights of states and fields


class Features:
    """Features on the scale of the observed candidates.

    Args:
        reading: The observed candidates.
    """

    def __init__(self, reading: Reading) -> None:
        self.fields = Fields(reading.texts)
        """Plain fields of the texts, which others learn from too."""
        self._positive = (reading.outlines > 0).all(axis=0)
        self._prior = Warp(reading.prior)
        blocks = self._blocks(reading)
        self._standards = [Standard(block) for block in blocks]
        self._observed = self._prior.scores, self._scaled(blocks)

    @property
    def prior(self) -> Floats:
        """Prior scores of the observed candidates, (n,)."""
        return self._prior.scores

    def prior_of(self, reading: Reading) -> Floats:
        """Prior scores of new candidates, (m,)."""
        return self._prior(reading.prior)

    def among(self, rows: NDArray[np.intp]) -> Parts:
        """Parts between some of the observed candidates."""
        prior, blocks = self._observed
        some = prior[rows], [block[rows] for block in blocks]
        return _parts(some, some)

    def towards(self, reading: Reading) -> tuple[Parts, Parts]:
        """Parts between new candidates and the observed ones, (m, n), and of each new one with itself, (m,)."""
        prior, blocks = self.prior_of(reading), self._scaled(self._blocks(reading))
        norms = [(block**2).sum(axis=1) for block in blocks]
        ones = np.ones(len(prior))
        itself = Parts(prior**2, norms[0], _weighted(_DETAILED, norms[1:]), ones)
        return _parts((prior, blocks), self._observed), itself

    def _blocks(self, reading: Reading) -> list[Floats]:
        outlines = reading.outlines.copy()
        outlines[:, self._positive] = np.log(np.maximum(outlines[:, self._positive], np.finfo(np.float64).tiny))
        return [outlines, reading.states, self.fields(reading.texts)]

    def _scaled(self, blocks: list[Floats]) -> list[Floats]:
        return [standard(block) for standard, block in zip(self._standards, blocks, strict=True)]


def _parts(new: Scaled, observed: Scaled) -> Parts:
    (prior, blocks), (own, others) = new, observed
    outlines, *details = (a @ b.T for a, b in zip(blocks, others, strict=True))
    distances = [squares(a, b) for a, b in zip(blocks[1:], others[1:], strict=True)]
    smooth = matern(_weighted(_SMOOTH, distances))
    return Parts(prior[:, None] * own, outlines, _weighted(_DETAILED, details), smooth)


def _weighted(weights: Sequence[float], parts: Sequence[Floats]) -> Floats:
    """Weighted sum of arrays."""
    return np.sum([weight * part for weight, part in zip(weights, parts, strict=True)], axis=0)
