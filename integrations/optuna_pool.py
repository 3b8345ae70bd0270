"""Where a sampler looks for its next candidate: draws, variations of the best trials, refinement.

Shapes: m candidates, D parameters.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..surrogate.covariance import squares
from .optuna_parameters import Parameters

Floats = NDArray[np.float64]
Eligible = Callable[[Floats], Floats]
"""Rows -> those that may be proposed."""

_SCALES = (0.2, 0.05, 0.2, 0.05, 0.01, 0.002)  # of the moves in each round of refinement
_PARENTS, _CHILDREN = 8, 96
SAME = 1e-9
"""Difference of rows that stand for the same values."""
_DRAWS, _INDIFFERENT = 8, 1.0  # values of a parameter that are tried; what they may cost, of a logarithm
_FEW = 16  # to begin with; of more of them the farthest would always be a corner


def pool(rng: np.random.Generator, parameters: Parameters, incumbents: Floats, count: int) -> Floats:
    """About count candidates: half draws, the rest mutations, moves and neighbours of the incumbents, (m, D)."""
    if not len(incumbents):
        return parameters.draw(rng, count)
    quarter = max(1, count // 4)
    near = np.concatenate([parameters.neighbours(row) for row in incumbents[:2]])
    return np.concatenate([
        parameters.draw(rng, max(1, count // 2)),
        parameters.mutate(rng, incumbents, quarter),
        parameters.perturb(rng, incumbents, quarter, 0.1),
        near[rng.permutation(len(near))[:quarter]],
    ])  # fmt: skip


def refined(
    rng: np.random.Generator, parameters: Parameters, wanted: Callable[[Floats], Floats], start: Floats, may: Eligible
) -> Floats:
    """The most wanted candidate: the best of a pool of eligible ones, improved round by round, (D,)."""
    rows, scores = start, wanted(start)
    for scale in _SCALES:
        best = np.argsort(-scores, kind="stable")[:_PARENTS]
        rows, scores = rows[best], scores[best]
        moved = parameters.perturb(rng, rows, _CHILDREN, scale)
        crossed = parameters.cross(rng, rows, _CHILDREN // 4)
        children = fresh(may(np.concatenate([moved, crossed])), rows)
        if len(children):
            rows, scores = np.concatenate([rows, children]), np.concatenate([scores, wanted(children)])
    return rows[np.argmax(scores)]


def varied(
    rng: np.random.Generator, parameters: Parameters, wanted: Callable[[Floats], Floats], row: Floats, may: Eligible
) -> Floats:
    """A candidate nearly as wanted as another one, whose values are drawn anew wherever that hardly matters, (D,).

    A parameter that seems to tell nothing would keep the value that looks least known, an end of its range, and what it
    does elsewhere would never be seen.
    """
    least = wanted(row[None])[0] - _INDIFFERENT
    for place in rng.permutation(len(parameters)):
        rows = np.repeat(row[None], _DRAWS, axis=0)
        rows[:, place] = parameters.draw(rng, _DRAWS)[:, place]
        rows = may(rows)
        rows = rows[wanted(rows) >= least] if len(rows) else rows
        row = rows[0] if len(rows) else row
    return row


def fresh(rows: Floats, tried: Floats) -> Floats:
    """Distinct rows that are not among those tried, in their order."""
    met = {row.tobytes() for row in np.round(tried / SAME)}
    kept: list[int] = []
    for number, row in enumerate(np.round(rows / SAME)):
        key = row.tobytes()
        if key not in met:
            met.add(key)
            kept.append(number)
    return rows[kept]


def farthest(parameters: Parameters, rows: Floats, others: Floats) -> Floats:
    """Of a few rows the one farthest from all others, (D,): an even beginning (Mitchell 1991)."""
    if not len(others):
        return rows[0]
    rows = rows[:_FEW]
    return rows[np.argmax(squares(parameters.features(rows), parameters.features(others)).min(axis=1))]


def in_the_widest_gap(parameters: Parameters, rows: Floats, others: Floats) -> Floats:
    """Of any number of rows the one farthest from all others, where the ends of each range meet, (D,).

    No place is nearer to a border than others then, and all of the space is filled evenly, however long it takes.
    """
    return rows[np.argmax(squares(_closed(parameters, rows), _closed(parameters, others)).min(axis=1))]


def _closed(parameters: Parameters, rows: Floats) -> Floats:
    """Categories as indicators and numbers on circles, (m, F)."""
    angles = 2 * np.pi * rows[:, parameters.choices == 0]
    categories = parameters.features(rows)[:, np.flatnonzero(parameters.indicators)]
    return np.concatenate([categories, np.cos(angles) / 4, np.sin(angles) / 4], axis=1)
