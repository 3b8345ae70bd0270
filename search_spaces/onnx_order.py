"""The order of a graph's vertices: one that equal graphs share, or a random one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from .onnx_text import words_of
from .onnx_vertices import Graph, Vertex

_ROUNDS, _WORK = 8, 500_000  # of comparing neighbours: at least so many, and as many as cost so many comparisons
_SLOTS = 1 << 20  # more than an operation has outputs
_USUAL = 4  # edges of a vertex: a graph that has more of them is compared as if it had more vertices


def canonical(graph: Graph) -> Graph:
    """The graph in the order that equal graphs share; outputs and operands that commute are put in order by rank."""
    ranks = _ranks(graph)
    visits = [
        sorted((place for place, _ in vertex.reads), key=ranks.__getitem__)
        if vertex.commutes
        else [place for place, _ in vertex.reads]
        for vertex in graph.vertices
    ]
    return _ordered(replace(graph, outputs=tuple(sorted(graph.outputs, key=ranks.__getitem__))), visits)


def _ranks(graph: Graph) -> list[int]:
    """Of the vertices by their words, then by their neighbours', and so on until they do not tell more apart.

    Nearer neighbours count first, so that the order inside a block that repeats is the same each time.
    """
    vertices = graph.vertices
    readers: list[list[tuple[int, int]]] = [[] for _ in vertices]
    for number, vertex in enumerate(vertices):
        for slot, (place, output) in enumerate(vertex.reads):
            readers[place].append((number, output if vertex.commutes else output - (slot + 1) * _SLOTS))
    ranks, classes = _ranked([(vertex.word, *map(words_of, vertex.bodies)) for vertex in vertices]), 0
    edges = sum(len(vertex.reads) for vertex in vertices)
    for _ in range(max(_ROUNDS, _WORK // max(1, len(vertices), edges // _USUAL))):
        if max(ranks, default=0) == classes:
            break
        classes = max(ranks)
        ranks = _ranked([
            (ranks[number], *_read(vertex, ranks), -1, *_pairs(readers[number], ranks))
            for number, vertex in enumerate(vertices)
        ])  # fmt: skip
    return ranks


def _read(vertex: Vertex, ranks: Sequence[int]) -> list[int]:
    """Ranks of what a vertex reads."""
    found = [ranks[place] for place, _ in vertex.reads]
    return sorted(found) if vertex.commutes else found


def _pairs(readers: Sequence[tuple[int, int]], ranks: Sequence[int]) -> Iterator[int]:
    """Ranks of a vertex's readers and where they read it."""
    for rank, slot in sorted((ranks[number], slot) for number, slot in readers):
        yield rank
        yield slot


def _ranked(keys: Sequence[tuple[int | str, ...]]) -> list[int]:
    numbers = {key: number for number, key in enumerate(sorted(set(keys)))}  # type: ignore[type-var]
    return [numbers[key] for key in keys]


def _ordered(graph: Graph, visits: Sequence[Sequence[int]]) -> Graph:
    """The graph in the order of a depth-first search from its outputs."""
    order: dict[int, int] = {}
    stack = [(place, False) for place in reversed(graph.outputs)]
    opened: set[int] = set()
    while stack:
        place, read = stack.pop()
        if read:
            order[place] = len(order)
        elif place not in opened:
            opened.add(place)
            stack.append((place, True))
            stack += [(operand, False) for operand in reversed(visits[place])]
    vertices = [_renumbered(graph.vertices[place], order) for place in order]
    return replace(graph, vertices=tuple(vertices), outputs=tuple(order[place] for place in graph.outputs))


def _renumbered(vertex: Vertex, order: Mapping[int, int]) -> Vertex:
    reads = [(order[place], output) for place, output in vertex.reads]
    return replace(vertex, reads=tuple(sorted(reads, reverse=True) if vertex.commutes else reads))


def shuffled(graph: Graph, rng: np.random.Generator) -> Graph:
    """Another topological order; operands are visited by a random order of words, so that equal blocks stay equal."""
    words = sorted({vertex.word for vertex in graph.vertices})
    ranks = dict(zip(words, rng.permutation(len(words)).tolist(), strict=True))
    visits = [
        sorted((place for place, _ in vertex.reads), key=lambda place: ranks[graph.vertices[place].word])
        for vertex in graph.vertices
    ]
    return _ordered(graph, visits)
