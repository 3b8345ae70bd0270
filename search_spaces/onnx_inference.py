"""The shapes of what a node makes, inferred by onnx from those of what it reads.

Operators that onnx cannot infer, such as the fused ones that ONNX Runtime writes into a model, have a standard operator
that makes the same shape: it is asked in their stead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from .onnx_file import ModelError, checked
from .onnx_values import FLOAT, Shape, Value, standard

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto, TypeProto, ValueInfoProto

_StandIn: TypeAlias = tuple[str, tuple[int, ...]]

_MICROSOFT, _BLOCKED, _OPSET = "com.microsoft", "com.microsoft.nchwc", 17
_SAME: _StandIn = ("Identity", (0,))
_SAME_SHAPE = (
    "Attention BiasGelu DequantizeLinear FastGelu Gelu GroupQueryAttention MultiHeadAttention QAttention "
    "QLinearLeakyRelu QLinearSigmoid QLinearSoftmax QuantizeLinear QuickGelu RotaryEmbedding SkipLayerNormalization "
    "SkipSimplifiedLayerNormalization"
)
_STAND_INS: Mapping[tuple[str, str], _StandIn] = {
    ("", "GreaterOrEqual"): ("Greater", (0, 1)),
    ("", "LessOrEqual"): ("Less", (0, 1)),
    **dict.fromkeys([("", "GroupNormalization"), ("", "MeanVarianceNormalization")], _SAME),
    ("", "SimplifiedLayerNormalization"): _SAME,
    **{(_MICROSOFT, name): _SAME for name in _SAME_SHAPE.split()},
    (_MICROSOFT, "DynamicQuantizeMatMul"): ("MatMul", (0, 1)),
    (_MICROSOFT, "FusedConv"): ("Conv", (0, 1)),
    (_MICROSOFT, "FusedGemm"): ("Gemm", (0, 1)),
    (_MICROSOFT, "FusedMatMul"): ("MatMul", (0, 1)),
    (_MICROSOFT, "MatMulIntegerToFloat"): ("MatMul", (0, 1)),
    (_MICROSOFT, "QGemm"): ("Gemm", (0, 3)),
    **{(_MICROSOFT, f"QLinear{name}"): (name, (0, 3)) for name in ("Add", "Mul")},
    **{(_MICROSOFT, f"QLinear{name}"): (name, (0,)) for name in ("AveragePool", "GlobalAveragePool")},
    **{(_BLOCKED, name): (name, (0,)) for name in ("AveragePool", "GlobalAveragePool", "GlobalMaxPool", "MaxPool")},
    (_BLOCKED, "Conv"): ("Conv", (0, 1)),
    **dict.fromkeys([(_BLOCKED, "ReorderInput"), (_BLOCKED, "ReorderOutput")], _SAME),
    (_MICROSOFT, "QLinearConcat"): ("Concat", tuple(range(2, 2 + 3 * 256, 3))),
}
"""(domain, operator) -> a standard operator whose result has the same shape, and which of the inputs it reads."""
_BYTES = (2, 3)


def infer(
    node: NodeProto, inputs: Sequence[Value | None], opsets: Mapping[str, int], open_axes: Sequence[str]
) -> list[Value]:
    """What a node makes, as far as that can be told.

    Args:
        node: A node without subgraphs.
        inputs: What it reads.
        opsets: Domain -> version of its operators.
        open_axes: Axes whose sizes may have been assumed wrongly, for the error.

    Raises:
        ModelError: If the shapes contradict the operator.
    """
    from onnx import defs

    asked, read, versions = _asked(node, inputs, opsets)
    stands_in = (standard(node.domain), node.op_type) in _STAND_INS
    try:
        schema = defs.get_schema(asked.op_type, versions.get(asked.domain, 0), asked.domain)
    except defs.SchemaError:
        return []
    values = [value for value in read if value is not None]
    guessed = any(value.guessed or not value.dtype or value.shape is None for value in values)
    try:
        _check(asked, versions)
        found = _inferred(schema, asked, [*map(_as_float, read)] if stands_in else read, versions)
        if not guessed and not stands_in:  # blocks of channels are filled up
            _compare(asked, [_known_shape(value) for value in read], found)
    except Exception as error:  # what onnx raises differs from operator to operator
        if guessed or stands_in:
            return []
        raise ModelError(_contradiction(node, values, open_axes, error)) from error
    outputs = [as_value(found.get(name), guessed) for name in node.output]
    if stands_in and outputs and read[0] is not None:
        outputs[0].dtype = _dtype(node, inputs, read[0].dtype, outputs[0].dtype)
        outputs[0].shape = _attended(node, inputs) or _reordered(node, outputs[0].shape)
    return outputs


def _contradiction(node: NodeProto, values: Sequence[Value], open_axes: Sequence[str], error: Exception) -> str:
    """What a node cannot read, and what may help."""
    shapes = [value.shape for value in values[:8]]
    size = f"sizes, --size {next(iter(open_axes))}=16 in a shell" if open_axes else ""
    remedy = f"; the open axes {list(open_axes)} may want other {size}" if open_axes else ""
    return f"{node.op_type[:60]} {node.name[:60]!r} cannot read the shapes {shapes}: {error}{remedy}"


def _attended(node: NodeProto, inputs: Sequence[Value | None]) -> Shape | None:
    """The shape of what an attention makes where it is not that of its query; None: it is, or it is no attention."""
    three = [*inputs, None, None, None][:3]
    query, second, values = (_known_shape(value) for value in three)
    numbers = {each.name: each.i for each in node.attribute}
    match node.op_type, len(query):
        case "Attention" | "QAttention", 3 if len(second) == 2:
            sizes = [each.ints[-1] for each in node.attribute if each.name == "qkv_hidden_sizes"]
            return (*query[:2], sizes[0] if sizes else second[1] // 3)
        case "MultiHeadAttention", 5:
            return (*query[:2], query[2] * query[4])
        case "MultiHeadAttention", 3 if len(values) in (3, 4):
            return (*query[:2], values[2] if len(values) == 3 else values[1] * values[3])
        case "GroupQueryAttention", 3 if not second and numbers.get("num_heads"):
            heads, kept = numbers["num_heads"], numbers.get("kv_num_heads", 0)
            return (*query[:2], query[2] * heads // (heads + 2 * kept))
        case _:
            return None


def _reordered(node: NodeProto, shape: Shape | None) -> Shape | None:
    """The shape after channels are stored in blocks, or no longer are: only whole blocks are stored."""
    channels = [each.i for each in node.attribute if each.name == "channels" and node.op_type == "ReorderOutput"]
    return (shape[0], channels[0], *shape[2:]) if channels and shape else shape


def _known_shape(value: Value | None) -> Shape:
    """A shape, () where it is unknown."""
    return () if value is None else value.shape or ()


def declare(value: Value, info: ValueInfoProto) -> None:
    """Believe the file about a value that cannot be inferred, if it says more."""
    declared = as_value(info.type)
    if declared.shape is not None and (value.shape is None or not declared.guessed):
        value.dtype, value.shape, value.guessed = declared.dtype or value.dtype, declared.shape, declared.guessed


def as_value(proto: TypeProto | None, guessed: bool = False) -> Value:
    """A value of a type; a size that is not known counts as 1."""
    if proto is None or proto.WhichOneof("value") != "tensor_type":
        return Value()
    tensor = proto.tensor_type
    if not tensor.HasField("shape"):
        return Value(tensor.elem_type, None)
    # Where a shape was guessed, a size that follows from it may be none.
    known = [dim.HasField("dim_value") and (dim.dim_value >= 0 or not guessed) for dim in tensor.shape.dim]
    sizes = [dim.dim_value if found else 1 for dim, found in zip(tensor.shape.dim, known, strict=True)]
    return Value(tensor.elem_type, checked(sizes, "a value"), guessed=guessed or not all(known))


def _asked(
    node: NodeProto, inputs: Sequence[Value | None], opsets: Mapping[str, int]
) -> tuple[NodeProto, list[Value | None], Mapping[str, int]]:
    """The node that onnx is asked about, what it reads, and the versions of its operators."""
    from onnx import NodeProto, defs

    domain = standard(node.domain)
    if (domain, node.op_type) not in _STAND_INS:
        read = [*map(_as_scalar, inputs)] if node.op_type == "Range" else [*inputs]
        return _of_domain(node, domain), read, opsets

    kind, places = _STAND_INS[domain, node.op_type]
    places = [place for place in places if place < len(inputs)]
    versions = {**opsets, "": max(opsets.get("", 0), _OPSET)}
    allowed = defs.get_schema(kind, versions[""], "").attributes
    attributes = [each for each in node.attribute if each.name in allowed]
    names = [node.input[place] for place in places]
    stand_in = NodeProto(op_type=kind, name=node.name, input=names, output=node.output[:1], attribute=attributes)
    return stand_in, [_turned(node, place, inputs[place]) for place in places], versions


def _of_domain(node: NodeProto, domain: str) -> NodeProto:
    """The node, under another name of its domain."""
    if node.domain == domain:
        return node
    from onnx import NodeProto

    renamed = NodeProto()
    renamed.CopyFrom(node)
    renamed.domain = domain
    return renamed


def _check(node: NodeProto, opsets: Mapping[str, int]) -> None:
    """Refuse a node that its operator does not allow, before onnx looks for what it lacks."""
    from onnx import IR_VERSION, checker

    context = checker.C.CheckerContext()
    context.ir_version, context.opset_imports = IR_VERSION, dict(opsets)
    checker.check_node(node, context)


def _compare(node: NodeProto, shapes: Sequence[Shape], made: Mapping[str, TypeProto]) -> None:
    """Refuse shapes that contradict each other where onnx does not look.

    Raises:
        ValueError: If they do.
    """
    numbers = {each.name: each.i for each in node.attribute}
    match node.op_type, shapes:
        case "Conv", [x, weight, *_] if len(x) > 2 and len(weight) > 2:
            if x[1] != weight[1] * numbers.get("group", 1):
                raise ValueError(f"{x[1]} channels, the weight is for {weight[1] * numbers.get('group', 1)}")
        case "Gemm", [_, weight, bias] if len(weight) == 2 and bias:
            if bias[-1] not in (1, columns := weight[0 if numbers.get("transB") else 1]):
                raise ValueError(f"{bias[-1]} biases for {columns} columns")
        case "Reshape", [x, *_]:
            result = as_value(made.get(node.output[0]))
            if result.shape is not None and not result.guessed and prod(x) != result.elements:
                raise ValueError(f"{prod(x)} elements do not fill the shape {result.shape}")
        case _:
            pass


def _turned(node: NodeProto, place: int, value: Value | None) -> Value | None:
    """An input of a fused matrix product, whose first axis may move behind the batch, and last two be exchanged."""
    if node.op_type != "FusedMatMul" or value is None or not value.shape or len(value.shape) < 2:
        return value
    asked, shape = {each.name for each in node.attribute if each.i}, value.shape
    if f"transBatch{'AB'[place]}" in asked:
        shape = (*shape[1:-1], shape[0], shape[-1])
    if f"trans{'AB'[place]}" in asked:
        shape = (*shape[:-2], *shape[:-3:-1])
    return Value(value.dtype, shape, guessed=value.guessed)


def _dtype(node: NodeProto, inputs: Sequence[Value | None], first: int, inferred: int) -> int:
    """The type that an operator of ONNX Runtime makes, the first value that its stand-in reads being of a type."""
    if node.op_type in ("QuantizeLinear", "DequantizeLinear"):
        point = inputs[2] if len(inputs) > 2 else None
        return FLOAT if node.op_type == "DequantizeLinear" else point.dtype if point is not None else 2
    quantised = first in _BYTES and node.op_type.startswith(("QLinear", "QGemm"))
    return first if quantised else inferred


def _as_scalar(value: Value | None) -> Value | None:
    """One element without an axis: runtimes accept more than onnx does."""
    if value is None or value.shape != (1,):
        return value
    data = None if value.data is None else value.data.reshape(())
    return Value(value.dtype, (), data, value.constant, guessed=value.guessed)


def _as_float(value: Value | None) -> Value | None:
    """Bytes as the floats that they stand for, which are all that many a standard operator reads."""
    if value is None or value.dtype not in _BYTES:
        return value
    return Value(FLOAT, value.shape, guessed=value.guessed)


def _inferred(
    schema: Any, node: NodeProto, inputs: Sequence[Value | None], opsets: Mapping[str, int]
) -> dict[str, TypeProto]:
    from onnx import shape_inference

    read = {name: value for name, value in zip(node.input, inputs, strict=True) if name and value is not None}
    types = {name: _type(value.dtype, value.shape) for name, value in read.items()}
    data = {name: tensor for name, value in read.items() if (tensor := _tensor(value)) is not None}
    imports = [_opset(domain, version) for domain, version in opsets.items()]
    return shape_inference.infer_node_outputs(schema, node, types, data, None, imports)


def _tensor(value: Value) -> TensorProto | None:
    from onnx import numpy_helper

    if value.data is None or value.data.dtype.kind not in "biuf":
        return None
    return numpy_helper.from_array(np.array(value.data, order="C"))


@lru_cache(maxsize=4096)
def _type(dtype: int, shape: Shape | None) -> TypeProto:
    from onnx import helper

    return helper.make_tensor_type_proto(dtype, shape)


@lru_cache(maxsize=64)
def _opset(domain: str, version: int) -> Any:
    from onnx import helper

    return helper.make_opsetid(domain, version)
