"""Scores, which are values on a standard scale: what is said of them without any model.

Shapes: n observations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtrit

Floats = NDArray[np.float64]

LEAST_SPREAD = 0.02
"""No candidate's score is known better."""
_SUPPOSED = 2  # errors as large as those of all, beside a problem's own


def means_of_others(y: Floats) -> Floats:
    """Mean of all numbers but each one, in turn, (n,)."""
    return (y.sum() - y) / (len(y) - 1)


def in_order(texts: Sequence[str], y: Floats) -> list[int]:
    """Rows sorted by what was observed: the order of observing shall not matter, not even in the last digit."""
    return sorted(range(len(y)), key=lambda row: (texts[row], y[row]))


def density(y: Floats, mean: Floats, spread: Floats | float) -> float:
    """Mean log density of numbers under normal distributions, but for a constant."""
    return float((-((y - mean) ** 2) / spread**2 / 2 - np.log(spread)).mean())


def spread_of_errors(errors: Floats) -> float:
    """Standard deviation of errors, (n,); few say little of it: widened as a Student distribution would be."""
    return float(np.sqrt(np.mean(errors**2) * (1 + 4 / len(errors)))) + LEAST_SPREAD


def wider(errors: Floats, own: NDArray[np.bool_]) -> float:
    """Factor between the variances of one problem's scores and those of all that were observed together, at least 1.

    Others may rank candidates in another way, and the few errors of its own were made after it had been brought to
    their level by the same values. The central 90 % of a normal distribution hold what those of Student's do.

    Args:
        errors: What was expected of each from the others, less what it was, (n,).
        own: Which of them are of that problem, (n,).
    """
    count, typical = int(own.sum()), float((errors**2).mean()) + LEAST_SPREAD**2
    ratio = (float((errors[own] ** 2).sum()) / typical + _SUPPOSED) / (count + _SUPPOSED)
    tail = float(stdtrit(count + _SUPPOSED, 0.95) / ndtri(0.95))
    return max(ratio * (count + 1) / max(count - 1, 1) * tail**2, 1.0)
