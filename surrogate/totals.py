"""What one of the totals that texts of networks state says alone, such as parameters or multiply-accumulates.

A cost often follows from one of them, and nobody says which. Processes on all numbers at once need more observations to
tell; the model itself may never have read such networks.

Shapes: n observations, m candidates, F totals.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .fields import Fields, numbers
from .gaussian_processes import Kernels
from .reading import Reading

Floats = NDArray[np.float64]

_TOTAL = re.compile(r"(?:params_m|macs_m|\w+_mb|ops)=")
_SIZES = (0.5, 2.0)
_FARTHEST = 4.0  # standard deviations; a candidate beyond them is no farther


@dataclass(frozen=True)
class TotalKernel:
    """Covariance of scores that are linear in the logarithm of one total, beside a constant of weight 1.

    Args:
        place: Of the total.
        size: Variance that it explains.
    """

    place: int
    size: float

    def __call__(self, products: Floats) -> Floats:
        """Covariance between two sets of candidates whose products are given, without the noise."""
        return 1.0 + self.size * products[self.place]


class Totals:
    """The totals of the observed candidates that vary, each in its own standard deviations.

    Args:
        texts: Their texts, n of them.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._totals = Fields(texts, totals)
        rows = self._totals(texts)
        # Those that differ by less than their logarithms tell do not spread, and say nothing.
        self._centre, self._spread = rows.mean(axis=0), np.maximum(rows.std(axis=0), np.finfo(np.float64).tiny)
        self._observed = self._scaled(rows)

    @property
    def kernels(self) -> Kernels[Floats]:
        """One for each total and size, all as likely before any observation; none where none is stated."""
        return [(TotalKernel(*own), 0.0) for own in product(range(self._observed.shape[1]), _SIZES)]

    def among(self, rows: NDArray[np.intp]) -> Floats:
        """Products of each total between some of the observed candidates, (F, n, n)."""
        return _products(self._observed[rows], self._observed[rows])

    def towards(self, reading: Reading) -> tuple[Floats, Floats]:
        """Products between new candidates and the observed ones, (F, m, n), and of each new one with itself, (F, m)."""
        new = self._scaled(self._totals(reading.texts))
        return _products(new, self._observed), (new**2).T

    def _scaled(self, rows: Floats) -> Floats:
        return np.clip((rows - self._centre) / self._spread, -_FARTHEST, _FARTHEST)


def _products(a: Floats, b: Floats) -> Floats:
    return a.T[:, :, None] * b.T[:, None, :]


def totals(text: str) -> Mapping[str, float]:
    """Totals that a text states: operations, millions of parameters and multiply-accumulates, megabytes.

    None of a part, as of all convolutions of one size: few networks have some by chance.
    """
    return {name: value for name, value in numbers(text).items() if _TOTAL.fullmatch(name)}
