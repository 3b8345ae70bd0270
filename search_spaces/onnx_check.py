"""What is refused before a model is read: no graph, too many nodes, functions that call themselves, broken names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .onnx_file import MOST_NODES, ModelError

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

_VALUES = 16  # that a node reads or makes; one with more counts as several
_COUNTED = f", one with more than {_VALUES} values counted as several"


def check(model: ModelProto) -> None:
    """Refuse a model that is not whole or too large.

    Raises:
        ModelError: If it is one.
    """
    if not model.HasField("graph") or not model.graph.output:
        raise ModelError("the model has no graph with an output; is it an ONNX model, and whole?")
    if not model.opset_import:
        raise ModelError("the model imports no operator set; is it whole?")
    for graph in (model.graph, *model.functions):
        if sum(map(_count, _nodes(graph, MOST_NODES + 1))) > MOST_NODES:
            raise ModelError(f"the model has more than {MOST_NODES} nodes{_COUNTED}; give a part of it")
    for name in _names(model):
        if isinstance(name, bytes):  # what protobuf makes of broken UTF-8
            raise ModelError(f"the name {name[:40]!r} is no text; is the model whole?")
    if _Expansion(model).size(model.graph) > MOST_NODES:
        raise ModelError(f"with all the functions that it calls, the model has more than {MOST_NODES} nodes{_COUNTED}")


class _Expansion:
    """How many nodes there are when functions take the place of their calls."""

    def __init__(self, model: ModelProto) -> None:
        self._functions = {(each.domain, each.name, each.overload): each for each in model.functions}
        self._sizes: dict[tuple[str, str, str], int | None] = {}  # None: being counted

    def size(self, graph: Any) -> int:
        """Of a graph or function."""
        return sum(_count(node) + self._called(node) for node in _nodes(graph, MOST_NODES))

    def _called(self, node: NodeProto) -> int:
        key = node.domain, node.op_type, node.overload
        if key not in self._functions:
            return 0
        if key not in self._sizes:
            self._sizes[key] = None
            self._sizes[key] = self.size(self._functions[key])
        size = self._sizes[key]
        if size is None:
            raise ModelError(f"the function {node.op_type[:60]!r} calls itself")
        return size


def _nodes(graph: Any, most: int) -> Iterator[NodeProto]:
    """The nodes of a graph or function and of its subgraphs, the first ones."""
    for each in _graphs(graph):
        for node in each.node:
            if most <= 0:
                return
            most -= 1
            yield node


def _count(node: NodeProto) -> int:
    """As how many nodes it counts."""
    return max(1, -(-(len(node.input) + len(node.output)) // _VALUES))


def _graphs(graph: Any) -> Iterator[Any]:
    """A graph or function, and all its subgraphs."""
    stack = [graph]
    while stack:
        each = stack.pop()
        yield each
        attributes = [attribute for node in each.node for attribute in node.attribute]
        stack += [attribute.g for attribute in attributes if attribute.HasField("g")]
        stack += [inner for attribute in attributes for inner in attribute.graphs]


def _names(model: ModelProto) -> Iterator[str | bytes]:
    for graph in (inner for each in (model.graph, *model.functions) for inner in _graphs(each)):
        for node in graph.node:
            yield from (node.name, node.domain, node.op_type, node.overload, *node.input, *node.output)
            for attribute in node.attribute:
                yield from (attribute.name, attribute.ref_attr_name)
        for each in (*graph.input, *graph.output, *graph.value_info):
            yield from [each] if isinstance(each, (str, bytes)) else _names_of_value(each)  # a function's are names
        for tensor in getattr(graph, "initializer", ()):
            yield from (tensor.name, *(entry.value for entry in tensor.external_data))
    for function in model.functions:
        yield from (function.domain, function.name, function.overload)


def _names_of_value(info: Any) -> Iterator[str | bytes]:
    yield info.name
    yield from (dim.dim_param for dim in info.type.tensor_type.shape.dim)
