"""Rank correlations by which all models are rated alike: one that says the same of all candidates has 0."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from prerank.surrogate.metrics import kendall_tau, spearman


def rank(scores: ArrayLike, values: ArrayLike) -> float:
    """Spearman's rank correlation."""
    return float(np.nan_to_num(spearman(scores, values)))


def tau(scores: ArrayLike, values: ArrayLike) -> float:
    """Kendall's tau."""
    return float(np.nan_to_num(kendall_tau(scores, values)))
