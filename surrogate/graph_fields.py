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

_SETS, _MOST = 512, 500  # sets of operations and features, the smaller sets first
_ABSENT = TextGraph((), 1)
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
        self._sets = [frozenset(chosen) for chosen in islice(sets, _SETS)]
        self._kept: slice | list[int] = slice(None)
        columns = self(texts)
        _, first = np.unique(columns, axis=1, return_index=True)
        self._kept = [place for place in sorted(first.tolist()) if np.ptp(columns[:, place]) > 0][:_MOST]

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Features of texts, (n, F)."""
        width = len(self._numbers) + len(self._operations) + 4 * len(self._sets)
        rows = np.array([self._row(text) for text in texts], dtype=np.float64).reshape(len(texts), width)
        return rows[:, self._kept]

    def _row(self, text: str) -> list[float]:
        graph, stated = _graph(text), numbers(text)
        counts, ways = graph.operations, cache(graph.ways)
        own = frozenset(counts)
        return [
            *(stated.get(name, 0.0) for name in self._numbers),
            *(counts[name] for name in self._operations),
            *chain.from_iterable(ways(chosen & own) for chosen in self._sets),
        ]


def _graph(text: str) -> TextGraph:
    return read(text) or _ABSENT
