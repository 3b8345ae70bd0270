"""What can be counted in the graphs of texts: the features of a plain model that sees how operations are joined.

How often each operation occurs, the ways through each set of operations (Kadlecova et al. 2024, arXiv:2404.16551), and
the numbers that the texts state.

Shapes: n texts, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain, combinations, islice

import numpy as np
from numpy.typing import NDArray

from .fields import numbers
from .text_graph import TextGraph, read

Floats = NDArray[np.float64]

_SETS, _MOST = 256, 500  # sets of operations and features, the smaller sets first
_WAYS = 4  # numbers that a set of operations gives
_LARGEST = float(np.finfo(np.float32).max)  # of a number that a forest compares
_ABSENT = TextGraph((), 1, ())
"""Of a text that writes no graph."""


class GraphFields:
    """Features that vary among some texts; what several say alike is said once.

    Args:
        texts: The texts whose features count.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._numbers = sorted({name for text in texts for name in numbers(text)})
        self._operations = sorted({name for text in texts for name in _graph(text).operations})
        sizes = range(1, len(self._operations) + 1)
        sets = chain.from_iterable(combinations(self._operations, size) for size in sizes)
        every = [frozenset(chosen) for chosen in islice(sets, _SETS)]
        told = _telling(self._rows(texts, every))
        before = len(self._numbers) + len(self._operations)
        needed = np.unique((told[told >= before] - before) // _WAYS)
        self._sets: list[frozenset[str]] = [every[place] for place in needed.tolist()]
        places = [*range(before), *(before + _WAYS * place + way for place in needed for way in range(_WAYS))]
        self._kept = np.flatnonzero(np.isin(places, told))

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Features of texts, (n, F)."""
        return self._rows(texts, self._sets)[:, self._kept]

    def _rows(self, texts: Sequence[str], sets: Sequence[frozenset[str]]) -> Floats:
        width = len(self._numbers) + len(self._operations) + _WAYS * len(sets)
        rows = np.array([self._row(text, sets) for text in texts], dtype=np.float64)
        return np.clip(rows, -_LARGEST, _LARGEST).reshape(len(texts), width)

    def _row(self, text: str, sets: Sequence[frozenset[str]]) -> list[float]:
        graph, stated = _graph(text), numbers(text)
        ways, own = cache(graph.ways), frozenset(graph.operations)
        return [
            *(stated.get(name, 0.0) for name in self._numbers),
            *(graph.operations.count(name) for name in self._operations),
            *chain.from_iterable(ways(chosen & own) for chosen in sets),
        ]


def _telling(columns: Floats) -> NDArray[np.intp]:
    """Places of the first columns that vary and say what none before them says."""
    first = np.sort(np.unique(columns, axis=1, return_index=True)[1])
    return first[np.ptp(columns[:, first], axis=0) > 0][:_MOST]


def _graph(text: str) -> TextGraph:
    return read(text) or _ABSENT
