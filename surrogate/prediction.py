"""A distribution over numbers for each candidate, and what can be read off it.

Shapes: N candidates, L leaves a candidate. A leaf is an interval with a mass, uniform inside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from .condensed import condensed

Floats = NDArray[np.float64]
_SHOWN = 5  # candidates
_LIKELY = 0.5


@dataclass(frozen=True, eq=False)
class Prediction:
    """Predicted distribution of a metric, in the metric's own units and sense.

    Args:
        lower: Lower ends of the leaves, (N, L).
        upper: Upper ends of the leaves, (N, L).
        mass: Probabilities of the leaves given success, (N, L); each row sums to 1, padding has mass 0.
        p_fail: Probability that the candidate fails and has no value at all, (N,).
        trust: How far the prediction deserves belief, (N,): 0 the surrogate knows nothing of the problem, 1 it
            ranks such candidates as a measurement would.
        prior: Expected values before anything was observed, (N,); None: nothing was, they are the mean.
    """

    lower: Floats
    upper: Floats
    mass: Floats
    p_fail: Floats
    trust: Floats
    prior: Floats | None = None

    def __len__(self) -> int:
        return len(self.p_fail)

    def __repr__(self) -> str:
        first = [f"{mean:.4g} ± {std:.2g}" for mean, std in zip(self.mean[:_SHOWN], self.std[:_SHOWN], strict=True)]
        more = ["..."] if len(self) > _SHOWN else []
        trust = f", trust {self.trust.mean():.2f}" if len(self) else ""
        return f"<Prediction of {len(self)}: {', '.join(first + more)}{trust}>"

    @cached_property
    def mean(self) -> Floats:
        """Expected value given success, (N,)."""
        return (self.mass * self._middle).sum(axis=1)

    @property
    def likely_fails(self) -> NDArray[np.bool_]:
        """Whether a candidate is more likely to fail than not, (N,)."""
        return self.p_fail > _LIKELY

    @property
    def unadapted(self) -> Floats:
        """Expected value given success by the model alone, whatever was observed, (N,)."""
        return self.mean if self.prior is None else self.prior

    @cached_property
    def std(self) -> Floats:
        """Standard deviation given success, (N,)."""
        return standard_deviation(self.lower, self.upper, self.mass)

    def quantile(self, q: float) -> Floats:
        """Value below which a share q of the distribution lies, (N,).

        Raises:
            ValueError: If q is outside [0, 1], or not one number.
        """
        if np.ndim(q):
            raise ValueError(f"quantile q is {q}; give one number, and ask for one after the other")
        if not 0 <= q <= 1:
            raise ValueError(f"quantile q is {q}; it must lie in [0, 1]")
        ends, last = self._ends, self._ends.shape[1] - 1
        # The first end below which a share q lies, by bisection: between two ends the distribution is linear.
        low, high = np.zeros(len(self), dtype=np.intp), np.full(len(self), last, dtype=np.intp)
        for _ in range(last.bit_length()):
            middle = (low + high) // 2
            enough = self._below(ends[np.arange(len(self)), middle], closed=True) >= q
            low, high = np.where(enough, low, np.minimum(middle + 1, high)), np.where(enough, middle, high)
        right, left = (ends[np.arange(len(self)), index] for index in (high, np.maximum(high - 1, 0)))
        before, reached = self._below(left, closed=True), self._below(right, closed=False)
        rises = (reached > before) & (right > left)
        share = np.divide(q - before, reached - before, out=np.ones(len(self)), where=rises)
        share = np.clip(share, 0, 1)
        return left * (1 - share) + right * share

    def rescaled(self, error: float | Floats) -> Prediction:
        """The same, were all values off by an unknown factor; the means stay.

        Args:
            error: Standard deviation of the factor's logarithm, which is taken as normal, at nine quantiles; one for
                all, or one a candidate, (N,).
        """
        if not np.any(error):
            return self
        *both, mass = condensed(self.lower, self.upper, self.mass)
        factors = _factors(np.broadcast_to(error, len(self)))
        lower, upper = ((factors[..., None] * ends[:, None]).reshape(len(self), -1) for ends in both)
        mass = np.tile(mass / factors.shape[1], factors.shape[1])
        return Prediction(lower, upper, mass, self.p_fail, self.trust, self.prior)

    def moved(self, mean: Floats) -> Prediction:
        """The same distributions about other means, (N,): by a factor where all is positive, else by a difference."""
        positive = (np.where(self.mass > 0, self.lower, np.inf) > 0).all(axis=1) & (mean > 0)
        factor = np.divide(mean, self.mean, out=np.ones(len(self)), where=positive)
        shift = np.where(positive, 0.0, mean - self.mean)
        lower, upper = (factor[:, None] * ends + shift[:, None] for ends in (self.lower, self.upper))
        return replace(self, lower=lower, upper=upper)

    def __getitem__(self, rows: NDArray[np.intp] | slice | int) -> Prediction:
        """The predictions of some candidates, in the order asked; of one, a batch of one."""
        if not isinstance(rows, slice):
            rows = np.atleast_1d(rows) if np.size(rows) else np.empty(0, dtype=np.intp)
        columns = (a[rows] for a in (self.lower, self.upper, self.mass, self.p_fail, self.trust))
        return Prediction(*columns, prior=None if self.prior is None else self.prior[rows])

    @property
    def _middle(self) -> Floats:
        return self.lower / 2 + self.upper / 2  # halves first: the sum of two huge ends would overflow

    @cached_property
    def _ends(self) -> Floats:
        """Ends of the leaves that have mass, ascending, padded with the last one, (N, at least 1)."""
        real = np.concatenate([self.mass, self.mass], axis=1) > 0
        ends = np.concatenate([self.lower, self.upper], axis=1)
        greatest = np.where(real, ends, -np.inf).max(axis=1, keepdims=True, initial=-np.inf)
        return np.sort(np.where(real, ends, greatest), axis=1)

    def _below(self, value: Floats, *, closed: bool) -> Floats:
        """Share of each distribution below a value, (N,); closed: a point at the value counts. Leaves may overlap."""
        value, half = value[:, None], self.upper / 2 - self.lower / 2
        point = (self.lower <= value if closed else self.lower < value).astype(np.float64)
        with np.errstate(over="ignore"):  # far away from a narrow leaf
            share = np.divide(value / 2 - self.lower / 2, half, out=point, where=half > 0)
        return (self.mass * np.clip(share, 0, 1)).sum(axis=1)


LEVELS: Floats = np.concatenate([[0.002], np.arange(1, 20) / 20, [0.998]])
"""Shares of a distribution below the ends of the leaves that stand for it."""


def _standard(shares: Floats) -> Floats:
    """Quantiles of the standard normal; scipy's take as long to import as a hundred predictions."""
    return np.array([NormalDist().inv_cdf(share) for share in shares.tolist()])


