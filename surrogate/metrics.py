"""How good a ranking or a prediction is. Measured values and predictions are arrays of one entry a candidate, (N,)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .prediction import Prediction
from .problem import Direction, check_direction

Floats = NDArray[np.float64]


def spearman(predicted: ArrayLike, measured: ArrayLike) -> float:
    """Spearman's rank correlation of the candidates that have a value; nan if either side is constant."""
    from scipy.stats import spearmanr

    x, y = _known(predicted, measured)
    return float(spearmanr(x, y).statistic) if _varies(x) and _varies(y) else float("nan")


def kendall_tau(predicted: ArrayLike, measured: ArrayLike) -> float:
    """Kendall's tau-b of the candidates that have a value; nan if either side is constant."""
    from scipy.stats import kendalltau

    x, y = _known(predicted, measured)
    return float(kendalltau(x, y).statistic) if _varies(x) and _varies(y) else float("nan")


def slowdown_at(k: int, predicted: ArrayLike, measured: ArrayLike) -> float:
    """Best measured time among the k candidates predicted fastest, over the best of all; failed ones cannot win.

    Raises:
        ValueError: If k is less than 1, or if no candidate has a positive time.
    """
    if k < 1:
        raise ValueError(f"k is {k}; at least one candidate must be measured")
    scores, times = _one_of_each(predicted, measured)
    times = np.where(np.isfinite(times), times, np.inf)
    first = np.argsort(scores, kind="stable")[:k]
    best = times.min(initial=np.inf)
    if not 0 < best < np.inf:
        raise ValueError(f"the best measured time is {best}; slowdown needs a positive one")
    return float(times[first].min() / best)


def regret(found: ArrayLike, best: float, direction: Direction = "minimize") -> Floats:
    """Distance from the best value so far to the best there is, after each evaluation, (T,); nan: nothing found yet.

    Raises:
        ValueError: If the direction is none.
    """
    check_direction(direction)
    values = np.where(np.isfinite(np.asarray(found, dtype=np.float64)), found, np.nan)
    if direction == "maximize":
        return best - np.fmax.accumulate(values)
    return np.fmin.accumulate(values) - best


def coverage(prediction: Prediction, measured: ArrayLike, level: float = 0.9) -> float:
    """Share of the measured values that lie in the central interval of a level; calibrated when it equals level.

    Failures are left out; without any value it is nan.

    Raises:
        ValueError: If there is not one value a candidate.
    """
    _, values = _one_of_each(prediction.p_fail, measured)
    inside = (prediction.quantile(0.5 - level / 2) <= values) & (values <= prediction.quantile(0.5 + level / 2))
    known = inside[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def interval(values: ArrayLike) -> tuple[float, float]:
    """Mean, and half the width of its 95 % interval (Student's t), 0 of a single value."""
    from scipy.stats import t

    array = np.asarray(values, dtype=np.float64)
    half = t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)) if len(array) > 1 else 0.0
    return float(array.mean()), float(half)


def _known(predicted: ArrayLike, measured: ArrayLike) -> tuple[Floats, Floats]:
    """The predictions and values of the candidates that have both."""
    x, y = _one_of_each(predicted, measured)
    known = np.isfinite(x) & np.isfinite(y)
    return x[known], y[known]


def _one_of_each(predicted: ArrayLike, measured: ArrayLike) -> tuple[Floats, Floats]:
    x, y = np.asarray(predicted, dtype=np.float64), np.asarray(measured, dtype=np.float64)
    if x.shape != y.shape:
        raise ValueError(f"{x.size} predictions do not match {y.size} measured values; give one of each a candidate")
    return x, y


def _varies(values: Floats) -> bool:
    return len(values) > 1 and bool(np.ptp(values) > 0)
