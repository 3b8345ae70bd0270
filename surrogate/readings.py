"""What a model made of texts, kept: a search asks of many of its candidates again after the next measurement.

Shapes: n texts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .prediction import Prediction
from .problem import Problem
from .reading import Reading

Floats = NDArray[np.float64]
Read = Callable[[Problem, Sequence[str]], tuple[Prediction, Reading]]
Row = tuple[Floats, ...]
"""Ends and masses of the leaves, probability of failure, trust, outlines, states: of one text."""

_KEPT = 4096  # texts, of some thousand numbers each; those that were asked last


class Readings:
    """What one model made of the texts that were asked last."""

    def __init__(self) -> None:
        self._rows: dict[tuple[Problem, str], Row] = {}

    def __call__(self, read: Read, problem: Problem, texts: Sequence[str]) -> tuple[Prediction, Reading]:
        """Predictions and readings of texts.

        Args:
            read: The model, which reads those that are not kept.
            problem: What is asked.
            texts: The candidates.
        """
        if not texts:
            return read(problem, texts)
        rows = self._rows  # another thread may exchange it
        new = [text for text in dict.fromkeys(texts) if (problem, text) not in rows]
        found = dict(zip(new, _split(*read(problem, new)), strict=True)) if new else {}
        asked = {(problem, text): found.get(text) or rows[problem, text] for text in texts}
        kept = [(key, row) for key, row in rows.items() if key not in asked]
        self._rows = dict([*kept, *asked.items()][-_KEPT:])
        return _joined(texts, [asked[problem, text] for text in texts])


def _split(prediction: Prediction, reading: Reading) -> Iterator[Row]:
    """A row for each text; copies, which do not keep the others alive."""
    p = prediction
    columns = (p.lower, p.upper, p.mass, p.p_fail, p.trust, reading.outlines, reading.states)
    return (tuple(map(np.copy, row)) for row in zip(*columns, strict=True))


def _joined(texts: Sequence[str], rows: Sequence[Row]) -> tuple[Prediction, Reading]:
    """Rows of one problem under each other."""
    lower, upper, mass, *others = zip(*rows, strict=True)
    p_fail, trust, outlines, states = map(np.array, others)
    prediction = Prediction(_padded(lower), _padded(upper), _padded(mass), p_fail, trust)
    return prediction, Reading(texts, prediction.mean, prediction.std, prediction.p_fail, outlines, states)


def _padded(rows: Sequence[Floats]) -> Floats:
    """Rows of several lengths under each other, zeros behind the shorter ones."""
    padded = np.zeros((len(rows), max(map(len, rows))))
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded
