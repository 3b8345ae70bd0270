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
from .warp import Warp

Floats = NDArray[np.float64]

_FARTHEST = 2.5  # standard deviations; a candidate beyond them is no farther
_DETAILED, _SMOOTH = (1.0, 0.1), (0.1, 1.0)  # weights of states and fields


class Features:
    """Features on the scale of the observed candidates.

    Args:
        reading: The observed candidates.
    """

    def __init__(self, reading: Reading) -> None:
        self._fields = Fields(reading.texts)
        self._positive = (reading.outlines > 0).all(axis=0)
        self._prior = Warp(reading.prior)
        blocks = self._blocks(reading)
        self._centres = [block.mean(axis=0) for block in blocks]
        self._spreads = [block.std(axis=0) for block in blocks]
        self._observed = self._prior.scores, self._scaled(blocks)

    @property
    def prior(self) -> Floats:
        """Prior scores of the observed candidates, (n,)."""
        return self._prior.scores

    def prior_of(self, reading: Reading) -> Floats:
        """Prior scores of new candidates, (m,)."""
        return self._prior(reading.prior)

    def among(self) -> Parts:
        """Parts between the observed candidates, (n, n)."""
        return self._parts(*self._observed)

    def towards(self, reading: Reading) -> tuple[Parts, Parts]:
        """Parts between new candidates and the observed ones, (m, n), and of each new one with itself, (m,)."""
        prior, blocks = self.prior_of(reading), self._scaled(self._blocks(reading))
        norms = [(block**2).sum(axis=1) for block in blocks]
        ones = np.ones(len(prior))
        itself = Parts(prior**2, norms[0], _weighted(_DETAILED, norms[1:]), ones, norms[2], ones)
        return self._parts(prior, blocks), itself

    def _parts(self, prior: Floats, blocks: list[Floats]) -> Parts:
        own, observed = self._observed
        outlines, *details = (a @ b.T for a, b in zip(blocks, observed, strict=True))
        distances = [squares(a, b) for a, b in zip(blocks[1:], observed[1:], strict=True)]
        smooth = matern(_weighted(_SMOOTH, distances))
        mixed = _weighted(_DETAILED, details)
        return Parts(prior[:, None] * own, outlines, mixed, smooth, details[1], matern(distances[1]))

    def _blocks(self, reading: Reading) -> list[Floats]:
        outlines = reading.outlines.copy()
        outlines[:, self._positive] = np.log(np.maximum(outlines[:, self._positive], np.finfo(np.float64).tiny))
        return [outlines, reading.states, self._fields(reading.texts)]

    def _scaled(self, blocks: list[Floats]) -> list[Floats]:
        """Blocks of unit variance as a whole; what does not vary among the observed says nothing."""
        scaled: list[Floats] = []
        for block, centre, spread in zip(blocks, self._centres, self._spreads, strict=True):
            varies = spread > 1e-6 * np.maximum(np.abs(centre), 1e-6)
            away = np.clip((block - centre)[:, varies] / spread[varies], -_FARTHEST, _FARTHEST)
            scaled.append(away / np.sqrt(max(1, varies.sum())))
        return scaled


def _weighted(weights: Sequence[float], parts: Sequence[Floats]) -> Floats:
    """Weighted sum of arrays."""
    return np.sum([weight * part for weight, part in zip(weights, parts, strict=True)], axis=0)
