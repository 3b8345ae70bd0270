"""What Gaussian processes of a study were fitted to, and their fits, which are renewed as the study grows.

Shapes: n trials that ended, E features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..surrogate.ard_process import GaussianProcess, Hyperparameters, fitted
from ..surrogate.evenly import evenly
from .optuna_scale import Scale

Floats = NDArray[np.float64]

_MOST_FITTED = 100  # trials that hyperparameters are fitted to
_MOSTLY = 0.75  # share of an output that is one value
_NOISY = 0.01  # variance of the noise beyond which an output has a level of its own, of variance 1 from twice it on
_SOON, _GROWTH = 30, 1.1  # trials up to which hyperparameters are fitted anew each time; then at such growth
_SOON_SCALED, _GROWTH_SCALED = 10, 1.3  # the same of scales


class Inputs(NamedTuple):
    """What processes are fitted to.

    Args:
        features: Features of trials, (n, E).
        owners: What each feature is part of, (E,).
        breadth: Lengths that matter to a trial, on average.
    """

    features: Floats
    owners: NDArray[np.intp]
    breadth: float

    def of(self, some: NDArray[np.bool_]) -> Inputs:
        """Those of some trials."""
        return self._replace(features=self.features[some])


class Fits:
    """Scales and hyperparameters of a study's outputs, kept from one proposal to the next."""

    def __init__(self) -> None:
        self._hyper: dict[tuple[str, float], Hyperparameters] = {}
        self._fitted: dict[str, int] = {}
        self._chosen: dict[str, tuple[int, float]] = {}

    def scale(self, name: str, inputs: Inputs, losses: Floats, count: int, shares: Sequence[float]) -> Scale:
        """The scale of most evidence for losses, some of them nan; chosen anew as the study of count trials grows."""
        before, share = self._chosen.get(name, (0, np.inf))
        known = losses[np.isfinite(losses)]
        if not _due(before, count, _SOON_SCALED, _GROWTH_SCALED):
            return Scale(known, share)
        scales = [Scale(known, share) for share in shares]
        some = inputs.of(np.isfinite(losses))
        evidence = [self._fit((name, scale.share), some, scale.scores, afresh=True) for scale in scales]
        best = max(range(len(scales)), key=lambda k: evidence[k] + scales[k].density)
        self._chosen[name], self._fitted[name] = (count, scales[best].share), count
        return scales[best]

    def _renewed(self, name: str, inputs: Inputs, y: Floats, count: int, share: float) -> Hyperparameters:
        """Hyperparameters of one output, fitted anew as the study of count trials grows."""
        if _due(self._fitted.get(name, 0), count, _SOON, _GROWTH):
            self._fit((name, share), inputs, y)
            self._fitted[name] = count
        return self._hyper[name, share]

    def process(
        self, name: str, inputs: Inputs, y: Floats, count: int, share: float, *, levelled: bool = False
    ) -> GaussianProcess:
        """What one output, some of it nan, says of others.

        With levelled, far from all trials it is not expected to be as in their mean, the more so the noisier it is.
        """
        known = np.isfinite(y)
        some, y = inputs.of(known), y[known]
        hyper = self._renewed(name, some, y, count, share)
        level = min(max(hyper.noise / _NOISY - 1, 0.0), 1.0) if levelled else 0.0
        return GaussianProcess(some.features, some.owners, y, hyper, level)

    def _fit(self, key: tuple[str, float], inputs: Inputs, y: Floats, *, afresh: bool = False) -> float:
        """Fit from where the last fit ended; afresh from the usual too, or what few trials say is never left again."""
        usual = Hyperparameters.usual(int(inputs.owners.max()) + 1)
        near = next((hyper for (name, _), hyper in self._hyper.items() if name == key[0]), usual)
        some = evenly(len(y), _MOST_FITTED)
        last, features, few = self._hyper.get(key, near), inputs.features[some], y[some]
        flag = len(few) > 2 and is_flag(few)  # two trials differ in any output
        exact = _repeats(few)
        fits = [
            fitted(features, inputs.owners, few, start, inputs.breadth, flag=flag, exact=exact)
            for start in ([last, usual] if afresh and last is not usual else [last])
        ]
        self._hyper[key], evidence = max(fits, key=lambda fit: fit[1])
        return evidence * len(y) / len(some)


def is_flag(y: Floats) -> bool:
    """Whether an output, some of it nan, has two values at most: their sizes tell nothing."""
    return len(np.unique(y[~np.isnan(y)])) <= 2


def _repeats(y: Floats) -> bool:
    """Whether an output is mostly one value, which no noise would leave so: what differs is no accident."""
    return int(np.unique(y, return_counts=True)[1].max()) >= _MOSTLY * len(y)


def _due(before: int, count: int, soon: int, growth: float) -> bool:
    """Whether what was fitted to so many trials is to be fitted anew."""
    return count < before or (count > before and (count <= soon or count >= growth * before))
