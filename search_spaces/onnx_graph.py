"""Any ONNX model as a candidate: its graph as a compact text, the same for models that differ in names and file order.

The first lines are totals: parameters, multiply-accumulates, bytes of weights, of all activations and of those alive at
once, and what the main kinds of operations contribute. Then comes a word for each operation (see `onnx_words`), in a
topological order. What repeats is folded: ``3*( conv1x1c64@56+relu conv3x3c64@56+relu conv1x1c256@56 add~1,4+relu )``.

Notable: ``~1,4`` are the distances back to the words that a word reads, left out where it is the one before alone;
what is read from afar is named by its place, ``#7``. An elementwise operation on one value that nothing else reads is
part of the word before, as are weights, constants and what follows from them. What no output depends on is left out.
Subgraphs follow their operation in braces.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .devices import describe
from .onnx_costs import macs
from .onnx_file import ModelError, check_size, read
from .onnx_operations import graph_of
from .onnx_repeats import folded
from .onnx_values import Body, Operation, Value
from .onnx_words import COMMUTATIVE, VIEWS, input_word, kind, suffix, word
from .problem import Problem, asked

if TYPE_CHECKING:
    from onnx import ModelProto

_CONTEXT = "onnx_graph\nneural network: totals, then an operation a word in topological order, repeats folded"
_AFAR = 64  # words; further back, places are named instead of distances, so that layers that share a mask are equal
_ROUNDS = 8  # how far back operands are compared to find the order of those that commute
_MOST_MACS = 2**80
_KINDS, _SHARE = 6, 0.01  # kinds whose work is told apart: so many, each with at least this share


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
        """Most bytes of activations that are alive at once, if the vertices run in their order."""
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


def from_record(record: str | os.PathLike[str] | bytes | ModelProto, sizes: Mapping[str, int] | None = None) -> Graph:
    """The graph of a model.

    Args:
        record: An .onnx file, its content, a model, or the text that `onnx.printer` writes.
        sizes: Name of an open axis -> its size; else 1 for the first axis of an input, 224 for the sides of images
            and 128 for all others.

    Raises:
        ModelError: A ValueError. If it is no model, too large, contradicts itself or reaches outside its folder.
        FileNotFoundError: If there is no such file.
    """
    try:
        model, folder = read(record)
        check_size(model)
        return _graph(graph_of(model, folder, sizes))
    except (UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise ModelError(f"the model is broken: {error}") from error


def to_text(graph: Graph, rng: np.random.Generator | None = None) -> str:
    """The totals, then one word an operation in the canonical order, or with rng in another topological one."""
    if rng is not None:
        graph = _shuffled(graph, rng)
    lines = [_totals(graph), _work(graph), *_lines(folded(list(_words(graph))))]
    return "\n".join(filter(None, lines))


def problem(metric: str = "latency_ms", device: str | None = None) -> Problem:
    """What to ask of a model: ``latency_ms``, ``throughput``, ``energy_mj``, ``memory_bytes``, ``params`` or ``macs``.

    Args:
        metric: One of these.
        device: Where it is measured.

    Raises:
        ValueError: If the metric is another one.
    """
    where = "" if device is None else f" {describe(device)}"
    measured = {name: name + where for name in ("latency_ms", "throughput", "energy_mj", "memory_bytes")}
    return asked("an ONNX graph", _CONTEXT, measured | {"params": "params", "macs": "macs"}, metric)


def _graph(body: Body) -> Graph:
    """The graph of a body: operations to vertices, then these in order."""
    operations = body.operations
    readers = Counter(value for operation in operations for value in operation.operands)
    readers.update(body.outputs)
    vertices: list[Vertex] = []
    places: dict[Value, tuple[int, int]] = {}
    ends: dict[Value, int] = {}
    for operation in operations:
        for value in operation.operands:
            if value not in places:  # an input
                places[value] = len(vertices), 0
                vertices.append(Vertex(input_word(value), "input", (), False, 0, value.bytes))
        source = operation.operands[0] if operation.operands else None
        more = suffix(operation)
        if more and source in ends and readers[source] == 1 and not operation.bodies:
            place = ends.pop(source)
            before = vertices[place]
            size = before.bytes if operation.kind in VIEWS else operation.outputs[0].bytes
            vertices[place] = replace(before, word=before.word + more, bytes=size)
            places[operation.outputs[0]] = place, 0
        else:
            place = len(vertices)
            vertices.append(_vertex(operation, [places[value] for value in operation.operands]))
            places |= {output: (place, number) for number, output in enumerate(operation.outputs)}
        if len(operation.outputs) == 1:
            ends[operation.outputs[0]] = place
    outputs = [places[value][0] for value in body.outputs if value in places]
    weights = dict.fromkeys(value for operation in operations for value in operation.weights)
    inner = [graph for vertex in vertices for graph in vertex.bodies]
    params = sum(value.elements for value in weights) + sum(graph.params for graph in inner)
    size = sum(value.bytes for value in weights) + sum(graph.weight_bytes for graph in inner)
    return _ordered(Graph(tuple(vertices), tuple(outputs), params, size), _visits(vertices))


def _vertex(operation: Operation, reads: Sequence[tuple[int, int]]) -> Vertex:
    work = macs(operation)
    if work > _MOST_MACS:
        raise ModelError(f"a {operation.kind} does {float(work):.2g} multiply-accumulates; no model runs that long")
    turns = "".join(f"{body.turns}" for body in operation.bodies if operation.kind in ("Loop", "Scan"))
    size = 0 if operation.kind in VIEWS else sum(value.bytes for value in operation.outputs)
    bodies = tuple(_graph(body) for body in operation.bodies)
    name = kind(operation)
    return Vertex(word(operation) + turns, name, tuple(reads), operation.kind in COMMUTATIVE, work, size, bodies)


def _visits(vertices: Sequence[Vertex]) -> list[list[int]]:
    """In which order each vertex's operands are visited: as it reads them, or by their text where they commute."""
    ranks = _ranked([(vertex.word, *map(_words_of, vertex.bodies)) for vertex in vertices])
    for _ in range(_ROUNDS):
        read = [tuple(ranks[place] for place, _ in vertex.reads) for vertex in vertices]
        ordered = [sorted(each) if vertex.commutes else each for each, vertex in zip(read, vertices, strict=True)]
        ranks = _ranked([(rank, *each) for rank, each in zip(ranks, ordered, strict=True)])
    return [
        sorted((place for place, _ in vertex.reads), key=ranks.__getitem__)
        if vertex.commutes
        else [place for place, _ in vertex.reads]
        for vertex in vertices
    ]


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


