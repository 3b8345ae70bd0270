"""The models that people use on tables, with the features that can be had without a language model.

Shapes: N candidates, F features.
"""

from __future__ import annotations

from typing import Any
from warnings import catch_warnings

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern, WhiteKernel
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from prerank.surrogate.fields import Fields

Floats = NDArray[np.float64]

LEAF = 2
"""Least rows of a leaf of boosted trees."""


def ridge() -> RidgeCV:
    """Ridge regression whose penalty is chosen by leave-one-out."""
    return RidgeCV(np.logspace(-2, 3, 12))


def forest() -> RandomForestRegressor:
    """Random forest."""
    return RandomForestRegressor(200, random_state=0)


def boosted() -> HistGradientBoostingRegressor:
    """Boosted trees that may split even four rows."""
    return HistGradientBoostingRegressor(max_iter=100, min_samples_leaf=LEAF, random_state=0)


def gaussian_process() -> GaussianProcessRegressor:
    """Gaussian process with one length for all features, and noise."""
    return GaussianProcessRegressor(Matern(5.0, nu=2.5) + WhiteKernel(0.1), normalize_y=True)


def plain(texts: list[str]) -> Floats:
    """Counts of operations and totals, (N, F): what can be read off a text without a model."""
    return Fields(texts)(texts)


def logarithm(values: Floats) -> Floats:
    """Logarithm with a floor: cells without operations take no time."""
    return np.log(np.maximum(values, 0.01))


def fitted(model: Any, columns: Floats, values: Floats, rows: NDArray[np.intp], asked: Floats | None = None) -> Floats:
    """Scores by a model that saw some rows.

    Args:
        model: Of scikit-learn.
        columns: Features, (N, F).
        values: What the rows measure, (N,).
        rows: Those that it sees.
        asked: Features of what is scored; None: of all N.
    """
    return learnt(model, columns[rows], values[rows]).predict(columns if asked is None else asked)


def learnt(model: Any, columns: Any, values: Any) -> Any:
    """A model of scikit-learn that has seen features on the scale of its own rows, (n, F), and their values, (n,)."""
    scaled = make_pipeline(StandardScaler(), model)
    with catch_warnings(action="ignore"):  # a Gaussian process of four values has little to choose by
        return scaled.fit(columns, values)
