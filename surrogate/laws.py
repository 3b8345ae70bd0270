"""What a cost adds up to: how the surrogate goes on where a candidate is larger than all that were read.

A language model says anything of numbers far beyond those it has seen. Costs of networks grow with their totals, the
multiply-accumulates and the bytes that a text states: a sum over these, at prices that are not negative, goes on in
a straight line.

Shapes: n rows, F totals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .totals import totals

Floats = NDArray[np.float64]

COSTS = frozenset({"latency_ms", "energy_mj", "memory_bytes", "train_seconds", "params", "macs"})
"""Words of metrics that add up."""
_FEWEST = 50  # rows that state totals and have a positive value
_LARGE, _LARGEST = 0.9, 0.99  # shares of the rows below which are the large ones, and what was not read often enough
_OPEN = 2.0  # times as large as most are, the largest of a space that goes on
_FAR = float(np.log(4))  # logarithm of a total over the largest, from which on the law alone counts
_DEAREST = 1e250  # what is made of it stays finite
_BEYOND = 0.3  # error of the logarithm far beyond, besides what the large rows showed


@dataclass(frozen=True)
class Law:
    """A cost as a sum over totals.

    Args:
        constant: What it costs if all totals are zero.
        prices: Total -> what one more of it costs.
        largest: Total -> the most that was often read.
        error: Standard deviation of the logarithm of values of large candidates over the law's.
    """

    constant: float
    prices: Mapping[str, float]
    largest: Mapping[str, float]
    error: float

    @classmethod
    def learnt(cls, texts: Sequence[str], values: Sequence[float]) -> Law | None:
        """The law of some candidates; None of too few, or of such as state no totals."""
        rows = [(totals(text), value) for text, value in zip(texts, values, strict=True) if 0 < value < np.inf]
        names = [name for name in sorted(rows[0][0]) if all(name in own for own, _ in rows)] if rows else []
        if not names or len(rows) < _FEWEST:
            return None
        stated, measured = np.array([[own[name] for name in names] for own, _ in rows]), np.array([v for _, v in rows])
        prices, costs = _prices(stated, measured)
        # Of small ones a sum is farther off, and they need none. Large by their totals: what costs most for the same
        # totals, networks in 8-bit integers say, would make all dear.
        most = costs >= np.quantile(costs, _LARGE)
        large = np.log(measured[most] / costs[most])
        constant, *each = (prices * np.exp(np.median(large))).tolist()
        often, ever = np.quantile(stated, _LARGEST, axis=0), stated.max(axis=0)
        # Where none is far larger than most, as in a space of cells, all that there is was read.
        largest: list[float] = np.where(ever > _OPEN * often, often, ever).tolist()
        priced, limits = (dict(zip(names, own, strict=True)) for own in (each, largest))
        return cls(constant, priced, limits, float(large.std()))

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Law:
        """Read what `vars` of one wrote."""
        prices, largest = ({str(k): float(v) for k, v in found[name].items()} for name in ("prices", "largest"))
        return cls(float(found["constant"]), prices, largest, float(found["error"]))

    def __call__(self, texts: Sequence[str]) -> tuple[Floats, Floats]:
        """Costs of candidates, and how far they are beyond those that were read: 0 within, 1 far beyond; (n,) each."""
        rows = [[own.get(name, 0.0) for name in self.prices] for own in map(totals, texts)]
        stated = np.array(rows, dtype=np.float64).reshape(len(texts), len(self.prices))
        prices, largest = (np.array([own[name] for name in self.prices]) for own in (self.prices, self.largest))
        ratios = np.divide(stated, largest, out=np.zeros_like(stated), where=largest > 0).max(axis=1, initial=1.0)
        with np.errstate(over="ignore"):
            costs = self.constant + (stated * prices).sum(axis=1)
        return np.minimum(costs, _DEAREST), np.minimum(np.log(ratios) / _FAR, 1.0)

    def error_of(self, beyond: Floats) -> Floats:
        """Standard deviation of the logarithm that candidates so far beyond have besides, (n,)."""
        return beyond * float(np.hypot(self.error, _BEYOND))


def _prices(stated: Floats, values: Floats) -> tuple[Floats, Floats]:
    """A constant and the price of each total, (F + 1,), by relative errors, and the sums, (n,)."""
    from scipy.optimize import nnls

    columns = np.column_stack([np.ones(len(stated)), stated])
    solved: Any = nnls(columns / values[:, None], np.ones(len(values)))
    prices: Floats = solved[0]
    return prices, np.maximum(columns @ prices, np.finfo(np.float64).tiny)
