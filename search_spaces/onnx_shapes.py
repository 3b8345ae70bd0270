"""From a model to its graph of operations and values: shapes inferred, what is constant found, functions expanded.

Each node's shapes are inferred by onnx, one node at a time in topological order, so that constants that decide shapes
are known when they are needed, and no chain of them can grow without bound.

Notable: open axes of inputs are given sizes; sizes that depend on data count as 1. What makes no work is no operation:
`Identity`, `Dropout` and the like are their inputs, `Shape` of a known shape is a constant.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .onnx_constants import evaluate
from .onnx_file import MOST_NODES, SMALL, ModelError, as_value, checked
from .onnx_values import Attribute, Body, Operation, Shape, Value, as_constant

if TYPE_CHECKING:
    from onnx import AttributeProto, FunctionProto, GraphProto, ModelProto, NodeProto, TypeProto, ValueInfoProto

BATCH, SIDE, LENGTH = 1, 224, 128
"""Sizes of open axes: the first one of an input, the sides of images (inputs of rank 4), all others."""
_STANDARD = ("", "ai.onnx")
_DEEPEST = 32  # functions that call functions
_UNKNOWN = Value()


def graph_of(model: ModelProto, folder: Path | None = None, sizes: Mapping[str, int] | None = None) -> Body:
    """The whole graph.

    Args:
        model: One that `check_size` has passed.
        folder: What may hold its weights.
        sizes: Name of an open axis -> its size.

    Raises:
        ModelError: If the graph has a cycle, reads what nothing makes, or its shapes contradict each other.
    """
    walk = _Walk(model, folder, sizes or {})
    return walk.graph(model.graph, {}, None)


class _Walk:
    """The state of one reading: what remains of the budget, and what all graphs of a model share."""

    def __init__(self, model: ModelProto, folder: Path | None, sizes: Mapping[str, int]) -> None:
        self._opsets = {opset.domain: opset.version for opset in model.opset_import}
        self._functions = {(each.domain, each.name, each.overload): each for each in model.functions}
        self._folder, self._sizes, self._left, self._depth = folder, dict(sizes), MOST_NODES, 0
        self._open: set[str] = set()

    def graph(self, graph: GraphProto, outer: Mapping[str, Value], given: Sequence[Value] | None) -> Body:
        """A graph inside what surrounds it; given: its inputs, None to take them as they are declared."""
        scope = ChainMap(dict[str, Value](), *(outer.maps if isinstance(outer, ChainMap) else (dict(outer),)))
        constants = {each.name: as_value(each, self._folder) for each in graph.initializer}
        for sparse in graph.sparse_initializer:
            shape = checked(tuple(sparse.dims), f"the sparse tensor {sparse.values.name!r}")
            constants[sparse.values.name] = Value(sparse.values.data_type, shape, None, True, sparse.values.data_type)
        scope.update(constants)
        declared = [info for info in graph.input if info.name not in constants]
        inputs = [self._input(info) for info in declared] if given is None else [*given]
        scope.update({info.name: value for info, value in zip(declared, inputs, strict=False)})
        if given is None:
            self._check_sizes()
        known = {info.name: info for info in (*graph.value_info, *graph.output)}
        for node in _ordered(graph.node, scope):
            self._node(node, scope, known)
        return Body(inputs, [_found(scope, info.name, "the graph's outputs") for info in graph.output])

    def _input(self, info: ValueInfoProto) -> Value:
        if info.type.WhichOneof("value") != "tensor_type" or not info.type.tensor_type.HasField("shape"):
            return Value(info.type.tensor_type.elem_type)
        sizes, dynamic = list[int](), list[int]()
        dims = info.type.tensor_type.shape.dim
        for axis, dim in enumerate(dims):
            if dim.HasField("dim_value"):
                sizes.append(dim.dim_value)
            else:
                self._open.add(dim.dim_param)
                usual = BATCH if axis == 0 else SIDE if len(dims) == 4 and axis > 1 else LENGTH
                sizes.append(self._sizes.setdefault(dim.dim_param, usual) if dim.dim_param else usual)
                dynamic.append(axis)
        shape = checked(sizes, f"the input {info.name!r}")
        return Value(info.type.tensor_type.elem_type, shape, dynamic=tuple(dynamic))

    def _check_sizes(self) -> None:
        for name in self._sizes:
            if name not in self._open:
                raise ModelError(f"sizes names {name!r}; the open axes of the model are {sorted(self._open)}")

    def _node(self, node: NodeProto, scope: MutableMapping[str, Value], known: Mapping[str, ValueInfoProto]) -> None:
        self._left -= 1
        if self._left < 0:
            raise ModelError(f"with all the functions that it calls, the model has more than {MOST_NODES} nodes")
        function = self._functions.get((node.domain, node.op_type, node.overload))
        if function is not None:
            outputs = self._call(function, node, scope)
        elif (same := _unchanged(node, scope)) is not None:
            outputs = [same]
        else:
            outputs = self._operation(node, scope, known)
        scope.update({name: value for name, value in zip(node.output, outputs, strict=False) if name})

    def _call(self, function: FunctionProto, node: NodeProto, scope: Mapping[str, Value]) -> list[Value]:
        """The outputs of a function of the model, whose nodes take the place of the call."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ModelError(f"the function {function.name!r} is called by functions {_DEEPEST} deep, or by itself")
        given = {name: _found(scope, name, node.op_type) for name in node.input if name}
        inner = {own: given[name] for own, name in zip(function.input, node.input, strict=False) if name}
        attributes = {each.name: each for each in (*function.attribute_proto, *node.attribute)}
        before, self._opsets = self._opsets, self._opsets | {o.domain: o.version for o in function.opset_import}
        for each in _ordered(function.node, inner):
            self._node(_bound(each, attributes), inner, {})
        self._opsets = before
        self._depth -= 1
        return [inner.get(name, _UNKNOWN) for name in function.output]

    def _operation(
        self, node: NodeProto, scope: Mapping[str, Value], known: Mapping[str, ValueInfoProto]
    ) -> list[Value]:
        inputs = [_found(scope, name, node.op_type) if name else None for name in node.input]
        attributes = _attributes(node, self._opsets.get(node.domain, 0))
        if node.op_type == "Constant" and node.domain in _STANDARD:
            return [self._constant(node)]
        if node.op_type in ("Shape", "Size") and inputs and inputs[0] and inputs[0].shape is not None:
            return [_shape(node.op_type, inputs[0].shape, attributes)]
        operation = Operation(_kind(node), inputs, [], attributes)
        operation.outputs = self._outputs(node, operation, scope, known)
        for output in operation.outputs:
            output.producer = None if output.constant else operation
        return operation.outputs

    def _constant(self, node: NodeProto) -> Value:
        for attribute in node.attribute:
            if attribute.name == "value":
                return as_value(attribute.t, self._folder)
            if attribute.name == "sparse_value":
                return Value(attribute.sparse_tensor.values.data_type, tuple(attribute.sparse_tensor.dims), None, True)
            kinds = {"value_int": (7, attribute.i), "value_ints": (7, attribute.ints)}
            kinds |= {"value_float": (1, attribute.f), "value_floats": (1, attribute.floats)}
            if attribute.name in kinds:
                dtype, numbers = kinds[attribute.name]
                return as_constant(np.array(numbers, np.int64 if dtype == 7 else np.float32), dtype)
        return Value(8, (), None, True, 8)  # strings

    def _outputs(
        self,
        node: NodeProto,
        operation: Operation,
        scope: Mapping[str, Value],
        known: Mapping[str, ValueInfoProto],
    ) -> list[Value]:
        bodies = [(each.name, each.g) for each in node.attribute if each.HasField("g")]
        if bodies:
            outputs = self._bodies(operation, bodies, scope)
        else:
            outputs = self._inferred(node, operation)
        while len(outputs) < len(node.output):
            outputs.append(Value())
        for name, value in zip(node.output, outputs, strict=False):
            if value.shape is None and name in known:
                _declare(value, known[name])
        if not operation.operands and _repeatable(node, self._opsets.get(node.domain, 0)) and not bodies:
            self._fold(node, operation, outputs)
        return outputs

    def _inferred(self, node: NodeProto, operation: Operation) -> list[Value]:
        from onnx import defs, numpy_helper, shape_inference

        names = [name for name in node.input if name]
        values = [value for value in operation.inputs if value is not None]
        try:
            schema = defs.get_schema(node.op_type, self._opsets[node.domain], node.domain)
        except (KeyError, defs.SchemaError):
            return []
        types = {name: _type(value.dtype, value.shape) for name, value in zip(names, values, strict=True)}
        data = {
            name: numpy_helper.from_array(np.ascontiguousarray(value.data), name)
            for name, value in zip(names, values, strict=True)
            if value.data is not None and value.data.dtype.kind in "biuf"
        }
        guessed = any(value.guessed or not value.dtype or value.shape is None for value in values)
        opsets = [_opset(domain, version) for domain, version in self._opsets.items()]
        try:
            found = shape_inference.infer_node_outputs(schema, node, types, data, None, opsets)
        except Exception as error:  # what onnx raises differs from operator to operator
            if guessed:
                return []
            shapes = [value.shape for value in values]
            remedy = f"; its open axes {sorted(self._open)} may want other sizes=" if self._open else ""
            raise ModelError(f"{node.op_type} {node.name!r} cannot read shapes {shapes}: {error}{remedy}") from error
        return [_value(found.get(name), guessed) for name in node.output]

    def _bodies(
        self, operation: Operation, graphs: Sequence[tuple[str, GraphProto]], scope: Mapping[str, Value]
    ) -> list[Value]:
        """The outputs of a node with subgraphs, which are read with what it gives them."""
        inputs = [value or _UNKNOWN for value in operation.inputs]
        for _, graph in sorted(graphs, key=lambda each: each[0], reverse=True):  # then_branch before else_branch
            given, turns = _given(operation, graph, inputs)
            body = self.graph(graph, scope, given)
            body.turns, body.outside = turns, frozenset(scope[name] for name in _read(graph) if name in scope)
            operation.bodies.append(body)
            operation.inputs += body.captured
        return _made(operation)

    def _fold(self, node: NodeProto, operation: Operation, outputs: list[Value]) -> None:
        """Mark what follows from constants, with its elements if they are few."""
        weights = operation.weights
        for output in outputs:
            output.constant = True
            output.stored = weights[0].stored if operation.kind == "DequantizeLinear" else output.dtype
        if not outputs or outputs[0].shape is None or outputs[0].elements > SMALL:
            return
        arrays = [value.data for value in weights if value.data is not None]
        arrays += [as_value(each.t).data for each in node.attribute if each.name == "value" and each.HasField("t")]  # type: ignore[misc]
        if arrays and len(arrays) >= len(weights):
            outputs[0].data = evaluate(operation.kind, arrays, operation.attributes, outputs[0].shape)


