"""The graph that a text writes, as the spaces of cells do.

``conv3x3<0,2`` is a vertex that reads those of the words 0 and 2; ``conv3x3<0>2`` is an edge from node 0 to node 2. The
ways of a graph lead from its first node to its last; the vertex that reads nothing and an ``output`` do nothing.

Shapes: V nodes, E edges.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from .quantities import number
from .remembered import remembered

_VERTEX = re.compile(r"([^<>=]+)(?:<(\d{1,3}(?:,\d{1,3})*))?")
_EDGE = re.compile(r"([^<>=]+)<(\d{1,3})>(\d{1,3})!?")  # the mark says that it reaches no output
_NOTHING = "zero"  # an edge that carries nothing
_MOST_WORDS = 64  # a longer text is a program or a whole network, whose sets of operations are too many
_OUTPUT = "output"  # a vertex that only collects
NO_WAY = 1000
"""Length where there is no way, longer than any."""

Edge = tuple[int, int, str]
"""Source, end, operation."""


@dataclass(frozen=True)
class TextGraph:
    """Nodes in a topological order, and what the edges between them do.

    Args:
        edges: Edges, those of the first sources first, (E,).
        last: The node at which ways end; they start at node 0.
        operations: What is done, as often as it is.
    """

    edges: tuple[Edge, ...]
    last: int
    operations: tuple[str, ...]

    def ways(self, operations: Collection[str]) -> tuple[int, int, int, int]:
        """Lengths of the shortest and longest way through some operations alone, and degrees of its ends in them."""
        edges = [edge for edge in self.edges if edge[2] in operations or edge[2] == _OUTPUT]
        shortest, longest = {0: 0}, {0: 0}
        for source, end, _ in edges:
            if source in shortest:
                shortest[end] = min(shortest[source] + 1, shortest.get(end, NO_WAY))
                longest[end] = max(longest[source] + 1, longest.get(end, 0))
        degrees = sum(source == 0 for source, *_ in edges), sum(end == self.last for _, end, _ in edges)
        return (shortest.get(self.last, NO_WAY), longest.get(self.last, 0), *degrees)


@remembered
def read(text: str) -> TextGraph | None:
    """The graph of a text, whatever numbers it states besides; None if it writes none, or says more than that."""
    words = [word for word in text.split() if number(word) is None]
    return (_of_edges(words) or _of_vertices(words)) if len(words) <= _MOST_WORDS else None


def are_graphs(texts: Iterable[str]) -> bool:
    """Whether all texts write a graph."""
    return all(map(read, texts))


def _of_edges(words: Sequence[str]) -> TextGraph | None:
    """A graph whose edges are words."""
    found = [match for word in words if (match := _EDGE.fullmatch(word))]
    edges = [(int(match[2]), int(match[3]), match[1]) for match in found]
    if not edges or len(edges) < len(words) or any(source >= end for source, end, _ in edges):
        return None
    doing = sorted(edge for edge in edges if edge[2] != _NOTHING)
    return TextGraph(tuple(doing), max(end for _, end, _ in edges), tuple(name for *_, name in doing))


def _of_vertices(words: Sequence[str]) -> TextGraph | None:
    """A graph whose vertices are words, of which the first alone reads nothing."""
    found = [match for word in words if (match := _VERTEX.fullmatch(word))]
    sources = [[int(source) for source in (match[2] or "").split(",") if source] for match in found]
    reads = all(bool(own) == bool(place) and max(own, default=-1) < place for place, own in enumerate(sources))
    if len(words) < 2 or len(found) < len(words) or not reads:
        return None
    names = [match[1] for match in found]
    edges = sorted((source, place, names[place]) for place, own in enumerate(sources) for source in own)
    return TextGraph(tuple(edges), len(words) - 1, tuple(name for name in names[1:] if name != _OUTPUT))
