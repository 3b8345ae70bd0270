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
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .devices import measured_on
from .onnx_check import check
from .onnx_costs import macs
from .onnx_file import ModelError, read
from .onnx_operations import BATCH, WEIGHTED, graph_of
from .onnx_order import canonical, shuffled
from .onnx_text import text
from .onnx_values import Body, Operation, Value
from .onnx_vertices import Graph, Vertex
from .onnx_words import COMMUTATIVE, VIEWS, input_word, kind, suffix, word
from .problem import Problem, asked
from .record import whole

if TYPE_CHECKING:
    from onnx import ModelProto

_CONTEXT = "onnx_graph\nneural network: totals, then an operation a word in topological order, repeats folded"
_LONGEST = 100  # characters of a word beyond which nothing more is added to it
_MOST_MACS = 2**80
_BROKEN = (UnicodeDecodeError, RecursionError, ArithmeticError, LookupError, TypeError, AttributeError, MemoryError)
"""What else reading a model may raise that is not as it should be."""
_LONGEST_REASON = 500  # characters


def from_record(
    record: str | os.PathLike[str] | bytes | ModelProto, sizes: Mapping[str, int] | None = None, *, batch: int = BATCH
) -> Graph:
    """The graph of a model.

    Args:
        record: An .onnx file, its content, a model, or the text that `onnx.printer` writes.
        sizes: Name of an open axis -> its size; else the batch for the first axis of an input, 224 for the sides of
            images and 128 for all others.
        batch: Size of an open first axis: how many samples a run takes.

    Raises:
        ModelError: A ValueError. If it is no model or too large, contradicts itself or reaches outside its folder.
        UnknownAxisError: A ModelError. If a size is given of what is no open axis.
        FileNotFoundError: If there is no such file.
        ValueError: If a size, or the batch, is no whole number, or less than 1.
    """
    from google.protobuf.message import DecodeError

    batch = _size("batch", batch)
    sizes = {name: _size(f"size of {name!r}", size) for name, size in (sizes or {}).items()}
    try:
        model, folder = read(record)
        check(model)
        return _graph(graph_of(model, folder, sizes, batch))
    except (*_BROKEN, DecodeError) as error:
        raise ModelError(f"the model is broken or too large: {error!r}"[:_LONGEST_REASON]) from error


def to_text(graph: Graph, rng: np.random.Generator | None = None) -> str:
    """The totals, then one word an operation in the canonical order, or with rng in another topological one.

    Raises:
        TypeError: If it is no graph, but the path of a file, say.
    """
    if not isinstance(graph, Graph):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"the graph is {str(graph)[:80]!r}, a {type(graph).__name__}; read it with from_record first")
    return text(graph if rng is None else shuffled(graph, rng))


def problem(metric: str = "latency_ms", device: str | None = None) -> Problem:
    """What to ask of a model: ``latency_ms``, ``throughput``, ``energy_mj``, ``memory_bytes``, ``params`` or ``macs``.

    Args:
        metric: One of these.
        device: Where it is measured, with the batch size at the end if it is not 1, as in ``1080ti_32``.

    Raises:
        ValueError: If the metric is another one.
    """
    where = "" if device is None else f" {measured_on(device)}"
    measured = {name: name + where for name in ("latency_ms", "throughput", "energy_mj", "memory_bytes")}
    return asked("an ONNX graph", _CONTEXT, measured | {"params": "params", "macs": "macs"}, metric)


def _size(word: str, given: int) -> int:
    size = whole(f"the {word}", given)
    if size < 1:
        raise ValueError(f"the {word} is {size}; give at least 1")
    return size


def _graph(body: Body) -> Graph:
    """The graph of a body: operations to vertices, then these in order."""
    operations = body.operations
    found = _Vertices(Counter([*(value for each in operations for value in each.operands), *body.outputs]))
    for operation in operations:
        found.add(operation)
    outputs = [found.places[value][0] for value in body.outputs if value in found.places]
    weights = dict.fromkeys(_weights(operations))
    stored = dict.fromkeys(origin for value in weights for origin in value.origins or (value,))
    sizes = sum(value.elements for value in stored), sum(value.bytes for value in weights)
    return canonical(Graph(tuple(found.vertices), tuple(outputs), *sizes))


class _Vertices:
    """The vertices of the operations so far.

    Args:
        readers: How often each value is read, as an output of the graph too.
    """

    def __init__(self, readers: Mapping[Value, int]) -> None:
        self.vertices: list[Vertex] = []
        self.places: dict[Value, tuple[int, int]] = {}  # which vertex makes a value, as which of its outputs
        self._readers = readers
        self._open: set[Value] = set()  # values whose vertex may take in what reads them

    def add(self, operation: Operation) -> None:
        """Add an operation as a vertex, or to the one that it reads."""
        for value in operation.operands:
            if value not in self.places:  # an input
                self._append(Vertex(input_word(value), "input", (), False, 0, value.bytes), [value])
        more = suffix(operation)
        if more and self._extends(operation.operands[0]):
            self._extend(operation, more)
        else:
            reads = [self.places[value] for value in operation.operands]
            self._append(_vertex(operation, reads), operation.outputs)
        self._open |= set(operation.outputs if len(operation.outputs) == 1 else ())

    def _append(self, vertex: Vertex, outputs: Sequence[Value]) -> None:
        self.places |= {output: (len(self.vertices), number) for number, output in enumerate(outputs)}
        self.vertices.append(vertex)

    def _extends(self, value: Value) -> bool:
        """Whether an elementwise operation on a value may join the vertex that makes it."""
        word = self.vertices[self.places[value][0]].word
        return value in self._open and self._readers[value] == 1 and len(word) < _LONGEST

    def _extend(self, operation: Operation, more: str) -> None:
        place, result = self.places[operation.operands[0]][0], operation.outputs[0]
        before = self.vertices[place]
        size = before.bytes if operation.kind in VIEWS else result.bytes
        self.vertices[place] = replace(before, word=before.word + more, bytes=size)
        self.places[result] = place, 0


def _weights(operations: Sequence[Operation]) -> Iterator[Value]:
    """The weights that operations and their subgraphs read.

    What is filled with a number in place of the weights that a file lacks counts as they would.
    """
    for operation in operations:
        places = operation.inputs[1:] if operation.name in WEIGHTED else []
        yield from (value for value in operation.weights if not value.is_size or (value.computed and value in places))
        for body in operation.bodies:
            yield from _weights(body.operations)


def _vertex(operation: Operation, reads: Sequence[tuple[int, int]]) -> Vertex:
    work = macs(operation)
    if work > _MOST_MACS:
        raise ModelError(f"a {operation.kind} does {float(work):.2g} multiply-accumulates; no model runs that long")
    repeated = [body.turns for body in operation.bodies if operation.kind in ("Loop", "Scan")]
    turns = "".join(f".turns{'?' if count is None else count}" for count in repeated)
    size = 0 if operation.kind in VIEWS else sum(value.bytes for value in operation.outputs)
    bodies = tuple(_graph(body) for body in operation.bodies)
    name = kind(operation)
    return Vertex(word(operation) + turns, name, tuple(reads), operation.kind in COMMUTATIVE, work, size, bodies)