def _ordered(nodes: Iterable[NodeProto], scope: Mapping[str, Value]) -> list[NodeProto]:
    """Nodes after those they read, whatever their order in the file.

    Raises:
        ModelError: If there is no such order, or two nodes make one value.
    """
    listed = list(nodes)
    makers: dict[str, int] = {}
    for number, node in enumerate(listed):
        for name in filter(None, node.output):
            if name in makers or name in scope:
                raise ModelError(f"{name!r} is made twice; give each value its own name")
            makers[name] = number
    before = {n: {makers[name] for name in _needed(node) if name in makers} for n, node in enumerate(listed)}
    try:
        return [listed[number] for number in TopologicalSorter(before).static_order()]
    except CycleError as error:
        names = [listed[number].op_type for number in error.args[1][:4]]
        raise ModelError(f"the graph has a cycle through {' '.join(names)}") from error


def _needed(node: NodeProto) -> list[str]:
    """The names that a node reads, its subgraphs included."""
    inner = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return [*filter(None, node.input), *(name for graph in inner for name in _read(graph))]


def _read(graph: GraphProto) -> list[str]:
    """The names that a subgraph reads from outside."""
    own = {name for node in graph.node for name in node.output}
    own |= {each.name for each in (*graph.input, *graph.initializer)}
    asked = [name for node in graph.node for name in _needed(node)] + [each.name for each in graph.output]
    return [name for name in dict.fromkeys(asked) if name not in own]


