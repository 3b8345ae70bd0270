"""A graph as a candidate: vertices in an order, each an operation with the elementwise ones that follow it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass


@dataclass(frozen=True)
class Vertex:
    """An operation with the elementwise ones that follow it, or an input.

    Args:
        word: What it is.
        kind: The beginning of the word, which the totals name.
        reads: Places of the vertices that it reads, and which of their outputs.
        commutes: Whether it may read them in any order.
        macs: Multiply-accumulates.
        bytes: Of what it makes.
        bodies: Its subgraphs.
    """

    word: str
    kind: str
    reads: tuple[tuple[int, int], ...]
    commutes: bool
    macs: int
    bytes: int
    bodies: tuple[Graph, ...] = ()


@dataclass(frozen=True)
class Graph:
    """A graph in a canonical order.

    Args:
        vertices: Each after those that it reads.
        outputs: Places of those that make the outputs.
        params: Elements of the weights.
        weight_bytes: What they take.
    """

    vertices: tuple[Vertex, ...]
    outputs: tuple[int, ...]
    params: int
    weight_bytes: int

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one run."""
        return sum(vertex.macs for vertex in self.vertices)

    @property
    def activation_bytes(self) -> int:
        """Of everything that is made, inputs included."""
        return sum(vertex.bytes for vertex in self.vertices)

    @property
    def peak_bytes(self) -> int:
        """Most bytes of activations that are alive at once, if the vertices run in their order.

        What a vertex makes, and an input, lives until the last vertex has read it; nothing is written in place. Not
        counted are weights, what is between the operations of one vertex, what subgraphs make inside, and a view
        (`Reshape` and the like) that is a vertex of its own, even where it outlives what it names anew.
        """
        last = {place: number for number, vertex in enumerate(self.vertices) for place, _ in vertex.reads}
        last |= dict.fromkeys(self.outputs, len(self.vertices))
        freed: Counter[int] = Counter()
        for place, vertex in enumerate(self.vertices):
            freed[last.get(place, place)] += vertex.bytes
        alive = peak = 0
        for place, vertex in enumerate(self.vertices):
            alive += vertex.bytes
            peak = max(peak, alive)
            alive -= freed[place]
        return peak
