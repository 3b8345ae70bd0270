"""A few measurements of the user's own problem -> better predictions, in milliseconds.

The prior is the model's own prediction. A Gaussian process (Rasmussen and Williams 2006) on the model's hidden states
corrects it: values and prior means are turned into normal scores by their ranks, so that units and scales do not matter
(an accuracy may be observed in per cent), then

    score = a + b * prior score + f(states) + noise,

with b and the size of f chosen by marginal likelihood. The correction is used only if it predicts each measurement
from the others (leave-one-out, in closed form) better, by a standard error, than the prior alone and than the mean of
the others do; else the prior stays as it is.

Shapes: n observations, m candidates, F features of a hidden state.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .prediction import Prediction

Floats = NDArray[np.float64]

_PRIOR_WEIGHT = 8  # observations that the model's own trust counts for, against what the observations show
_MARGIN = 1.0  # standard errors by which a correction must beat what it replaces
FEWEST = 4
"""Observations below which nothing is corrected: leave-one-out could not tell good from bad."""
_MOST_TUNED = 300  # observations on which the kernel is chosen; all of them are used for the prediction
_HUGE = 1e300  # sums and differences of values stay finite
_LEVELS = np.concatenate([[0.002], np.arange(1, 20) / 20, [0.998]])
_SCALES, _SIZES, _NOISES = (1.2, 2.5, 5.0), (0.3, 1.0, 3.0, 10.0), (0.01, 0.03, 0.1, 0.3, 1.0)


class NormalScores:
    """Monotone map of values to the normal scores of their ranks, and back (van der Waerden 1952).

    Between the values it was made of it interpolates, beyond them it goes on with the average slope.
    Positive values are interpolated in their logarithm.
    """

    def __init__(self, values: Floats) -> None:
        from scipy.special import ndtri
        from scipy.stats import rankdata

        self._log = bool((values > 0).all())
        scale = np.log(values) if self._log else values
        self.scores: Floats = ndtri((rankdata(values) - 0.5) / len(values))
        self._x, first = np.unique(scale, return_index=True)
        self._y = self.scores[first]
        span = self._y[-1] - self._y[0]
        self._slope = (self._x[-1] - self._x[0]) / span if span > 0 else 0.0

    def __call__(self, values: Floats) -> Floats:
        """Scores of values."""
        floor = np.finfo(np.float64).tiny
        scale = np.log(np.maximum(values, floor)) if self._log else values
        beyond = np.clip(scale, self._x[0], self._x[-1]) - scale
        inside = np.interp(scale, self._x, self._y)
        return inside - (np.clip(beyond / self._slope, -3, 3) if self._slope > 0 else 0.0)

    def inverse(self, scores: Floats) -> Floats:
        """Values of scores."""
        beyond = scores - np.clip(scores, self._y[0], self._y[-1])
        scale = np.interp(scores, self._y, self._x) + beyond * self._slope
        return np.exp(np.clip(scale, -690, 690)) if self._log else scale  # within 1e-300 to 1e300


@dataclass(frozen=True)
class Kernel:
    """Covariance of the corrections: constant and prior score with weight 1, states with a size and a length scale."""

    scale: float
    size: float
    noise: float

    def __call__(self, a: tuple[Floats, Floats], b: tuple[Floats, Floats]) -> Floats:
        """Covariance between two sets of (prior scores, states), (n, m)."""
        linear = 1.0 + a[0][:, None] * b[0][None]
        if self.size == 0:
            return linear
        squared = (a[1] ** 2).sum(1)[:, None] + (b[1] ** 2).sum(1) - 2 * a[1] @ b[1].T
        root = np.sqrt(5 * np.maximum(squared, 0)) / self.scale
        return linear + self.size * (1 + root + root**2 / 3) * np.exp(-root)  # Matern 5/2

    def solve(self, x: tuple[Floats, Floats], y: Floats) -> tuple[Floats, Floats]:
        """Inverse covariance of noisy observations, (n, n), and the weights K^-1 y, (n,)."""
        inverse = np.linalg.inv(self(x, x) + self.noise * np.eye(len(y))).astype(np.float64)
        return inverse, inverse @ y


_PRIOR_ONLY = Kernel(scale=1.0, size=0.0, noise=0.5)


class Adaptation:
    """What observations teach about a family of problems.

    Args:
        prior: Predicted means of the observed candidates, (n,).
        p_fail: Their predicted probabilities of failure, (n,).
        states: Their hidden states, (n, F).
        values: What was measured, (n,); nan or infinite: the candidate failed.
    """

    def __init__(self, prior: Floats, p_fail: Floats, states: Floats, values: Floats) -> None:
        values = np.where(np.isfinite(values), np.clip(values, -_HUGE, _HUGE), np.nan)
        good = np.isfinite(values)
        self._failures = _Failures(states, p_fail, ~good)
        self._corrects = False
        self._seen, self._rank = 0, 0.0
        if good.sum() < FEWEST or np.ptp(values[good]) == 0:
            return
        self._prior, self._warp = NormalScores(prior[good]), NormalScores(values[good])
        self._centre, self._spread = _standard(states[good])
        self._x = self._prior.scores, (states[good] - self._centre) / self._spread
        self._fit(self._warp.scores)

    def _fit(self, y: Floats) -> None:
        from scipy.stats import spearmanr

        self._kernel = _choose(self._x, y)
        self._inverse, self._weights = self._kernel.solve(self._x, y)
        left_out = y - self._weights / np.diag(self._inverse)
        alone, weights = _PRIOR_ONLY.solve(self._x, y)
        rivals = weights / np.diag(alone), y * len(y) / (len(y) - 1)  # errors of the prior, and of the others' mean
        gains = [rival**2 - (left_out - y) ** 2 for rival in rivals]
        # By more than its standard error: on pure noise the best of many kernels looks better than none by chance.
        self._corrects = all(gain.mean() > _MARGIN * gain.std() / np.sqrt(len(y)) for gain in gains)
        ranked = left_out if self._corrects else self._x[0]
        self._seen = len(y)
        self._rank = float(np.clip(spearmanr(ranked, y).statistic, 0, 1)) if np.ptp(ranked) > 0 else 0.0

    def __call__(self, prediction: Prediction, states: Floats) -> Prediction:
        """Correct the predictions of m candidates with hidden states (m, F)."""
        p_fail = self._failures(prediction.p_fail, states)
        trust = (_PRIOR_WEIGHT * prediction.trust + self._seen * self._rank) / (_PRIOR_WEIGHT + self._seen)
        if not self._corrects:
            return Prediction(prediction.lower, prediction.upper, prediction.mass, p_fail, trust)
        new = self._prior(prediction.mean), (states - self._centre) / self._spread
        cross = self._kernel(new, self._x)
        mean = cross @ self._weights
        own = 1.0 + new[0] ** 2 + self._kernel.size + self._kernel.noise
        variance = np.maximum(own - ((cross @ self._inverse) * cross).sum(axis=1), self._kernel.noise)
        return Prediction(*self._leaves(mean, np.sqrt(variance)), p_fail, trust)

    def _leaves(self, mean: Floats, std: Floats) -> tuple[Floats, Floats, Floats]:
        """Normal distributions of scores, (m,), as leaves between quantiles of values, (m, leaves)."""
        from scipy.special import ndtri

        knots = self._warp.inverse(mean[:, None] + std[:, None] * ndtri(_LEVELS))
        mass = np.broadcast_to(np.diff(_LEVELS) / np.diff(_LEVELS).sum(), (len(mean), len(_LEVELS) - 1))
        return knots[:, :-1], knots[:, 1:], mass


class _Failures:
    """Probability of failure, corrected by the observed failures of similar candidates; untouched without any."""

    def __init__(self, states: Floats, p_fail: Floats, failed: NDArray[np.bool_]) -> None:
        self._weights: Floats | None = None
        if failed.any():
            self._centre, self._spread = _standard(states)
            self._x = np.zeros(len(states)), (states - self._centre) / self._spread
            self._kernel = Kernel(scale=0.6, size=1.0, noise=0.3)
            self._weights = self._kernel.solve(self._x, failed - p_fail)[1]

    def __call__(self, p_fail: Floats, states: Floats) -> Floats:
        if self._weights is None:
            return p_fail
        new = np.zeros(len(states)), (states - self._centre) / self._spread
        return np.clip(p_fail + self._kernel(new, self._x) @ self._weights, 0, 1)


def _standard(states: Floats) -> tuple[Floats, Floats]:
    """Centre and spread that bring states to a mean squared distance of 2 between two observations."""
    centre, spread = states.mean(axis=0), states.std(axis=0)
    return centre, np.maximum(spread, 1e-6) * np.sqrt(states.shape[1])


def _choose(x: tuple[Floats, Floats], y: Floats) -> Kernel:
    """The kernel of highest marginal likelihood, on a spread-out part of many observations."""
    part = np.linspace(0, len(y) - 1, min(len(y), _MOST_TUNED)).astype(int)
    x, y = (x[0][part], x[1][part]), y[part]
    likelihoods: dict[Kernel, float] = {}
    for scale, size in [(1.0, 0.0), *product(_SCALES, _SIZES)]:
        # One decomposition serves every noise, which only adds to the eigenvalues.
        values, vectors = np.linalg.eigh(Kernel(scale, size, 0.0)(x, x))
        squares = (y @ vectors) ** 2
        for noise in _NOISES:
            spread = np.maximum(values, 0) + noise
            likelihoods[Kernel(scale, size, noise)] = float(-(squares / spread + np.log(spread)).sum() / 2)
    return max(likelihoods, key=lambda kernel: likelihoods[kernel])
