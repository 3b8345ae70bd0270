"""From a model to its graph of operations and values: shapes inferred, what is constant found, functions expanded.

Shapes are inferred one node at a time in topological order, so that constants that decide shapes are known when they
are needed, and no chain of them can grow without bound.

Notable: open axes of inputs are given sizes; sizes that depend on data count as 1. What makes no work is no operation:
`Identity`, `Dropout` and the like are their inputs, `Shape` of a known shape is a constant, a branch of a constant
condition is part of what is around it.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from .onnx_attributes import attributes, bound
from .onnx_constants import SELECTING, evaluate
from .onnx_file import MOST_KEPT, ModelError, UnknownAxisError, checked
from .onnx_inference import declare, infer
from .onnx_subgraphs import given, made, ordered, read_from_outside, subgraphs, taken
from .onnx_tensors import SMALL, as_constant, as_sparse_constant
from .onnx_values import BOOL, FLOAT, INT64, STRING, Body, Operation, Value, known, standard

if TYPE_CHECKING:
    from onnx import FunctionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, ValueInfoProto

    _Declared: TypeAlias = Mapping[str, ValueInfoProto]

BATCH, SIDE, LENGTH = 1, 224, 128
"""Sizes of open axes: the first one of an input, the sides of images (inputs of rank 4), all others."""
WEIGHTED = (
    "Conv",
    "ConvTranspose",
    "Gemm",
    "BatchNormalization",
    "InstanceNormalization",
    "LayerNormalization",
    "PRelu",
)
"""Operators all of whose inputs but the first are weights."""
_DEQUANTIZED = ("DequantizeLinear", "com.microsoft.DequantizeLinear")
_RANDOM = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")


def graph_of(model: ModelProto, folder: Path | None, sizes: Mapping[str, int], batch: int) -> Body:
    """The whole graph.

    Args:
        model: One that `onnx_check.check` has passed.
        folder: What may hold its weights.
        sizes: Name of an open axis -> its size.
        batch: Size of an open first axis that is not among them.

    Raises:
        ModelError: If the graph has a cycle, reads what nothing makes, or its shapes contradict each other.
        UnknownAxisError: If a size is given of what is no open axis.
    """
    return _Walk(model, folder, sizes, batch).whole(model.graph)


class _Walk:
    """The state of one reading: what all graphs of a model share."""

    def __init__(self, model: ModelProto, folder: Path | None, sizes: Mapping[str, int], batch: int) -> None:
        self._opsets = _versions(model.opset_import)
        self._functions = {(each.domain, each.name, each.overload): each for each in model.functions}
        self._folder, self._sizes, self._batch = folder, dict(sizes), batch
        self._open: set[str] = set()
        self._kept = 0  # elements of constants

    def whole(self, graph: GraphProto) -> Body:
        """The model's graph, whose inputs are as they are declared."""
        constants, weights = {each.name for each in graph.initializer}, _only_weights(graph)
        inputs: list[Value] = []
        for info in graph.input:
            if info.name not in constants:
                value = self._input(info)
                value.constant = info.name in weights and not value.dynamic
                value.stored = value.dtype if value.constant else 0
                inputs.append(value)
        if absent := [name for name in self._sizes if name not in self._open]:
            raise UnknownAxisError(absent, sorted(self._open))
        return self._graph(graph, {}, inputs)

    def _graph(self, graph: GraphProto, outer: Mapping[str, Value], inputs: list[Value]) -> Body:
        """A graph inside what surrounds it."""
        scope = ChainMap[str, Value]({}, *(outer.maps if isinstance(outer, ChainMap) else [dict(outer)]))
        scope.update({each.name: self._counted(as_constant(each, self._folder)) for each in graph.initializer})
        for each in graph.sparse_initializer:
            scope[each.values.name] = as_sparse_constant(each, self._folder)
        names = [info.name for info in graph.input if info.name not in scope.maps[0]]
        scope.update(zip(names, inputs, strict=False))
        declared = {info.name: info for info in (*graph.value_info, *graph.output)}
        for node in ordered(graph.node, scope):
            self._node(node, scope, declared)
        return Body(inputs, [_found(scope, info.name, "the graph's output") for info in graph.output])

    def _input(self, info: ValueInfoProto) -> Value:
        tensor = info.type.tensor_type
        if info.type.WhichOneof("value") != "tensor_type" or not tensor.HasField("shape"):
            return Value(tensor.elem_type)
        sizes, dynamic = list[int](), list[int]()
        for axis, dim in enumerate(tensor.shape.dim):
            if dim.HasField("dim_value") and dim.dim_value != -1:  # exporters write -1 of an open axis
                sizes.append(dim.dim_value)
            else:
                sizes.append(self._size(dim.dim_param, axis, len(tensor.shape.dim)))
                dynamic.append(axis)
        return Value(tensor.elem_type, checked(sizes, f"the input {info.name[:60]!r}"), dynamic=tuple(dynamic))

    def _size(self, name: str, axis: int, rank: int) -> int:
        """Of an open axis; axes of one name have one size."""
        usual = self._batch if axis == 0 else SIDE if rank == 4 and axis > 1 else LENGTH
        if not name:
            return usual
        self._open.add(name)
        return self._sizes.setdefault(name, usual)

    def _node(self, node: NodeProto, scope: MutableMapping[str, Value], declared: _Declared) -> None:
        function = self._functions.get((node.domain, node.op_type, node.overload))
        same = [] if function else _unchanged(node, scope)
        if function is not None:
            outputs = self._call(function, node, scope)
        elif same:
            outputs = same
        elif (branch := taken(node, scope)) is not None:
            outputs = self._graph(branch, scope, []).outputs
        else:
            outputs = self._operation(node, scope, declared)
        scope.update({name: value for name, value in zip(node.output, outputs, strict=False) if name})

    def _call(self, function: FunctionProto, node: NodeProto, scope: Mapping[str, Value]) -> list[Value]:
        """The outputs of a function of the model, whose nodes take the place of the call."""
        pairs = zip(function.input, node.input, strict=False)
        inner = {own: _found(scope, name, node.op_type) for own, name in pairs if name}
        values = {each.name: each for each in (*function.attribute_proto, *node.attribute)}
        left_out = {*function.input} - inner.keys()
        nodes = [bound(each, values, left_out) for each in function.node]
        before = self._opsets
        self._opsets = before | _versions(function.opset_import)
        for each in ordered(nodes, inner):
            self._node(each, inner, {})
        self._opsets = before
        return [inner.get(name) or Value() for name in function.output]

    def _operation(self, node: NodeProto, scope: Mapping[str, Value], declared: _Declared) -> list[Value]:
        """The outputs of a node that is an operation or a constant."""
        inputs = [_found(scope, name, node.op_type) if name else None for name in node.input]
        domain = standard(node.domain)
        kind = f"{domain}.{node.op_type}" if domain else node.op_type
        operation = Operation(kind, inputs, [], attributes(node, self._opsets.get(domain, 0)))
        if kind == "Constant":
            return [self._counted(self._constant(node))]
        if kind in ("Shape", "Size") and inputs and inputs[0] is not None and inputs[0].shape is not None:
            return [_shape(operation, inputs[0].shape)]
        operation.outputs = self._outputs(node, operation, scope)
        for name, value in zip(node.output, operation.outputs, strict=False):
            value.producer = None if value.constant else operation
            if (value.shape is None or value.guessed) and name in declared:
                declare(value, declared[name])
        return operation.outputs

    def _constant(self, node: NodeProto) -> Value:
        for each in node.attribute:
            match each.name:
                case "value":
                    return as_constant(each.t, self._folder)
                case "sparse_value":
                    return as_sparse_constant(each.sparse_tensor, self._folder)
                case "value_int":
                    return known(np.array(each.i, np.int64), INT64)
                case "value_ints":
                    return known(np.array(each.ints, np.int64), INT64)
                case "value_float":
                    return known(np.array(each.f, np.float32), FLOAT)
                case "value_floats":
                    return known(np.array(each.floats, np.float32), FLOAT)
                case _:
                    pass
        return Value(STRING, (), None, True, STRING)  # strings

    def _outputs(self, node: NodeProto, operation: Operation, scope: Mapping[str, Value]) -> list[Value]:
        graphs = subgraphs(node)
        if graphs:
            outputs = self._bodies(operation, [graph for _, graph in graphs], scope)
        else:
            outputs = infer(node, operation.inputs, self._opsets, sorted(self._open))
        outputs += [Value() for _ in range(len(outputs), len(node.output))]
        if not operation.operands and not graphs and node.input and node.op_type not in _RANDOM:
            self._fold(node, operation, outputs)
        return outputs

    def _bodies(self, operation: Operation, graphs: Sequence[GraphProto], scope: Mapping[str, Value]) -> list[Value]:
        """The outputs of a node with subgraphs, which are read with what it gives them."""
        for graph in graphs:
            inputs, turns = given(operation, len(graph.input))
            body = self._graph(graph, scope, inputs)
            body.turns = turns
            body.outside = frozenset(scope[name] for name in read_from_outside(graph) if name in scope)
            operation.bodies.append(body)
        operation.inputs += [value for body in operation.bodies for value in body.captured]
        return made(operation)

    def _fold(self, node: NodeProto, operation: Operation, outputs: Sequence[Value]) -> None:
        """Mark what follows from constants, with its elements if they are few."""
        weights = operation.weights
        read = weights[:1] if operation.kind in _DEQUANTIZED else weights  # scales are no weights
        origins = dict.fromkeys(own for value in read if not value.is_size for own in value.origins or (value,))
        for output in outputs:
            output.constant, output.origins, output.computed = True, (*origins,), not origins
            output.stored = weights[0].stored if operation.kind in _DEQUANTIZED else output.dtype
        standard = operation.kind == node.op_type  # others may be called alike
        if standard and all(value.data is not None for value in weights):
            self._compute(node, operation, outputs)

    def _compute(self, node: NodeProto, operation: Operation, outputs: Sequence[Value]) -> None:
        """Give what follows from small constants its elements."""
        selected = operation.kind in SELECTING
        if not selected and any(
            output.shape is None or output.guessed or output.elements > SMALL for output in outputs
        ):
            return
        inputs = [None if value is None else value.data for value in operation.inputs]
        shapes = [None if selected else output.shape for output in outputs]
        for output, data in zip(outputs, evaluate(node, inputs, self._opsets, shapes) or (), strict=False):
            output.shape, output.guessed = data.shape, False
            output.data = data if data.size <= SMALL else None
            self._counted(output)

    def _counted(self, constant: Value) -> Value:
        """A constant whose elements are counted, since a small file may name the same ones again and again."""
        self._kept += 0 if constant.data is None else constant.data.size
        if self._kept > MOST_KEPT:
            raise ModelError(f"the small constants of the model have more than {MOST_KEPT} elements; give a part of it")
        return constant