def _found(scope: Mapping[str, Value], name: str, reader: str) -> Value:
    if name not in scope:
        raise ModelError(f"{reader} reads {name!r}, which nothing makes")
    return scope[name]


def _unchanged(node: NodeProto, scope: Mapping[str, Value]) -> Value | None:
    """The input of a node that passes it on; None if it does something."""
    if node.domain not in _STANDARD or not node.input or node.input[0] not in scope:
        return None
    value = scope[node.input[0]]
    if node.op_type == "Cast":
        return value if value.dtype in [each.i for each in node.attribute if each.name == "to"] else None
    if node.op_type == "Dropout" and (len(node.output) > 1 and node.output[1]):
        return None
    return value if node.op_type in ("Identity", "Dropout") else None


def _bound(node: NodeProto, attributes: Mapping[str, AttributeProto]) -> NodeProto:
    """A function's node with the attributes of the call."""
    if not any(each.ref_attr_name for each in node.attribute):
        return node
    from onnx import NodeProto

    bound = NodeProto()
    bound.CopyFrom(node)
    del bound.attribute[:]
    for each in node.attribute:
        if each.ref_attr_name in attributes or not each.ref_attr_name:
            added = bound.attribute.add()
            added.CopyFrom(attributes.get(each.ref_attr_name, each))
            added.name = each.name
    return bound


def _attributes(node: NodeProto, version: int) -> dict[str, Attribute]:
    """The attributes that are not the default."""
    defaults = _defaults(node.op_type, node.domain, version)
    found = {each.name: _attribute(each) for each in node.attribute}
    return {name: value for name, value in found.items() if value is not None and defaults.get(name) != value}


