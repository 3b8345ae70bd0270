"""What a model made of texts, kept: a search asks of many of its candidates again after the next measurement.

Shapes: n texts.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from .prediction import Prediction
from .problem import Problem
from .reading import Reading

Floats = NDArray[np.float64]
Read = Callable[[Problem, Sequence[str]], tuple[Prediction, Reading]]
Key = tuple[Read, Problem, str]
Made = tuple[Floats, ...]
"""Ends and masses of the leaves, probability of failure, trust, outlines, states: of one text."""

_KEPT = 2**26  # bytes of what was asked last: one text of a known problem takes 6 to 30 kB, of an unknown device 110


class Readings:
    """What a model made of the texts that were asked last, and of those that are to be kept."""

    def __init__(self) -> None:
        self._last: dict[Key, Made] = {}
        self._kept: dict[Key, Made] = {}

    def __call__(
        self, read: Read, problem: Problem, texts: Sequence[str], *, keep: bool = False
    ) -> tuple[Prediction, Reading]:
        """Predictions and readings of texts.

        Args:
            read: The model, which reads those that it has not read.
            problem: What is asked.
            texts: The candidates.
            keep: Whether they are kept however many others are asked, until others of the problem are to be kept.
        """
        if not texts:
            return read(problem, texts)
        known = ChainMap(self._kept, self._last)
        new = [text for text in dict.fromkeys(texts) if (read, problem, text) not in known]
        found = {(read, problem, text): made for text, made in zip(new, self._made(read, problem, new), strict=True)}
        asked = {key: found.get(key) or known[key] for key in [(read, problem, text) for text in texts]}
        if keep:
            self._kept = {key: made for key, made in self._kept.items() if key[1] != problem} | asked
        elif new:
            self._last = _latest(self._last, asked)
        return _stacked(texts, [asked[read, problem, text] for text in texts])

    def release(self, problem: Problem, texts: Iterable[str] | None = None) -> None:
        """Some texts of a problem need no longer be kept; None: all of them."""
        some = None if texts is None else {*texts}
        own = ((key, made) for key, made in self._kept.items() if key[1] == problem)
        free = {key: made for key, made in own if some is None or key[2] in some}
        self._kept = {key: made for key, made in self._kept.items() if key not in free}
        self._last = _latest(self._last, free)

    @staticmethod
    def _made(read: Read, problem: Problem, texts: Sequence[str]) -> Iterator[Made]:
        """What the model makes of texts, if any; copies, which do not keep the others alive."""
        if texts:
            p, reading = read(problem, texts)
            columns = (p.lower, p.upper, p.mass, p.p_fail, p.trust, reading.outlines, reading.states)
            yield from (tuple(map(np.copy, row)) for row in zip(*columns, strict=True))


def _latest(before: dict[Key, Made], asked: dict[Key, Made]) -> dict[Key, Made]:
    """The last of what was asked, as much as may be kept."""
    rows = [*((key, made) for key, made in before.items() if key not in asked), *asked.items()]
    sizes = np.array([sum(own.nbytes for own in made) for _, made in rows])
    return dict(rows[np.count_nonzero(np.cumsum(sizes[::-1])[::-1] > _KEPT) :])


def _stacked(texts: Sequence[str], rows: Sequence[Made]) -> tuple[Prediction, Reading]:
    """What was made of one text after the other, as of all at once."""
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
