"""A few measurements of the user's own problem -> better predictions, in milliseconds.

The model's own prediction is the prior. What it makes of a candidate besides, the outlines of the same metric elsewhere
(on other devices, on other data sets), its hidden states before all metrics and the plain fields of the text, are the
features of Gaussian processes (Rasmussen and Williams 2006) that differ in how much they believe the prior, how
strongly and how smoothly they follow the features, and how noisy they take the measurements to be. They are averaged by
their evidence, so that few measurements do not have to choose one of them. The average is used only if it predicts each
measurement from the others (leave-one-out, in closed form) better than the prior alone and than the mean of the others
do, by more than chance; else the prior's ranking stays, moved to the scale of the values where it lies elsewhere. The
scale is all that is learnt of fewer than five, or of equal values.

Values are standardised on a scale of their own (`Warp`), so that units do not matter: an accuracy may be observed in
per cent.

Shapes: n observations, m candidates, K known metrics of the word asked, F numbers of the hidden states, B fields.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .fields import Fields
from .prediction import Prediction
from .scale import Scale

Floats = NDArray[np.float64]

_PRIOR_WEIGHT = 8  # observations that the model's own trust counts for, against what the observations show
_CAUTION = 5.0  # its square over that of their number: standard errors that a correction must gain beside the trust
FEWEST = 5
"""Observations below which only the scale is corrected: leave-one-out could not tell good from bad."""
_MOST_TUNED = 300  # observations on which kernels are rated; all of them are used for the prediction
_MANY = 60  # observations from which fields alone may explain what the model is known to see more in
_AVERAGED = 6  # kernels of most evidence that are averaged
_HUGE = 1e300  # sums and differences of values stay finite
_LEVELS = np.concatenate([[0.002], np.arange(1, 20) / 20, [0.998]])
_FARTHEST = 2.5  # standard deviations; a candidate beyond them is no farther
_LEAST_TRUST = 0.3
_MARGIN = 0.5  # nats an observation by which the prior must fit better on another scale to be moved there
_LEAST_SLOPE = 0.05  # of values over the prior; one that shows nothing, or the opposite, keeps its ranking but no more
_PRIOR_NOISE, _LEAST_SPREAD = 0.5, 0.02
_STRAIGHT = 2.0  # nats by which evidence must favour a bend of 1; a few observations cannot tell
_DETAILED, _SMOOTH = (1.0, 0.1), (0.1, 1.0)  # weights of states and fields
_SIZES, _BENDS, _DETAILS = (0.3, 1.0, 3.0, 10.0), (0.0, 0.5, 2.0), (0.03, 1.0)
_PRIORS, _NOISES = (0.0, 1.0), (0.01, 0.03, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Reading:
    """What is known of candidates before any is measured.

    Args:
        texts: The candidates, n of them.
        prior: Predicted means, (n,).
        std: Predicted standard deviations, (n,).
        p_fail: Predicted probabilities of failure, (n,).
        outlines: Cheap means of the metric asked and of the known ones of its word, (n, K).
        states: Hidden states before these metrics are written, (n, F).
    """

    texts: Sequence[str]
    prior: Floats
    std: Floats
    p_fail: Floats
    outlines: Floats
    states: Floats

    def __getitem__(self, rows: NDArray[np.bool_]) -> Reading:
        """Some of the candidates."""
        texts = [text for text, kept in zip(self.texts, rows, strict=True) if kept]
        arrays = (self.prior, self.std, self.p_fail, self.outlines, self.states)
        return Reading(texts, *(array[rows] for array in arrays))


class Warp:
    """Monotone map of values to scores of mean 0 and variance about 1, and back.

    A score is midway between the standardised value (its logarithm where all are positive), which keeps distances, and
    the normal score of its rank (van der Waerden 1952), which tames outliers. Between the values it was made of the map
    interpolates, beyond them it goes on with the average slope.
    """

    def __init__(self, values: Floats) -> None:
        from scipy.special import ndtri
        from scipy.stats import rankdata

        self._log = bool((values > 0).all())
        scale = np.log(values) if self._log else values
        normal: Floats = ndtri((rankdata(scale) - 0.5) / len(scale))  # neighbours may have one logarithm
        self.scores: Floats = _unit(scale) / 2 + _unit(normal) / 2
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
class _Parts:
    """What kernels are made of, (m, n) each.

    Products of prior scores, of outlines, of the other features, and a Matern 5/2 of the others; both of fields alone.
    """

    prior: Floats
    outlines: Floats
    details: Floats
    smooth: Floats
    fields: Floats
    smooth_fields: Floats


@dataclass(frozen=True)
class Kernel:
    """Covariance of scores, beside a constant of weight 1.

    Args:
        size: Variance that the features explain.
        detail: Weight of what is not an outline: some metrics follow from those of other devices, others do not. None:
            nothing counts but the fields of the texts, as in a model that has read nothing.
        bend: Share of it that need not be linear in them.
        prior: Weight of the prior's own score.
        noise: Variance of the measurements.
    """

    size: float
    detail: float | None
    bend: float
    prior: float
    noise: float

    def __call__(self, parts: _Parts) -> Floats:
        """Covariance between two sets of candidates whose parts are given, without the noise."""
        if self.detail is None:
            features = parts.fields + self.bend * parts.smooth_fields
        else:
            features = parts.outlines + self.detail * parts.details + self.bend * parts.smooth
        return 1.0 + self.prior * parts.prior + self.size * features


class _Features:
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

    def among(self) -> _Parts:
        """Parts between the observed candidates, (n, n)."""
        return self._parts(*self._observed)

    def towards(self, reading: Reading) -> tuple[_Parts, _Parts]:
        """Parts between new candidates and the observed ones, (m, n), and of each new one with itself, (m,)."""
        prior, blocks = self.prior_of(reading), self._scaled(self._blocks(reading))
        squares = [(block**2).sum(axis=1) for block in blocks]
        ones = np.ones(len(prior))
        itself = _Parts(prior**2, squares[0], _weighted(_DETAILED, squares[1:]), ones, squares[2], ones)
        return self._parts(prior, blocks), itself

    def _parts(self, prior: Floats, blocks: list[Floats]) -> _Parts:
        own, observed = self._observed
        outlines, *details = (a @ b.T for a, b in zip(blocks, observed, strict=True))
        squares = [_squares(a, b) for a, b in zip(blocks[1:], observed[1:], strict=True)]
        smooth = _matern(_weighted(_SMOOTH, squares))
        mixed = _weighted(_DETAILED, details)
        return _Parts(prior[:, None] * own, outlines, mixed, smooth, details[1], _matern(squares[1]))

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


class _Line:
    """The prior on the scale of the values: the same ranking, but in the user's unit and with the errors that it had.

    Args:
        prior: Prior scores of the observed candidates, (n,).
        y: Scores of their values, (n,).
    """

    def __init__(self, prior: Floats, y: Floats) -> None:
        inverse = _inverse(1 + prior[:, None] * prior, _PRIOR_NOISE)
        weights = inverse @ y
        slope, self._shift = float(prior @ weights), float(weights.sum())
        self._slope = max(slope, _LEAST_SLOPE)
        self.left_out = _left_out(inverse, y) if slope > _LEAST_SLOPE else _others(y)
        # Few errors say little of their spread: widened as a Student distribution would be.
        self.spread = float(np.sqrt(np.mean((y - self.left_out) ** 2) * (1 + 4 / len(y))) + _LEAST_SPREAD)

    def mean(self, prior: Floats) -> Floats:
        """Scores expected of prior scores."""
        return self._shift + self._slope * prior

    def density(self, y: Floats) -> float:
        """Mean log density of the observed scores, each expected from the others."""
        return _density(y, self.left_out, self.spread)


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
        self._failures = _Failures(reading, ~good)
        self._corrects, self._line = False, None
        self._seen, self._rank = 0, 0.0
        self._scale = Scale(reading.prior[good], reading.std[good], values[good], trust)
        if good.sum() < FEWEST or np.ptp(values[good]) == 0:
            return
        self._warp, self._features = Warp(values[good]), _Features(reading[good])
        self._own = reading.prior[good], reading.std[good]
        self._fit(self._warp.scores, trust)

    def _fit(self, y: Floats, trust: float) -> None:
        from scipy.stats import spearmanr

        parts, count = self._features.among(), len(y)
        self._kernels = _rated(parts, y, trust)
        self._inverses = [_inverse(kernel(parts), kernel.noise) for kernel in self._kernels]
        left_out = sum(
            weight * _left_out(inverse, y)
            for weight, inverse in zip(self._kernels.values(), self._inverses, strict=True)
        )
        line = _Line(self._features.prior, y)
        gains = [(rival - y) ** 2 - (left_out - y) ** 2 for rival in (line.left_out, _others(y))]
        # By more than chance: on pure noise the best of many kernels looks better than none.
        margin = (max(trust**2, _LEAST_TRUST) + (_CAUTION / count) ** 2) / np.sqrt(count)
        self._corrects = trust == 0 or all(gain.mean() > margin * gain.std() for gain in gains)
        self._line = line if line.density(y) > self._density(y) + _MARGIN else None
        ranked = np.asarray(left_out) if self._corrects else self._features.prior
        self._seen = count
        self._rank = float(np.clip(spearmanr(ranked, y).statistic, 0, 1)) if np.ptp(ranked) > 0 else 0.0
        self._scores = y

    def _density(self, y: Floats) -> float:
        """Mean log density of the measured scores under the model's own distributions, taken as normal."""
        mean, std = self._own
        low, middle, high = (self._warp(mean + sign * std) for sign in (-1, 0, 1))
        return _density(y, middle, np.maximum((high - low) / 2, _LEAST_SPREAD))

    def trust(self, before: Floats) -> Floats:
        """How far predictions deserve belief after the observations, of the trust in the model alone; any shape."""
        return (_PRIOR_WEIGHT * before + self._seen * self._rank) / (_PRIOR_WEIGHT + self._seen)

    def __call__(self, prediction: Prediction, reading: Reading) -> Prediction:
        """Correct the predictions of m candidates."""
        p_fail, trust = self._failures(reading), self.trust(prediction.trust)
        if self._corrects:
            mean, variance = self._posterior(reading)
            return Prediction(*self._leaves(mean, np.sqrt(variance)), p_fail, trust, prediction.mean)
        if self._line:
            mean = self._line.mean(self._features.prior_of(reading))
            return Prediction(
                *self._leaves(mean, np.full(len(mean), self._line.spread)), p_fail, trust, prediction.mean
            )
        own = Prediction(prediction.lower, prediction.upper, prediction.mass, p_fail, trust, prediction.mean)
        return own if self._seen else self._scale(own)

    def _posterior(self, reading: Reading) -> tuple[Floats, Floats]:
        """Means and variances of the scores of new candidates, (m,): of the average of all kernels."""
        cross, own = self._features.towards(reading)
        means: list[Floats] = []
        variances: list[Floats] = []
        for kernel, inverse in zip(self._kernels, self._inverses, strict=True):
            covariance = kernel(cross)
            projected = covariance @ inverse
            means.append(projected @ self._scores)
            left = kernel(own) - (projected * covariance).sum(axis=1)
            variances.append(np.maximum(left, 0) + kernel.noise)
        weights = np.array(list(self._kernels.values()))[:, None]
        mean = (weights * means).sum(axis=0)
        return mean, (weights * (np.array(variances) + (np.array(means) - mean) ** 2)).sum(axis=0)

    def _leaves(self, mean: Floats, std: Floats) -> tuple[Floats, Floats, Floats]:
        """Normal distributions of scores, (m,), as leaves between quantiles of values, (m, leaves)."""
        from scipy.special import ndtri

        knots = self._warp.inverse(mean[:, None] + std[:, None] * ndtri(_LEVELS))
        mass = np.broadcast_to(np.diff(_LEVELS) / np.diff(_LEVELS).sum(), (len(mean), len(_LEVELS) - 1))
        return knots[:, :-1], knots[:, 1:], mass