@lru_cache(maxsize=1024)
def _defaults(kind: str, domain: str, version: int) -> Mapping[str, Attribute | None]:
    from onnx import defs

    try:
        schema = defs.get_schema(kind, version, domain)
    except defs.SchemaError:
        return {}
    return {name: _attribute(each.default_value) for name, each in schema.attributes.items()}


def _attribute(proto: AttributeProto) -> Attribute | None:
    if proto.type == proto.INTS:
        return tuple(proto.ints)
    if proto.type == proto.STRING:
        return proto.s.decode(errors="replace")
    return {proto.INT: proto.i, proto.FLOAT: proto.f}.get(proto.type)


def _repeatable(node: NodeProto, version: int) -> bool:
    """Whether a node of constants is one itself: it draws nothing at random."""
    return not (node.op_type.startswith("Random") or node.op_type in ("Bernoulli", "Multinomial")) and bool(
        node.input or node.op_type == "Constant"
    )


def _kind(node: NodeProto) -> str:
    return node.op_type if node.domain in _STANDARD else f"{node.domain}.{node.op_type}"


def _shape(kind: str, shape: Shape, attributes: Mapping[str, Attribute]) -> Value:
    if kind == "Size":
        return as_constant(np.array(int(np.prod(shape, dtype=np.float64)), np.int64), 7)
    start, end = attributes.get("start", 0), attributes.get("end")
    return as_constant(np.array(shape[start:end], np.int64), 7)  # type: ignore[misc]


@lru_cache(maxsize=4096)
def _type(dtype: int, shape: Shape | None) -> TypeProto:
    from onnx import helper

    return helper.make_tensor_type_proto(dtype, shape)


@lru_cache(maxsize=64)
def _opset(domain: str, version: int) -> Any:
    from onnx import helper

    return helper.make_opsetid(domain, version)


def _value(proto: TypeProto | None, guessed: bool = False) -> Value:
    if proto is None or proto.WhichOneof("value") != "tensor_type":
        return Value()
    tensor = proto.tensor_type
    if not tensor.HasField("shape"):
        return Value(tensor.elem_type, None)
    sizes = [dim.dim_value if dim.HasField("dim_value") else 1 for dim in tensor.shape.dim]
    guessed = guessed or not all(dim.HasField("dim_value") for dim in tensor.shape.dim)
    return Value(tensor.elem_type, checked(sizes, "a value"), guessed=guessed)


def _declare(value: Value, info: ValueInfoProto) -> None:
    """Believe the file about a value that cannot be inferred."""
    declared = _value(info.type)
    value.dtype, value.shape, value.guessed = declared.dtype or value.dtype, declared.shape, declared.guessed


def _given(operation: Operation, graph: GraphProto, inputs: Sequence[Value]) -> tuple[list[Value], int]:
    """What a subgraph's inputs are in each turn, and the number of turns."""
    if operation.kind == "Loop":
        trip = inputs[0].data
        turns = int(trip.reshape(-1)[0]) if trip is not None and trip.size else 1
        return [Value(7, ()), Value(9, ()), *map(_fresh, inputs[2:])], max(0, turns)
    if operation.kind == "Scan":
        scanned = operation.integer("num_scan_inputs", 1)
        states, sequences = inputs[: len(inputs) - scanned], inputs[len(inputs) - scanned :]
        turns = sequences[0].shape[0] if sequences and sequences[0].shape else 1
        return [*map(_fresh, states), *(_fresh(each, scanned=True) for each in sequences)], turns
    return [Value() for _ in graph.input], 1


def _fresh(value: Value, scanned: bool = False) -> Value:
    shape = value.shape[1:] if scanned and value.shape else value.shape
    return Value(value.dtype, shape, guessed=value.guessed)


def _made(operation: Operation) -> list[Value]:
    """Outputs of a node by those of its subgraphs; what is collected turn by turn gets an axis of turns."""
    body = operation.bodies[0]
    if operation.kind == "Loop":
        states = len(body.inputs) - 2
        return [*map(_fresh, body.outputs[1 : 1 + states]), *(_stacked(v, body) for v in body.outputs[1 + states :])]
    if operation.kind == "Scan":
        states = len(body.inputs) - operation.integer("num_scan_inputs", 1)
        return [*map(_fresh, body.outputs[:states]), *(_stacked(v, body) for v in body.outputs[states:])]
    return [*map(_fresh, body.outputs)] if operation.kind == "If" else []


def _stacked(value: Value, body: Body) -> Value:
    shape = None if value.shape is None else checked((body.turns, *value.shape), "what a loop collects")
    return Value(value.dtype, shape, guessed=value.guessed)
