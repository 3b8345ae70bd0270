"""A factor between predictions and values, of which a few values were measured: a mixture of normals of its logarithm.

Shapes: n observations, K normals, L leaves.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from .prediction import LEVELS, normal_quantiles

Floats = NDArray[np.float64]
_UNIT = 7.0  # standard deviation of the logarithm of a factor that nobody expected: another unit, up to a million times
_LEAST_DOUBT = 0.02  # probability of such a factor where the model is trusted most
_LEAST_SPREAD = 0.01
_UNSURE, _SURE = 1.0, 0.5  # standard deviation of the scatter's logarithm: over 24 metrics of 14 tables; with all trust
_AWAY: Floats = np.linspace(-2.5, 2.5, 21)  # such deviations at which a scatter is weighed


@dataclass(frozen=True, eq=False)
class Factor:
    """What may be, and how likely it is; each possibility is a normal.

    Args:
        means: Means of the factor's logarithm, (K,).
        variances: Its variances, (K,).
        noises: What the variances of values about it are, over what they were expected to be, (K,).
        weights: Probabilities, (K,).
    """

    means: Floats
    variances: Floats
    noises: Floats
    weights: Floats

    @classmethod
    def learnt(cls, away: Floats, scatter: Floats, spread: float, trust: float) -> Factor:
        """What values say, by Bayes' rule (MacKay 2003, chapter 28); how far they scatter is weighed on a grid.

        Args:
            away: Logarithms of the values over what was predicted, (n,).
            scatter: Their expected variances about the factor's, (n,).
            spread: Standard deviation of the factor's logarithm that the model expects, about 0; there may be another
                unit instead.
            trust: How far the expected deserves belief, in [0, 1].
        """
        unit, doubt = float(np.hypot(spread, _UNIT)), max(1 - trust, _LEAST_DOUBT)
        spreads = np.tile([max(spread, _LEAST_SPREAD), unit], len(_AWAY))
        noises = np.repeat(np.exp(2 * (_UNSURE + (_SURE - _UNSURE) * trust) * _AWAY), 2)
        means, variances, evidence = _common(away, noises[:, None] * scatter, spreads)
        odds = evidence + np.add.outer(-(_AWAY**2) / 2, np.log([1 - doubt + 1e-9, doubt])).ravel()
        weights = np.exp(odds - odds.max())
        return cls(means, variances, noises, weights / weights.sum())

    def variance(self, scatter: Floats, error: float) -> Floats:
        """Variances of logarithms that were expected to scatter so, any shape, and are off by an error besides."""
        own = self.weights @ (self.variances + self.means**2) - (self.weights @ self.means) ** 2
        return (self.weights @ self.noises) * scatter + own + error**2

    def quantiles(self, scatter: float, error: float) -> Floats:
        """Ends of the leaves of such a logarithm, (L + 1,)."""
        deviations = np.sqrt(self.variances + self.noises * scatter + error**2)
        ends = np.sort(normal_quantiles(self.means, deviations).ravel())
        quantiles = np.interp(LEVELS, ndtr((ends[:, None] - self.means) / deviations) @ self.weights, ends)
        # The first and the last as of a normal: the mean would be of tails that so few values do not show.
        middle = quantiles[len(quantiles) // 2]
        quantiles[[0, -1]] = middle + (quantiles[[1, -2]] - middle) * ndtri(LEVELS[-1]) / ndtri(LEVELS[-2])
        return quantiles


def _common(away: Floats, scatter: Floats, spreads: Floats) -> tuple[Floats, Floats, Floats]:
    """Means, variances and log evidence, (K,) each, of a number common to n others that scatter about it.

    Args:
        away: These others, (n,).
        scatter: Their variances about it, (K, n).
        spreads: Its standard deviations about 0, (K,).
    """
    precision = (1 / scatter).sum(axis=1) + spreads**-2
    means = (away / scatter).sum(axis=1) / precision
    fit = means**2 * precision - (away**2 / scatter).sum(axis=1)
    return means, 1 / precision, (fit - np.log(scatter).sum(axis=1) - np.log(precision * spreads**2)) / 2
