"""Gaussian processes that differ in what they follow, averaged by their evidence.

They differ in how much they believe the prior, how strongly and how smoothly they follow the features, and how noisy
they take the measurements to be (Rasmussen and Williams 2006). Few measurements need not choose one of them.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from .covariance import inverse, left_out
from .features import Features
from .kernel import Kernel, Parts
from .reading import Reading

Floats = NDArray[np.float64]

_MOST_TUNED = 300  # observations on which kernels are rated; all of them are used for the prediction
_MANY = 60  # observations from which fields alone may explain what the model is known to see more in
_AVERAGED = 6  # kernels of most evidence that are averaged
_STRAIGHT = 2.0  # nats by which evidence must favour a bend of 1; a few observations cannot tell
_SIZES, _BENDS, _DETAILS = (0.3, 1.0, 3.0, 10.0), (0.0, 0.5, 2.0), (0.03, 1.0)
_PRIORS, _NOISES = (0.0, 1.0), (0.01, 0.03, 0.1, 0.3, 1.0)


class GaussianProcesses:
    """The processes of most evidence, conditioned on observations.

    Args:
        features: Features of the observed candidates.
        y: Scores of their values, (n,).
        trust: How far the prior deserves belief, in [0, 1].
    """

    def __init__(self, features: Features, y: Floats, trust: float) -> None:
        parts = features.among()
        self._features, self._y = features, y
        self._kernels = _rated(parts, y, trust)
        self._inverses = [inverse(kernel(parts), kernel.noise) for kernel in self._kernels]
        self._weights = np.array(list(self._kernels.values()))
        self.left_out: Floats = self._weights @ np.array([left_out(own, y) for own in self._inverses])

    def __call__(self, reading: Reading) -> tuple[Floats, Floats]:
        """Means and variances of the scores of new candidates, (m,) each."""
        cross, own = self._features.towards(reading)
        means: list[Floats] = []
        variances: list[Floats] = []
        for kernel, inverted in zip(self._kernels, self._inverses, strict=True):
            covariance = kernel(cross)
            projected = covariance @ inverted
            means.append(projected @ self._y)
            left = kernel(own) - (projected * covariance).sum(axis=1)
            variances.append(np.maximum(left, 0) + kernel.noise)
        mean: Floats = self._weights @ np.array(means)
        return mean, self._weights @ (np.array(variances) + (np.array(means) - mean) ** 2)


def _rated(parts: Parts, y: Floats, trust: float) -> dict[Kernel, float]:
    """The kernels of most evidence, rated on a spread-out part of many observations, and their weights."""
    part = np.linspace(0, len(y) - 1, min(len(y), _MOST_TUNED)).astype(int)
    some = Parts(*(block[np.ix_(part, part)] for block in vars(parts).values()))
    evidence: dict[Kernel, float] = {}
    details = _DETAILS if trust else _DETAILS[-1:]  # outlines of an unknown space are guesses, no better than states
    if parts.fields.any() and (not trust or len(y) >= _MANY):
        details = (*details, None)
    for size, detail, bend, prior in product(_SIZES, details, _BENDS, _PRIORS):
        # One decomposition serves every noise, which only adds to the eigenvalues.
        values, vectors = np.linalg.eigh(Kernel(size, detail, bend, prior, 0.0)(some))
        squares = (y[part] @ vectors) ** 2
        odds = 2 * np.log(max(trust, 1e-3)) if prior else np.log1p(-(min(trust, 0.999) ** 2))
        odds -= _STRAIGHT * bend
        for noise in _NOISES:
            spread = np.maximum(values, 0) + noise
            kernel = Kernel(size, detail, bend, prior, noise)
            evidence[kernel] = odds - float((squares / spread + np.log(spread)).sum() / 2)
    best = sorted(evidence, key=lambda kernel: -evidence[kernel])[:_AVERAGED]
    weights = np.exp([evidence[kernel] - evidence[best[0]] for kernel in best])
    return dict(zip(best, (weights / weights.sum()).tolist(), strict=True))
