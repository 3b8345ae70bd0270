"""A graph's text: totals, then the words of its vertices, folded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from .onnx_repeats import folded
from .onnx_vertices import Graph

_AFAR = 64  # words; further back, places are named instead of distances, so that layers that share a mask are equal
_KINDS, _SHARE = 6, 0.01  # kinds whose work is told apart: so many, each with at least this share


def text(graph: Graph) -> str:
    """Lines of totals, and lines of words, what is folded on lines of its own."""
    lines = [_totals(graph), _work(graph), *_lines(folded(list(_words(graph))))]
    return "\n".join(filter(None, lines))


def _words(graph: Graph) -> Iterator[str]:
    """A text for each vertex, with what it reads."""
    last = {place: number for number, vertex in enumerate(graph.vertices) for place, _ in vertex.reads}
    for number, vertex in enumerate(graph.vertices):
        reads = [_reference(number, place, output, last[place]) for place, output in vertex.reads]
        chained = reads == ["1"] or vertex.kind == "input"
        inner = "".join(f" {{ {words_of(body)} }}" for body in vertex.bodies)
        yield vertex.word + ("" if chained else "~" + (",".join(reads) or "0")) + inner


def words_of(graph: Graph) -> str:
    """The words on one line, as subgraphs are written."""
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
