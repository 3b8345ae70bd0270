"""A distribution over numbers for each candidate, and what can be read off it.

Shapes: N candidates, L leaves a candidate. A leaf is an interval with a mass, uniform inside.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


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
    """

    lower: Floats
    upper: Floats
    mass: Floats
    p_fail: Floats
    trust: Floats

    def __len__(self) -> int:
        return len(self.p_fail)

    @cached_property
    def mean(self) -> Floats:
        """Expected value given success, (N,)."""
        return (self.mass * self._middle).sum(axis=1)

    @cached_property
    def std(self) -> Floats:
        """Standard deviation given success, (N,)."""
        return standard_deviation(self.lower, self.upper, self.mass)

    def quantile(self, q: float) -> Floats:
        """Value below which a share q of the distribution lies, (N,).

        Raises:
            ValueError: If q is outside [0, 1].
        """
        if not 0 <= q <= 1:
            raise ValueError(f"quantile q is {q}; it must lie in [0, 1]")
        lower, upper, mass = self._ascending
        before = np.cumsum(mass, axis=1) - mass
        # The last leaf that starts at or below q; padding has no mass and is never the last one to start.
        leaf = np.where(mass > 0, before <= q, False)
        index = (leaf.shape[1] - 1 - leaf[:, ::-1].argmax(axis=1))[:, None]
        low, high, weight, start = (np.take_along_axis(a, index, 1)[:, 0] for a in (lower, upper, mass, before))
        return low + (high - low) * np.clip((q - start) / weight, 0, 1)

    def __getitem__(self, rows: NDArray[np.intp] | slice) -> Prediction:
        """The predictions of some candidates, in the order asked."""
        return Prediction(*(a[rows] for a in (self.lower, self.upper, self.mass, self.p_fail, self.trust)))

    @property
    def _middle(self) -> Floats:
        return self.lower / 2 + self.upper / 2  # halves first: the sum of two huge ends would overflow

    @cached_property
    def _ascending(self) -> tuple[Floats, Floats, Floats]:
        order = np.argsort(self._middle, axis=1, kind="stable")
        lower, upper, mass = (np.take_along_axis(a, order, 1) for a in (self.lower, self.upper, self.mass))
        return lower, upper, mass


def standard_deviation(lower: Floats, upper: Floats, mass: Floats) -> Floats:
    """Standard deviation of distributions given by their leaves, (N, L) each -> (N,)."""
    middle = lower / 2 + upper / 2
    away, half = middle - (mass * middle).sum(axis=1, keepdims=True), upper / 2 - lower / 2
    # Scaled before squaring: numbers up to the largest float must not overflow.
    scale = np.maximum(np.abs(away), half).max(axis=1, keepdims=True, initial=np.finfo(np.float64).tiny)
    return scale[:, 0] * np.sqrt((mass * ((away / scale) ** 2 + (half / scale) ** 2 / 3)).sum(axis=1))


def concatenate(predictions: list[Prediction]) -> Prediction:
    """Put the predictions of several batches of candidates one after the other."""
    width = max(p.mass.shape[1] for p in predictions)

    def rows(name: str) -> Floats:
        arrays: list[Floats] = [getattr(p, name) for p in predictions]
        return np.concatenate([np.pad(a, ((0, 0), (0, width - a.shape[1]))) for a in arrays])

    p_fail, trust = (np.concatenate([getattr(p, name) for p in predictions]) for name in ("p_fail", "trust"))
    return Prediction(rows("lower"), rows("upper"), rows("mass"), p_fail, trust)