def _only_weights(graph: GraphProto) -> set[str]:
    """Names that are read as weights alone: so is a model's text whose weights were made inputs to keep it short."""
    weights, others = set[str](), {info.name for info in graph.output}
    for node in reversed(graph.node):  # of equal weights exporters write one, and the others as its Identity
        if node.op_type == "Identity" and others.isdisjoint(node.output) and weights.issuperset(node.output):
            weights.update(node.input)
            continue
        first = 1 if node.op_type in WEIGHTED else len(node.input)
        weights.update(node.input[first:])
        others.update(node.input[:first])
        others.update(name for _, inner in subgraphs(node) for name in read_from_outside(inner))
    return weights - others


def _versions(imports: Iterable[OperatorSetIdProto]) -> dict[str, int]:
    """Domain -> version of its operators."""
    return {standard(each.domain): each.version for each in imports}


def _found(scope: Mapping[str, Value], name: str, reader: str) -> Value:
    if name not in scope:
        raise ModelError(f"{reader[:60]} reads {name[:60]!r}, which nothing makes")
    return scope[name]


def _unchanged(node: NodeProto, scope: Mapping[str, Value]) -> list[Value]:
    """The outputs of a node that passes its input on; none if it does something."""
    if standard(node.domain) or not node.input or node.input[0] not in scope:
        return []
    value = scope[node.input[0]]
    match node.op_type:
        case "Identity":
            return [value]
        case "Dropout":  # it does nothing after the training; the mask is all true
            return [value, Value(BOOL, value.shape, None, True, BOOL)]
        case "Cast" if value.dtype in [each.i for each in node.attribute if each.name == "to"]:
            return [value]
        case _:
            return []


def _shape(operation: Operation, shape: tuple[int, ...]) -> Value:
    if operation.kind == "Size":
        return known(np.array(prod(shape), np.int64), INT64)
    start, end = operation.integer("start", 0), operation.attributes.get("end")
    return known(np.array(shape[start : end if isinstance(end, int) else None], np.int64), INT64)
