"""What a surrogate has to beat: models that anybody can fit to a few measured texts in a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..surrogate.fields import Fields, numbers

Floats = NDArray[np.float64]
PlainModel = Callable[[Sequence[str], Floats, Sequence[str]], Floats]
"""Texts and values that were measured, (n,), and m texts to predict -> predictions, (m,)."""

PARAMETERS = "parameters"
_TOTALS = {PARAMETERS: "params", "MACs": "macs"}
_FEWEST = 3  # values from which anything can be learnt


def totals(texts: Sequence[str]) -> dict[str, Floats]:
    """Parameters and multiply-accumulates, where all texts name them, (m,)."""
    found = {name: [_first(numbers(text), word) for text in texts] for name, word in _TOTALS.items()}
    return {name: np.array(values) for name, values in found.items() if None not in values}


def _first(stated: Mapping[str, float], word: str) -> float | None:
    """The first number whose name begins with a word."""
    return next((value for name, value in stated.items() if name.startswith(word)), None)


def ridge(seen: Sequence[str], values: Floats, asked: Sequence[str]) -> Floats:
    """Ridge regression on the fields, its penalty chosen by leave-one-out."""
    from sklearn.linear_model import RidgeCV
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    model = Pipeline([("scaled", StandardScaler()), ("ridge", RidgeCV(np.logspace(-3, 4, 15)))])
    return _fitted(model, seen, values, asked)


def boosted_trees(seen: Sequence[str], values: Floats, asked: Sequence[str]) -> Floats:
    """Gradient-boosted trees on the fields, with leaves that a few values fill."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    leaf = min(20, max(1, len(values) // 10))
    return _fitted(HistGradientBoostingRegressor(min_samples_leaf=leaf, random_state=0), seen, values, asked)


LEARNERS: dict[str, PlainModel] = {"ridge": ridge, "boosted trees": boosted_trees}


def _fitted(model: Any, seen: Sequence[str], values: Floats, asked: Sequence[str]) -> Floats:
    """Predictions, of the logarithm where all values are positive; failures are left out."""
    known = np.isfinite(values)
    texts, numbers = [text for text, kept in zip(seen, known, strict=True) if kept], values[known]
    fields = Fields(texts)
    x = fields(texts)
    if len(texts) < _FEWEST or not x.size:
        return np.zeros(len(asked))
    return model.fit(x, np.log(numbers) if (numbers > 0).all() else numbers).predict(fields(asked))
