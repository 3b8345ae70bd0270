"""Gaussian processes that differ in what they follow, averaged by their evidence.

They differ in how strongly and how smoothly they follow what candidates are compared by, and in how noisy they take the
measurements to be (Rasmussen and Williams 2006). Few measurements need not choose one of them.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .covariance import inverse, left_out
from .evenly import evenly
from .reading import Reading

Floats = NDArray[np.float64]
Parts = TypeVar("Parts")
_Co = TypeVar("_Co", covariant=True)

_MOST_TUNED = 300  # observations on which kernels are rated; all of them are used for the prediction
_AVERAGED, _AVERAGED_OF_MANY = 6, 2  # processes of most evidence that are averaged; each inverts a matrix
_NOISES = (0.01, 0.03, 0.1, 0.3, 1.0)


Kernels = Sequence[tuple[Callable[[Parts], Floats], float]]
"""Kernels, which make of parts a covariance without noise, with their log odds before any observation."""


class Comparison(Protocol[_Co]):
    """What kernels are made of."""

    def among(self, rows: NDArray[np.intp], /) -> _Co:
        """Parts between some of the observed candidates."""
        ...

    def towards(self, reading: Reading, /) -> tuple[_Co, _Co]:
        """Parts between new candidates and the observed ones, (m, n), and of each new one with itself, (m,)."""
        ...


class GaussianProcesses(Generic[Parts]):
    """The processes of most evidence, conditioned on observations.

    Args:
        compared: What the candidates are compared by.
        y: Scores of the values of the observed ones, (n,).
        kernels: Kernels and their log odds before any observation.
    """

    def __init__(self, compared: Comparison[Parts], y: Floats, kernels: Kernels[Parts]) -> None:
        self._compared, self._y = compared, y
        part = evenly(len(y), _MOST_TUNED)
        most = _AVERAGED_OF_MANY if len(y) > _MOST_TUNED else _AVERAGED
        rated = _rated(compared.among(part), y[part], kernels, most)
        parts = compared.among(np.arange(len(y)))
        self._processes = [(kernel, noise, inverse(kernel(parts), noise)) for kernel, noise in rated]
        self._weights = np.array(list(rated.values()))
        self.left_out: Floats = self._weights @ np.array([left_out(own, y) for *_, own in self._processes])

    def __call__(self, reading: Reading) -> tuple[Floats, Floats]:
        """Means and variances of the scores of new candidates, (m,) each."""
        cross, own = self._compared.towards(reading)
        means: list[Floats] = []
        variances: list[Floats] = []
        for kernel, noise, inverted in self._processes:
            covariance = kernel(cross)
            projected = covariance @ inverted
            means.append(projected @ self._y)
            left = kernel(own) - (projected * covariance).sum(axis=1)
            variances.append(np.maximum(left, 0) + noise)
        mean: Floats = self._weights @ np.array(means)
        return mean, self._weights @ (np.array(variances) + (np.array(means) - mean) ** 2)


def _rated(
    parts: Parts, y: Floats, kernels: Kernels[Parts], most: int
) -> dict[tuple[Callable[[Parts], Floats], float], float]:
    """The kernels and noises of most evidence, and their weights."""
    evidence: dict[tuple[Callable[[Parts], Floats], float], float] = {}
    for kernel, odds in kernels:
        # One decomposition serves every noise, which only adds to the eigenvalues.
        values, vectors = np.linalg.eigh(kernel(parts))
        squares = (y @ vectors) ** 2
        for noise in _NOISES:
            spread = np.maximum(values, 0) + noise
            evidence[kernel, noise] = odds - float((squares / spread + np.log(spread)).sum() / 2)
    best = sorted(evidence, key=lambda process: -evidence[process])[:most]
    weights = np.exp([evidence[process] - evidence[best[0]] for process in best])
    return dict(zip(best, (weights / weights.sum()).tolist(), strict=True))
