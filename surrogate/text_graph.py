"""The graph that a text writes, as the spaces of cells do.

``conv3x3<0,2`` is a vertex that reads those of the words 0 and 2; ``conv3x3<0>2`` is an edge from node 0 to node 2. The
ways of a graph lead from its first node to its last; the vertex that reads nothing and an ``output`` do nothing.

Shapes: V nodes, E edges.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

_VERTEX = re.compile(r"([^<>=]+)(?:<(\d+(?:,\d+)*))?")
_EDGE = re.compile(r"([^<>=]+)<(\d+)>(\d+)!?")  # the mark says that it reaches no output
_NOTHING = "zero"  # an edge that carries nothing
OUTPUT = "output"
"""Operation of a vertex that only collects."""
NO_WAY = 20
"""Length where there is no way."""


@dataclass(frozen=True)
class TextGraph:
    """Nodes in a topological order, and what the edges between them do.

    Args:
        edges: Source, end, operation; sources in order, (E,).
        last: The node at which ways end; they start at node 0.
    """

    edges: tuple[tuple[int, int, str], ...]
    last: int

    @property
    def operations(self) -> Counter[str]:
        """How often each operation occurs."""
        return Counter(name for *_, name in self.edges if name != OUTPUT)

    def ways(self, operations: Collection[str]) -> tuple[int, int, int, int]:
        """Lengths of the shortest and longest way through some operations alone, and degrees of its ends in them."""
        edges = [edge for edge in self.edges if edge[2] in operations or edge[2] == OUTPUT]
        shortest, longest = {0: 0}, {0: 0}
        for source, end, _ in edges:
            if source in shortest:
                shortest[end] = min(shortest[source] + 1, shortest.get(end, NO_WAY))
                longest[end] = max(longest[source] + 1, longest.get(end, 0))
        degrees = sum(source == 0 for source, *_ in edges), sum(end == self.last for _, end, _ in edges)
        return (shortest.get(self.last, NO_WAY), longest.get(self.last, 0), *degrees)


@lru_cache(maxsize=4096)
def read(text: str) -> TextGraph | None:
    """The graph of a text, whatever numbers it states besides; None if it writes none."""
    words = [word for word in text.split() if "=" not in word]
    edges = _between(words) or _towards(words)
    if not edges:
        return None
    doing = sorted(edge for edge in edges if edge[2] != _NOTHING)
    return TextGraph(tuple(doing), max(end for _, end, _ in edges))


def _between(words: Sequence[str]) -> list[tuple[int, int, str]] | None:
    """Edges that are words."""
    found = [_EDGE.fullmatch(word) for word in words]
    parts = [(int(match[2]), int(match[3]), match[1]) for match in found if match]
    return parts if len(parts) == len(words) and all(source < end for source, end, _ in parts) else None


def _towards(words: Sequence[str]) -> list[tuple[int, int, str]] | None:
    """Edges to the vertices that are words; the first alone reads nothing."""
    edges: list[tuple[int, int, str]] = []
    for place, word in enumerate(words):
        match = _VERTEX.fullmatch(word)
        sources = [int(source) for source in (match[2] or "").split(",") if source] if match else []
        if not match or bool(sources) != bool(place) or any(source >= place for source in sources):
            return None
        edges += [(source, place, match[1]) for source in sources]
    return edges
