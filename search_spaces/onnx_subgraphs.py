"""Nodes that contain graphs (If, Loop, Scan), and the order of nodes by what they read, such graphs included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from .onnx_file import ModelError, checked
from .onnx_values import BOOL, INT64, Operation, Value

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto


def subgraphs(node: NodeProto) -> list[tuple[str, GraphProto]]:
    """The graphs in a node's attributes, the branch taken first."""
    found = [(each.name, each.g) for each in node.attribute if each.HasField("g")]
    return sorted(found, key=lambda each: each[0], reverse=True)  # then_branch, else_branch


def taken(node: NodeProto, scope: Mapping[str, Value]) -> GraphProto | None:
    """The branch of an If whose condition is known; None if it is not, or no If."""
    condition = scope.get(node.input[0]) if node.op_type == "If" and node.input else None
    if condition is None or condition.data is None or condition.data.size != 1:
        return None
    return dict(subgraphs(node)).get("then_branch" if condition.data.item() else "else_branch")


def ordered(nodes: Iterable[NodeProto], scope: Mapping[str, Value]) -> list[NodeProto]:
    """Nodes after those they read, whatever their order in the file.

    Raises:
        ModelError: If there is no such order, or two nodes make one value.
    """
    listed = list(nodes)
    makers: dict[str, int] = {}
    for number, node in enumerate(listed):
        for name in filter(None, node.output):
            if name in makers or name in scope:
                raise ModelError(f"{name[:60]!r} is made twice; give each value its own name")
            makers[name] = number
    before = {n: {makers[name] for name in _needed(node) if name in makers} for n, node in enumerate(listed)}
    try:
        return [listed[number] for number in TopologicalSorter(before).static_order()]
    except CycleError as error:
        numbers: list[int] = error.args[1][:4]
        raise ModelError(f"the graph has a cycle through {[listed[n].op_type[:60] for n in numbers]}") from error


def read_from_outside(graph: GraphProto) -> list[str]:
    """The names that a subgraph reads and does not make itself."""
    own = {name for node in graph.node for name in node.output}
    own |= {each.name for each in (*graph.input, *graph.initializer)}
    own |= {each.values.name for each in graph.sparse_initializer}
    asked = [name for node in graph.node for name in _needed(node)] + [each.name for each in graph.output]
    return [name for name in dict.fromkeys(asked) if name not in own]


def given(operation: Operation, count: int) -> tuple[list[Value], int | None]:
    """What a subgraph of so many inputs is given in each turn, and the number of turns; None if it is not known."""
    inputs = [value or Value() for value in operation.inputs]
    if operation.kind == "Loop":
        trip = inputs[0].data if inputs else None
        turns = max(0, int(trip.reshape(-1)[0])) if trip is not None and trip.size else None
        return [Value(INT64, ()), Value(BOOL, ()), *map(_fresh, inputs[2:])], turns
    if operation.kind == "Scan":
        states, sequences = _scanned(operation, inputs)
        axes = _axes(operation, "scan_input_axes", [len(each.shape or ()) for each in sequences])
        turns = next((each.shape[axis] for each, axis in zip(sequences, axes, strict=True) if each.shape), None)
        return [*map(_fresh, states), *(_slice(*each) for each in zip(sequences, axes, strict=True))], turns
    return [Value() for _ in range(count)], 1


def made(operation: Operation) -> list[Value]:
    """Outputs of a node by those of its subgraphs; what is collected turn by turn gets an axis of turns."""
    first = operation.bodies[0]
    if operation.kind == "If":
        return list(_merged([body.outputs for body in operation.bodies]))
    if operation.kind not in ("Loop", "Scan"):
        return []
    outputs = first.outputs[1:] if operation.kind == "Loop" else first.outputs
    states = len(first.inputs) - 2 if operation.kind == "Loop" else _states(operation, len(first.inputs))
    axes = _axes(operation, "scan_output_axes", [len(each.shape or ()) + 1 for each in outputs[states:]])
    collected = [_stacked(each, first.turns, axis) for each, axis in zip(outputs[states:], axes, strict=True)]
    return [*map(_fresh, outputs[:states]), *collected]


def _needed(node: NodeProto) -> Iterator[str]:
    """The names that a node reads, its subgraphs included."""
    yield from filter(None, node.input)
    for _, graph in subgraphs(node):
        yield from read_from_outside(graph)


def _states(operation: Operation, inputs: int) -> int:
    return max(0, inputs - operation.integer("num_scan_inputs", 1))


def _scanned(operation: Operation, inputs: Sequence[Value]) -> tuple[Sequence[Value], Sequence[Value]]:
    """What a Scan carries on, and what it takes slices of."""
    states = _states(operation, len(inputs))
    return inputs[:states], inputs[states:]


def _axes(operation: Operation, name: str, ranks: Sequence[int]) -> list[int]:
    """Which axis of each value the turns run along: the first, or as a Scan says."""
    said = operation.integers(name)
    found = [*said, *[0] * len(ranks)] if operation.kind == "Scan" else [0] * len(ranks)
    return [axis % rank if rank else 0 for axis, rank in zip(found, ranks, strict=False)]


def _fresh(value: Value) -> Value:
    return Value(value.dtype, value.shape, guessed=value.guessed)


def _slice(value: Value, axis: int) -> Value:
    """What one turn takes of a sequence."""
    shape = value.shape and (*value.shape[:axis], *value.shape[axis + 1 :])
    return Value(value.dtype, shape, guessed=value.guessed)


def _merged(branches: Sequence[Sequence[Value]]) -> Iterator[Value]:
    """Outputs of branches, whose shape is known where all have the same."""
    for same in zip(*branches, strict=False):
        shapes = {value.shape for value in same}
        yield Value(same[0].dtype, same[0].shape if len(shapes) == 1 else None, guessed=same[0].guessed)


def _stacked(value: Value, turns: int | None, axis: int) -> Value:
    count, shape = 1 if turns is None else turns, value.shape
    if shape is not None:
        shape = checked((*shape[:axis], count, *shape[axis:]), "what a loop collects")
    return Value(value.dtype, shape, guessed=value.guessed or turns is None)
