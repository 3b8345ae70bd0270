"""How much candidates are expected to improve on what a study has found.

Shapes: m candidates, M objectives, F points of the front, S samples.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx, log_ndtr, ndtri

Floats = NDArray[np.float64]
_SAMPLES = 64
_HOPELESS, _LAST = float(ndtri(0.25)), 1e10
_DEEP = 1e4  # standard deviations from which on a logarithm grows slowly, so that none reaches `_LAST`
_AUGMENTED = 0.05  # share of the sum in a scalarised loss, so that no objective is indifferent (Knowles 2006)


def log_expected_improvement(mean: Floats, std: Floats, best: float) -> Floats:
    """Logarithm of the expected improvement below best, exact where the improvement underflows (Ament et al. 2023)."""
    z = (best - mean) / std
    near = np.maximum(z, -1.0)
    density = np.exp(-(near**2) / 2) / np.sqrt(2 * np.pi)
    close = np.log(density + near * np.exp(log_ndtr(near)))
    # log(phi(z) + z Phi(z)) = log phi(z) + log(1 - |z| sqrt(pi / 2) erfcx(|z| / sqrt(2))), about 1 / z^2 far out.
    far = np.minimum(z, -1.0)
    rest = 1 + far * np.sqrt(np.pi / 2) * np.asarray(erfcx(-far / np.sqrt(2)), dtype=np.float64)
    beyond = np.maximum(-far / _DEEP, 1.0)
    depth = (far / beyond) ** 2 / 2 * (1 + np.log(beyond))
    tail = np.log(np.where(far > -_DEEP, np.maximum(rest, 1e-16), far**-2.0)) - depth - np.log(2 * np.pi) / 2
    return np.asarray(np.log(std) + np.where(z > -1, close, tail), dtype=np.float64)


def log_chebyshev_improvement(means: Floats, stds: Floats, front: Floats, weights: Floats, normals: Floats) -> Floats:
    """Logarithm of the expected improvement of a scalarised loss, by samples (Knowles 2006, Daulton et al. 2020).

    Args:
        means: Expected losses of candidates, (m, M).
        stds: Their standard deviations, (m, M).
        front: Losses of the best trials, (F, M).
        weights: How much each objective counts, (M,).
        normals: Standard normal samples, the same for all candidates, (S, M).
    """
    best = scalarised(front, weights).min()
    losses = scalarised(means[:, None] + stds[:, None] * normals, weights)  # (m, S)
    # The mean breaks ties where no sample improves.
    return np.log(np.maximum(best - losses, 0).mean(axis=1) + 1e-12 * np.exp(-np.clip(losses.mean(axis=1), -20, 20)))


def scalarised(losses: Floats, weights: Floats) -> Floats:
    """Augmented Chebyshev scalarisation of losses, (..., M) -> (...)."""
    weighted = losses * weights
    return weighted.max(axis=-1) + _AUGMENTED * weighted.sum(axis=-1)


def log_feasibility(means: Floats, stds: Floats) -> Floats:
    """Logarithm of the probability that all constraints are at 0 or less, (m, C) -> (m,).

    What violates one of them three times in four comes after all others: however little they promise, a promise that
    cannot be kept is worth less.
    """
    kept = -means / stds
    hopeless = (kept < _HOPELESS).any(axis=-1)
    return np.asarray(log_ndtr(kept).sum(axis=-1) - hopeless * _LAST, dtype=np.float64)


def normals(rng: np.random.Generator, objectives: int) -> Floats:
    """Standard normal samples, each objective stratified, (S, M)."""
    strata = np.stack([rng.permutation(_SAMPLES) for _ in range(objectives)], axis=1)
    return ndtri((strata + rng.random(strata.shape)) / _SAMPLES)


def front(losses: Floats) -> NDArray[np.bool_]:
    """Which rows no other row dominates, (n,)."""
    dominated = [((losses <= row).all(axis=1) & (losses < row).any(axis=1)).any() for row in losses]
    return ~np.array(dominated, dtype=np.bool_)
