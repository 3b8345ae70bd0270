"""Of very many configurations those that the surrogate reads: some of all, and those that look best after these.

Reading takes most of the time of a launch. What the surrogate says of a thousand configurations, trees on their values
say of others nearly as well: on the exhaustive tutorial matmul (five sizes of about 4,500 configurations) and three
shapes of mm with 5,000, the ten that it ranks first are among the 510 that look best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..surrogate import Prediction
from ..surrogate.prediction import concatenate

Floats = NDArray[np.float64]

MOST = 2_000
"""Configurations that are all read; of more so many are."""
_TREES = 50


def shortlisted(
    words: Sequence[Mapping[str, Any]], places: Sequence[int], ask: Callable[[Sequence[int]], Prediction]
) -> tuple[list[int], Prediction, list[int]]:
    """Ask of a few at random, then of those that look best; which ones depends on the configurations alone.

    Args:
        words: Names and values of all configurations.
        places: Those that may be asked.
        ask: What is predicted of some of them, less being better.

    Returns:
        The places that were asked, what is predicted of them, and the others, the best-looking first.
    """
    if len(places) <= MOST:
        return list(places), ask(places), []
    drawn = np.random.default_rng(0).permutation(len(places))[: MOST // 2]
    rows: list[int] = np.sort(drawn).tolist()
    some = [places[row] for row in rows]
    rest, first = sorted({*places} - {*some}), ask(some)
    order: list[int] = np.argsort(_looks(_columns(words), some, first, rest), kind="stable").tolist()
    others = [rest[row] for row in order]
    best, left = sorted(others[: MOST - len(some)]), others[MOST - len(some) :]
    return [*some, *best], concatenate([first, ask(best)]), left


def _looks(columns: Floats, some: Sequence[int], told: Prediction, rest: Sequence[int]) -> Floats:
    """Logarithms that trees expect of the rest after what was said of some (Geurts et al. 2006)."""
    from sklearn.ensemble import ExtraTreesRegressor

    expected = np.log(np.maximum(told.mean, np.finfo(np.float64).tiny))
    trees: Any = ExtraTreesRegressor(_TREES, random_state=0, n_jobs=1)
    trees.fit(columns[some], np.where(told.likely_fails, expected.max(), expected))
    return np.asarray(trees.predict(columns[rest]), dtype=np.float64)


def _columns(words: Sequence[Mapping[str, Any]]) -> Floats:
    """Each value by its place among the others of its name, which is all that trees see of a number."""
    names = dict.fromkeys(name for own in words for name in own)
    return np.column_stack([_ordered([own.get(name) for own in words]) for name in names])


def _ordered(values: Sequence[Any]) -> Floats:
    """Places of values: what is missing, numbers by their size, words."""

    def key(value: Any) -> tuple[int, float, str]:
        number = isinstance(value, int | float)
        return (-1, 0, "") if value is None else (0, value, "") if number else (1, 0, str(value))

    keys = [key(value) for value in values]
    places = {own: place for place, own in enumerate(sorted({*keys}))}
    return np.array([places[own] for own in keys], dtype=np.float64)