_ENDS, _NINE = _standard(LEVELS), _standard((np.arange(9) + 0.5) / 9)


def normal_quantiles(mean: Floats, std: Floats) -> Floats:
    """Ends of the leaves that stand for normal distributions, (N,) each -> (N, L + 1)."""
    return mean[:, None] + std[:, None] * _ENDS


def leaves(knots: Floats) -> tuple[Floats, Floats, Floats]:
    """Lower ends, upper ends and masses, (N, L) each, between ends as `normal_quantiles` has them, (N, L + 1)."""
    mass = np.broadcast_to(np.diff(LEVELS) / np.diff(LEVELS).sum(), (len(knots), len(LEVELS) - 1))
    return knots[:, :-1], knots[:, 1:], mass


def spread_of(error: float) -> float:
    """What `Prediction.rescaled` adds to the variance of a logarithm, as log(1 + (std / mean)^2) has it."""
    return float(np.log1p(_factors(np.array([error])).var()))


def _factors(error: Floats) -> Floats:
    """Factors of mean 1, the logarithms of which deviate by an error, at nine quantiles, (N, 9)."""
    factors = np.exp(error[:, None] * _NINE)
    return factors / factors.mean(axis=1, keepdims=True)


def standard_deviation(lower: Floats, upper: Floats, mass: Floats) -> Floats:
    """Standard deviation of distributions given by their leaves, (N, L) each -> (N,)."""
    # Halved, so that differences of the largest floats do not overflow, and scaled before squaring.
    middle = lower / 4 + upper / 4
    away, half = middle - (mass * middle).sum(axis=1, keepdims=True), upper / 4 - lower / 4
    scale = np.maximum(np.abs(away), half).max(axis=1, keepdims=True, initial=np.finfo(np.float64).tiny)
    return scale[:, 0] * (2 * np.sqrt((mass * ((away / scale) ** 2 + (half / scale) ** 2 / 3)).sum(axis=1)))


def concatenate(predictions: list[Prediction]) -> Prediction:
    """Put the predictions of several batches of candidates one after the other."""
    width = max(p.mass.shape[1] for p in predictions)

    def rows(name: str) -> Floats:
        arrays: list[Floats] = [getattr(p, name) for p in predictions]
        return np.concatenate([np.pad(a, ((0, 0), (0, width - a.shape[1]))) for a in arrays])

    p_fail, trust = (np.concatenate([getattr(p, name) for p in predictions]) for name in ("p_fail", "trust"))
    adapted = any(p.prior is not None for p in predictions)  # else nobody asked for the means yet
    prior = np.concatenate([p.unadapted for p in predictions]) if adapted else None
    return Prediction(rows("lower"), rows("upper"), rows("mass"), p_fail, trust, prior)
