"""A few measurements of the user's own problem -> better predictions, in milliseconds to seconds.

The model's own prediction is the prior. What it makes of a candidate besides, the outlines of the same metric elsewhere
(on other devices, on other data sets), its hidden states before these and the plain fields of the text, are what
Gaussian processes go by, unless the model has read nothing of the space. Others add up what a candidate consists of,
the operations in its text and the numbers that it states; one finds out how much each plain field matters. A random
forest goes by these fields, or by the graph that a text writes. What they expect, and what the prior says on the scale
of the values, is averaged: each counts the more the better it predicts every measurement from the others (in closed
form, or by the trees that did not see it), the prior also the more it is trusted and the fewer were measured. The
average is used only if it predicts better than the mean of all does, by more than chance, and clearly better than a
prior that is believed; else the prior's ranking stays, moved to the scale of the values where it lies elsewhere. The
scale is all that is learnt of fewer than five, or of equal values. The more words a candidate has that neither the
model nor the observed ones had, the less it is expected to differ from a mean, with the error of one.

Values are standardised on a scale of their own (`Warp`), so that units do not matter: an accuracy may be observed in
per cent.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .average import Average
from .failures import Failures
from .features import Features
from .finite import finite_exp
from .levels import mean_logarithm
from .metrics import spearman
from .prediction import Prediction, leaves, normal_quantiles
from .reading import Reading
from .scale_correction import ScaleCorrection
from .scores import LEAST_SPREAD, density, spread_of_errors, wider
from .warp import Warp
from .wording import newness, strangeness, vocabulary

Floats = NDArray[np.float64]

_PRIOR_WEIGHT = 8  # observations that the model's own trust counts for, against what the observations show
FEWEST = 5
"""Observations below which only the scale is corrected: leave-one-out could not tell good from bad."""
_CHANCE = 0.5  # standard errors by which the average must predict better than a mean
_HUGE = 1e300  # sums and differences of values stay finite
_CLEARLY = 0.3  # nats an observation by which what was learnt must fit better than a prior that is fully believed
_MARGIN = 0.5  # nats an observation by which the prior must fit better on another scale to be moved there


class Adaptation:
    """What observations teach about a family of problems.

    Args:
        reading: The observed candidates.
        values: What was measured, (n,); nan or infinite: the candidate failed.
        trust: How far the prior deserves belief, in [0, 1]; with 0 there is nothing that a correction had to beat.
        error: Standard deviation of the logarithm of a factor by which the prior may be off as a whole, which its own
            standard deviations have in them.
        words: What occurs in candidates that the model knows, beside those observed; None: it knows any.
        own: Which values are of the problem that is asked, (n,), the others on its level; None: all of them.
    """

    def __init__(
        self,
        reading: Reading,
        values: Floats,
        trust: float,
        error: float = 0.0,
        words: frozenset[str] | None = frozenset(),
        own: NDArray[np.bool_] | None = None,
    ) -> None:
        self._words = frozenset[str]() if words is None else words.union(*map(vocabulary, reading.texts))
        values = np.where(np.isfinite(values), np.clip(values, -_HUGE, _HUGE), np.nan)
        good = np.isfinite(values)
        self._failures = Failures(reading, ~good)
        self._expected: Callable[[Reading], tuple[Floats, Floats]] | None = None  # means and variances of scores
        self._left_out = np.full(len(values), np.nan)
        self._values, self._seen, self._rank = values, 0, 0.0
        self._scale = ScaleCorrection(reading.prior[good], reading.std[good], values[good], trust, error)
        self._away = float(mean_logarithm(values[good, None], reading.prior[good, None])[0])
        if good.sum() >= FEWEST and np.ptp(values[good]) > 0:
            self._left_out[good] = self._fit(reading[good], values[good], trust, (good if own is None else own)[good])
            self._rank = self.rank(good)

    def _fit(self, reading: Reading, values: Floats, trust: float, own: NDArray[np.bool_]) -> Floats:
        """Learn from values that differ; returns what is said of each from the others, nan if they are all alike."""
        self._warp, features = Warp(values), Features(reading)
        y, count = self._warp.scores, len(values)
        if np.ptp(y) == 0:
            return np.full(count, np.nan)  # on this scale
        average, alone = Average(features, reading, y, trust), self._own_density(reading, y)
        left_out = average.left_out
        gains = (y.mean() - y) ** 2 - (left_out - y) ** 2
        clearly = density(y, left_out, spread_of_errors(y - left_out)) > alone + _CLEARLY * trust
        corrects = trust == 0 or (clearly and gains.mean() > _CHANCE * gains.std() / np.sqrt(count))
        moves = average.line.density(y) > alone + _MARGIN
        self._expected = average if corrects else average.line if moves else None
        self._seen = count
        told = left_out if corrects else average.line.left_out
        self._wider = 1.0 if own.all() else wider(told - y, own)
        return left_out if corrects else features.prior

    def rank(self, some: NDArray[np.bool_]) -> float:
        """Rank correlation of some values, (n,), with what the others say of them, in [0, 1], if any."""
        told = some & np.isfinite(self._left_out)
        return float(np.clip(np.nan_to_num(spearman(self._left_out[told], self._values[told])), 0, 1))

    def _own_density(self, reading: Reading, y: Floats) -> float:
        """Mean log density of the measured scores under the model's own distributions, taken as normal."""
        low, middle, high = (self._warp(reading.prior + sign * reading.std) for sign in (-1, 0, 1))
        return density(y, middle, np.maximum((high - low) / 2, LEAST_SPREAD))

    def trust(self, before: Floats, new: Floats | float = 0.0) -> Floats:
        """How far predictions deserve belief after the observations.

        Args:
            before: Trust in the model alone, of any shape.
            new: Share of what the observations tell that words never read take from it.
        """
        return (_PRIOR_WEIGHT * before + self._seen * self._rank * (1 - new)) / (_PRIOR_WEIGHT + self._seen)

    def __call__(
        self, prediction: Prediction, reading: Reading, error: float = 0.0, *, borrowed: bool = False
    ) -> Prediction:
        """Correct the predictions of m candidates.

        Args:
            prediction: What the model says.
            reading: What it is based on.
            error: Standard deviation of the logarithm of a factor by which all values may differ from those observed,
                as of another size of a kernel.
            borrowed: Whether the values are those of another problem, which may rank candidates in another way: what
                they taught and what the model says of this one then count as much.
        """
        new = strangeness(newness(reading.texts, self._words))
        p_fail, trust = self._failures(reading), self.trust(prediction.trust, new)
        if self._expected is not None:
            expected, variance = self._expected(reading)
            mean, certain = (1 - new) * expected, (1 - new) * variance  # those of all scores are 0 and 1

            def normal(factor: float) -> Prediction:
                knots = self._warp.inverse(normal_quantiles(mean, np.sqrt(factor * certain + new)))
                return Prediction(*leaves(knots), p_fail, trust, prediction.mean)

            told = normal(1.0)
            told = told if self._wider == 1 else normal(self._wider).moved(told.mean)
            told = told.rescaled(error)
            return told.moved(_between(told.mean, prediction.mean, self._away)) if borrowed else told
        own = Prediction(prediction.lower, prediction.upper, prediction.mass, p_fail, trust, prediction.mean)
        return self._scale(own, error)


def _between(means: Floats, prior: Floats, away: float) -> Floats:
    """Geometric means of what is expected and of the prior, which values are away from; as expected if not positive."""
    positive = (means > 0) & (prior > 0) & np.isfinite(away)
    return np.sqrt(means * prior * finite_exp(np.array(away)), out=means.copy(), where=positive)
