"""What a few values say of the scale of a metric, before they can tell candidates apart.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

from .factor import Factor
from .finite import finite_exp
from .prediction import Prediction, concatenate, leaves, normal_quantiles, spread_of

Floats = NDArray[np.float64]
_SCATTER = 0.3  # of logarithms about the factor where the model is not trusted: median over 24 metrics of 14 tables
_LEAST_SCATTER, _MOST_SCATTER = 0.01, 1.0  # as a model may have it within one problem
_CONTRADICTED = 0.3  # between logarithms of predictions, whose values no rounding makes equal
_KEPT, _TRUSTED = 0.05, 0.2  # of the ratios between predictions where there is no trust; trust that keeps them all


class ScaleCorrection:
    """A factor between all predictions and all values, and how far the values scatter about it.

    The logarithm of a value over its predicted median is normal about a common number (`Factor`).
    What differs between predictions without any trust says next to nothing: they are drawn together. Several values of
    which none is positive, equal ones of what should differ, and of a model that is not trusted those that are not all
    positive, or all equal, are taken as normal about their mean. Where a model is trusted, the positive ones alone tell
    the factor.

    Args:
        mean: Predictions of the candidates, (n,).
        std: Their standard deviations, (n,).
        values: What was measured, (n,), all finite.
        trust: How far the predictions deserve belief, in [0, 1].
        error: Standard deviation of the logarithm of a factor by which all may be off, as on a device never read; the
            standard deviations have it in them.
    """

    def __init__(self, mean: Floats, std: Floats, values: Floats, trust: float, error: float) -> None:
        self._trust, self._error = trust, error
        self._kept = min(_KEPT + (1 - _KEPT) * trust / _TRUSTED, 1.0)
        own, several = (mean > 0) & (values > 0), len(values) > 1
        self._learnt = bool(own.any() if trust >= _TRUSTED else len(values) and own.all())
        equal = several and np.ptp(values) == 0
        alike = len(values) > 0 and (not self._learnt or equal)
        contradicted = equal and own.all() and np.ptp(np.log(mean)) > _CONTRADICTED
        takes = alike and (trust < _TRUSTED or contradicted or (several and not self._learnt))
        self._signed = _Normal(mean, values) if takes else None
        if self._learnt:
            self._centre = float(np.log(mean[own]).mean())
            away = np.log(values[own]) - self._logarithms(mean[own])
            self._learn(self._scatter(mean[own], std[own], error), away)

    def _learn(self, scatter: Floats, away: Floats) -> None:
        away = away + scatter / 2  # from the medians
        self._factor, self._typical = Factor.learnt(away, scatter, self._error, self._trust), float(scatter.mean())
        # Of the means, which keep their order: all move by as much as those that were measured.
        self._shift = _log_mean(self._factor.quantiles(self._typical, 0.0)[None])[0] - self._typical / 2

    def __call__(self, prediction: Prediction, error: float = 0.0) -> Prediction:
        """Predictions on the scale of the values, as sure as these allow; the ranking stays.

        Args:
            prediction: What the model says.
            error: Standard deviation of the logarithm of a factor between what is asked and what was measured.
        """
        if self._signed:
            return self._signed(prediction)
        if not self._learnt:
            return prediction
        positive = prediction.mean > 0
        if positive.all():
            return self._normal(prediction, error)
        known, others = np.flatnonzero(positive), np.flatnonzero(~positive)
        left, factor = prediction[others], finite_exp(self._shift)
        left = replace(left, lower=factor * left.lower, upper=factor * left.upper)
        both = concatenate([self._normal(prediction[known], error), left])
        return both[np.argsort(np.concatenate([known, others]))]

    def _normal(self, prediction: Prediction, error: float) -> Prediction:
        """The same ranking, on the scale of the values."""
        scatter = self._scatter(prediction.mean, prediction.std, error or self._error)
        quantiles = self._factor.quantiles(self._typical, error)
        wider = np.sqrt(self._factor.variance(scatter, error) / self._factor.variance(np.array(self._typical), error))
        shape = wider[:, None] * (quantiles - quantiles[len(quantiles) // 2])
        centre = self._logarithms(prediction.mean) + self._shift - _log_mean(shape)
        lower, upper, mass = leaves(finite_exp(shape + centre[:, None]))
        return replace(prediction, lower=lower, upper=upper, mass=mass)

    def _logarithms(self, mean: Floats) -> Floats:
        """Logarithms of predictions, drawn together as far as these are not trusted."""
        return self._centre + self._kept * (np.log(mean) - self._centre)

    def _scatter(self, mean: Floats, std: Floats, error: float) -> Floats:
        """Variance of logarithms about a factor, (n,): as the model has it, as far as it is trusted."""
        own = np.clip(np.log1p((std / mean) ** 2) - spread_of(error), _LEAST_SCATTER**2, _MOST_SCATTER**2)
        return own**self._trust * _SCATTER ** (2 - 2 * self._trust)


class _Normal:
    """A normal distribution about the mean of some values for all candidates, which keep their order.

    Args:
        mean: Predictions of the candidates, (n,).
        values: What was measured, (n,).
    """

    def __init__(self, mean: Floats, values: Floats) -> None:
        tiny = np.finfo(np.float64).tiny
        unit = max(float(np.abs(values).max()), tiny)  # squares of the values themselves may overflow
        self._centre, self._predicted = float(values.mean()), float(mean.mean())
        self._unit = max(float(mean.std()), abs(self._predicted), tiny)
        self._spread = max(_spread_of_few(values / unit) * unit, tiny)

    def __call__(self, prediction: Prediction) -> Prediction:
        away = (prediction.mean - self._predicted) / self._unit
        apart = _KEPT * self._spread * away / (1 + np.abs(away))
        knots = normal_quantiles(self._centre + apart, np.full(len(prediction), self._spread))
        lower, upper, mass = leaves(knots)
        return replace(prediction, lower=lower, upper=upper, mass=mass)


def _spread_of_few(values: Floats) -> float:
    """Standard deviation of the normal whose central 90 % hold another value as surely as Student's t has it.

    One more value is supposed to have been measured, which was away from the mean as logarithms are from theirs.
    """
    count, supposed = len(values), _SCATTER * values.mean()
    variance = (((values - values.mean()) ** 2).sum() + supposed**2) / count
    return float(np.sqrt(variance * (1 + 1 / count)) * stdtrit(count, 0.95) / ndtri(0.95))


def _log_mean(quantiles: Floats) -> Floats:
    """Logarithm of the mean, (N,), of what has these logarithms at the ends of its leaves, (N, L + 1)."""
    lower, upper, mass = leaves(finite_exp(quantiles))
    return np.log((mass * (lower / 2 + upper / 2)).sum(axis=1))
