"""A few measurements of the user's own problem -> better predictions, in milliseconds.

The model's own prediction is the prior. What it makes of a candidate besides, the outlines of the same metric elsewhere
(on other devices, on other data sets), its hidden states before all metrics and the plain fields of the text, are what
Gaussian processes go by; a random forest goes by the fields alone. What they expect, and what the prior says on the
scale of the values, is averaged: each counts the more the better it predicts every measurement from the others (in
closed form, or by the trees that did not see it), the prior also the more it is trusted and the fewer were measured.
The average is used only if it predicts better than the mean of all does, by more than chance; else the prior's ranking
stays, moved to the scale of the values where it lies elsewhere. The scale is all that is learnt of fewer than five, or
of equal values.

Values are standardised on a scale of their own (`Warp`), so that units do not matter: an accuracy may be observed in
per cent.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .failures import Failures
from .features import Features
from .forest import Forest
from .gaussian_processes import GaussianProcesses
from .prediction import Prediction
from .prior_line import LEAST_SPREAD, PriorLine, density, others
from .reading import Reading
from .scale import Scale
from .warp import Warp

Floats = NDArray[np.float64]

_PRIOR_WEIGHT = 8  # observations that the model's own trust counts for, against what the observations show
FEWEST = 5
"""Observations below which only the scale is corrected: leave-one-out could not tell good from bad."""
_FEWEST_OF_A_FOREST = 8  # observations, unless nothing else is known
_CAUTION = 7.0  # observations at which the prior counts as one that is trusted, whatever its trust
_CHANCE = 0.5  # standard errors by which the average must predict better than a mean
_USELESS = 0.8  # of the precision of a mean; what is no more precise counts nothing
_LEAST_ERROR = 1e-9
_HUGE = 1e300  # sums and differences of values stay finite
_LEVELS = np.concatenate([[0.002], np.arange(1, 20) / 20, [0.998]])
_MARGIN = 0.5  # nats an observation by which the prior must fit better on another scale to be moved there
_WIDENED = 20.0  # over the square of the observations: few errors say little of their spread


class Adaptation:
    """What observations teach about a family of problems.

    Args:
        reading: The observed candidates.
        values: What was measured, (n,); nan or infinite: the candidate failed.
        trust: How far the prior deserves belief, in [0, 1]; with 0 there is nothing that a correction had to beat.
    """

    def __init__(self, reading: Reading, values: Floats, trust: float) -> None:
        values = np.where(np.isfinite(values), np.clip(values, -_HUGE, _HUGE), np.nan)
        good = np.isfinite(values)
        self._failures = Failures(reading, ~good)
        self._corrects, self._moves = False, False
        self._seen, self._rank = 0, 0.0
        self._scale = Scale(reading.prior[good], reading.std[good], values[good], trust)
        if good.sum() >= FEWEST and np.ptp(values[good]) > 0:
            self._fit(reading[good], values[good], trust)

    def _fit(self, reading: Reading, values: Floats, trust: float) -> None:
        from scipy.stats import spearmanr

        self._warp, self._features = Warp(values), Features(reading)
        y, count = self._warp.scores, len(values)
        self._processes = GaussianProcesses(self._features, y, trust)
        self._line = PriorLine(self._features.prior, y)
        grown = count >= _FEWEST_OF_A_FOREST or trust == 0
        self._forest = Forest(reading.texts, y) if grown else None
        left_out = self._average_left_out(y, trust)
        gains = (y.mean() - y) ** 2 - (left_out - y) ** 2
        self._corrects = trust == 0 or gains.mean() > _CHANCE * gains.std() / np.sqrt(count)
        self._moves = self._line.density(y) > self._own_density(reading, y) + _MARGIN
        ranked = left_out if self._corrects else self._features.prior
        self._seen = count
        self._rank = float(np.clip(spearmanr(ranked, y).statistic, 0, 1)) if np.ptp(ranked) > 0 else 0.0

    def _average_left_out(self, y: Floats, trust: float) -> Floats:
        """Settle the shares of processes, line and forest; what they expect together of each score from the others."""
        experts = [self._processes.left_out, self._line.left_out, *([self._forest.left_out] if self._forest else [])]
        errors = np.array([_error(left_out, y) for left_out in experts])
        shares = np.maximum(1 / errors - _USELESS / _error(others(y), y), 1e-6)
        shares[1] *= trust + (_CAUTION / len(y)) ** 4 if trust else 0
        self._shares = shares / shares.sum()
        left_out: Floats = self._shares @ np.array(experts)
        self._errors = errors
        self._certainty = _error(left_out, y) / (self._shares @ errors) * (1 + _WIDENED / len(y) ** 2)
        return left_out

    def _own_density(self, reading: Reading, y: Floats) -> float:
        """Mean log density of the measured scores under the model's own distributions, taken as normal."""
        low, middle, high = (self._warp(reading.prior + sign * reading.std) for sign in (-1, 0, 1))
        return density(y, middle, np.maximum((high - low) / 2, LEAST_SPREAD))

    def trust(self, before: Floats) -> Floats:
        """How far predictions deserve belief after the observations, of the trust in the model alone; any shape."""
        return (_PRIOR_WEIGHT * before + self._seen * self._rank) / (_PRIOR_WEIGHT + self._seen)

    def __call__(self, prediction: Prediction, reading: Reading) -> Prediction:
        """Correct the predictions of m candidates."""
        p_fail, trust = self._failures(reading), self.trust(prediction.trust)
        if self._corrects:
            return Prediction(*self._leaves(*self._average(reading)), p_fail, trust, prediction.mean)
        if self._moves:
            mean = self._line(self._features.prior_of(reading))
            spread = np.full(len(mean), self._line.spread)
            return Prediction(*self._leaves(mean, spread), p_fail, trust, prediction.mean)
        own = Prediction(prediction.lower, prediction.upper, prediction.mass, p_fail, trust, prediction.mean)
        return own if self._seen else self._scale(own)

    def _average(self, reading: Reading) -> tuple[Floats, Floats]:
        """Means and standard deviations of the scores of new candidates, (m,) each."""
        mean, variance = self._processes(reading)
        means = [mean, self._line(self._features.prior_of(reading))]
        means += [self._forest(reading.texts)] if self._forest else []
        own = self._shares[0] * variance + self._shares[1:] @ self._errors[1:]
        return self._shares @ np.array(means), np.sqrt(self._certainty * own)

    def _leaves(self, mean: Floats, std: Floats) -> tuple[Floats, Floats, Floats]:
        """Normal distributions of scores, (m,), as leaves between quantiles of values, (m, leaves)."""
        from scipy.special import ndtri

        knots = self._warp.inverse(mean[:, None] + std[:, None] * ndtri(_LEVELS))
        mass = np.broadcast_to(np.diff(_LEVELS) / np.diff(_LEVELS).sum(), (len(mean), len(_LEVELS) - 1))
        return knots[:, :-1], knots[:, 1:], mass


def _error(expected: Floats, y: Floats) -> float:
    """Mean squared error."""
    return float(((expected - y) ** 2).mean()) + _LEAST_ERROR