_FAILURES = Kernel(size=1.0, detail=1.0, bend=1.0, prior=0.0, noise=0.3)


class _Failures:
    """Probability of failure, corrected by the observed failures of similar candidates; untouched without any."""

    def __init__(self, reading: Reading, failed: NDArray[np.bool_]) -> None:
        self._weights: Floats | None = None
        if failed.any():
            self._features = _Features(reading)
            inverse = _inverse(_FAILURES(self._features.among()), _FAILURES.noise)
            self._weights = len(failed) / (len(failed) + FEWEST) * inverse @ (failed - reading.p_fail)

    def __call__(self, reading: Reading) -> Floats:
        if self._weights is None:
            return reading.p_fail
        return np.clip(reading.p_fail + _FAILURES(self._features.towards(reading)[0]) @ self._weights, 0, 1)


def _unit(values: Floats) -> Floats:
    """Values of mean 0 and variance 1; all alike: zeros."""
    values = values / max(np.abs(values).max(), np.finfo(np.float64).tiny)  # squares of huge ones would overflow
    spread = values.std()
    return (values - values.mean()) / spread if spread > 0 else np.zeros(len(values))


def _others(y: Floats) -> Floats:
    """Mean of all numbers but each one, (n,)."""
    return (y.sum() - y) / (len(y) - 1)


