"""Acquisitions: how much a host should want to measure each candidate, as pure functions of the prediction.

Each takes a prediction and a sign, +1 where more of the metric is better and -1 where less is, and returns one score a
candidate, (N,), higher is better.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .prediction import Prediction

Floats = NDArray[np.float64]
_ALONE = 2.0  # weight of what was said before anything was observed (see `integrations.triton_selection.ranked`)
Acquisition = Callable[[Prediction, int], Floats]


def expected_value(prediction: Prediction, sign: int) -> Floats:
    """The predicted mean: pure exploitation."""
    return sign * prediction.mean


def unadapted_value(prediction: Prediction, sign: int) -> Floats:
    """The mean that was predicted before anything was observed, to be interleaved with another (see `rank`)."""
    return sign * prediction.unadapted


def pooled_value(prediction: Prediction, sign: int) -> Floats:
    """The mean, pooled with the one before anything was observed, which counts twice: a logarithmic opinion pool.

    After few observations, or those of another size, a ranking as a whole is better by what was learnt, its first
    places by both (Genest and Zidek 1986). The weight is the one of `rlm_prune`.

    Raises:
        ValueError: If a mean is not positive, as those of times, slowdowns and counts are.
    """
    means = np.stack([prediction.mean, prediction.unadapted])
    if (means <= 0).any():
        raise ValueError(f"a mean is {means.min()}; pool values that are positive, as times are")
    return sign * pooled(*means)


def pooled(learnt: Floats, alone: Floats) -> Floats:
    """Positive values (N,) as one score, less where both are: their logarithms, that of the model alone twice."""
    return np.log(learnt) + _ALONE * np.log(alone)


def confidence_bound(width: float = 1.0) -> Acquisition:
    """Mean plus width standard deviations to the better side (Srinivas et al. 2010, GP-UCB)."""

    def score(prediction: Prediction, sign: int) -> Floats:
        return sign * prediction.mean + width * prediction.std

    return score


def expected_improvement(incumbent: float) -> Acquisition:
    """Expected gain over the best value measured, times the probability of success (Jones et al. 1998).

    The expectation is taken over the decoded distribution itself, leaf by leaf; no normality is assumed.

    Raises:
        ValueError: If the best value is none.
    """
    if not math.isfinite(incumbent):
        raise ValueError(f"incumbent is {incumbent}; give the best value that was measured")

    def score(prediction: Prediction, sign: int) -> Floats:
        ends = sign * np.stack([prediction.lower, prediction.upper]) - sign * incumbent
        low, high = ends.min(axis=0), ends.max(axis=0)
        # The mean of max(v, 0) over a leaf: the part of it above 0, times the middle of that part.
        above, width = np.clip(high, 0, None) - np.clip(low, 0, None), high - low
        share: Floats = np.divide(above, width, out=(high > 0).astype(np.float64), where=width > 0)
        gain = share * (np.clip(high, 0, None) + np.clip(low, 0, None)) / 2
        return (1 - prediction.p_fail) * (prediction.mass * gain).sum(axis=1)

    return score