def _shuffled(graph: Graph, rng: np.random.Generator) -> Graph:
    """Another topological order; operands are visited by a random order of words, so that equal blocks stay equal."""
    words = sorted({vertex.word for vertex in graph.vertices})
    ranks = dict(zip(words, rng.permutation(len(words)).tolist(), strict=True))
    visits = [
        sorted((place for place, _ in vertex.reads), key=lambda place: ranks[graph.vertices[place].word])
        for vertex in graph.vertices
    ]
    return _ordered(graph, visits)


def _words(graph: Graph) -> Iterator[str]:
    """A text for each vertex, with what it reads."""
    last = {place: number for number, vertex in enumerate(graph.vertices) for place, _ in vertex.reads}
    for number, vertex in enumerate(graph.vertices):
        reads = [_reference(number, place, output, last[place]) for place, output in vertex.reads]
        chained = reads == ["1"] or vertex.kind == "input"
        inner = "".join(f" {{ {_words_of(body)} }}" for body in vertex.bodies)
        yield vertex.word + ("" if chained else "~" + (",".join(reads) or "0")) + inner


def _words_of(graph: Graph) -> str:
    return " ".join(folded(list(_words(graph))))


def _reference(number: int, place: int, output: int, last: int) -> str:
    name = f"#{place}" if last - place > _AFAR else str(number - place)
    return f"{name}.{output}" if output else name


def _lines(words: Iterator[str]) -> Iterator[str]:
    """The words, what is folded on lines of its own."""
    line, depth = list[str](), 0
    for each in words:
        if each.endswith("*(") and depth == 0 and line:
            yield " ".join(line)
            line = []
        line.append(each)
        depth += each.endswith("*(") - (each == ")")
        if each == ")" and depth == 0:
            yield " ".join(line)
            line = []
    yield " ".join(line)


def _totals(graph: Graph) -> str:
    operations = sum(1 for vertex in graph.vertices if vertex.kind != "input")
    numbers = {
        "params_m": graph.params / 1e6,
        "macs_m": graph.macs / 1e6,
        "weights_mb": graph.weight_bytes / 1e6,
        "activations_mb": graph.activation_bytes / 1e6,
        "peak_mb": graph.peak_bytes / 1e6,
        "ops": operations,
    }
    return " ".join(f"{name}={number:.3g}" for name, number in numbers.items())


def _work(graph: Graph) -> str:
    """Multiply-accumulates of the main kinds of operations, most first."""
    work: Counter[str] = Counter()
    for vertex in graph.vertices:
        work[vertex.kind] += vertex.macs
    main = sorted(((-count, name) for name, count in work.items() if count > _SHARE * graph.macs))[:_KINDS]
    return " ".join(f"{name}_macs_m={-count / 1e6:.3g}" for count, name in main)