def _density(y: Floats, mean: Floats, spread: Floats | float) -> float:
    """Mean log density of numbers under normal distributions, but for a constant."""
    return float((-((y - mean) ** 2) / spread**2 / 2 - np.log(spread)).mean())


def _weighted(weights: Sequence[float], parts: Sequence[Floats]) -> Floats:
    """Weighted sum of arrays."""
    return np.sum([weight * part for weight, part in zip(weights, parts, strict=True)], axis=0)


def _squares(a: Floats, b: Floats) -> Floats:
    """Squared distances, (m, n)."""
    return np.maximum((a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T, 0)


def _matern(squares: Floats) -> Floats:
    """Matern 5/2 of squared distances, of length 1: the spread of the observed candidates."""
    root = np.sqrt(5 * squares)
    return (1 + root + root**2 / 3) * np.exp(-root)


def _inverse(covariance: Floats, noise: float) -> Floats:
    """Inverse covariance of noisy observations, (n, n)."""
    return np.linalg.inv(covariance + noise * np.eye(len(covariance))).astype(np.float64)


def _left_out(inverse: Floats, y: Floats) -> Floats:
    """Predictions of each score from the others (Rasmussen and Williams 2006, equation 5.12), (n,)."""
    return y - inverse @ y / np.diag(inverse)


def _rated(parts: _Parts, y: Floats, trust: float) -> dict[Kernel, float]:
    """The kernels of most evidence, rated on a spread-out part of many observations, and their weights."""
    part = np.linspace(0, len(y) - 1, min(len(y), _MOST_TUNED)).astype(int)
    some = _Parts(*(block[np.ix_(part, part)] for block in vars(parts).values()))
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
