"""Elements of small constants, which decide shapes: what exporters compute from `Shape` in many little nodes.

The reference implementation of onnx computes them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .onnx_tensors import SMALL
from .onnx_values import Shape

if TYPE_CHECKING:
    from onnx import NodeProto, ValueInfoProto

Array: TypeAlias = NDArray[Any]

SELECTING = ("Compress", "NonZero", "Unique")
"""Operators whose result is known in size once it is computed, and is not much larger than what they read."""
_COMPUTED_NAMES = (
    "Abs Add And ArgMax ArgMin BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil Clip Concat "
    "ConstantOfShape CumSum Div Equal Exp Expand EyeLike Flatten Floor Gather GatherElements GatherND Greater "
    "GreaterOrEqual IsInf IsNaN Less LessOrEqual Log MatMul Max Mean Min Mod Mul Neg Not OneHot Or Pad Pow Range "
    "Reciprocal ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum Relu Reshape Round ScatterElements ScatterND Sign "
    "Slice Split Sqrt Squeeze Sub Sum Tile TopK Transpose Trilu Unsqueeze Where Xor"
)
_COMPUTED = frozenset(_COMPUTED_NAMES.split()) | frozenset(SELECTING)
_KINDS = "biuf"  # of numpy's types, that sizes follow from


def evaluate(
    node: NodeProto, inputs: Sequence[Array | None], opsets: Mapping[str, int], shapes: Sequence[Shape | None]
) -> list[Array] | None:
    """The results of an operation on small arrays; None if it is none of those that shapes are made of.

    Args:
        node: The operation.
        inputs: What it reads; None for an input that is left out.
        opsets: Domain -> version of its operators.
        shapes: Of the results, which bound the work; None: what is selected decides.
    """
    if node.op_type not in _COMPUTED or _is_large(node.op_type, inputs):
        return None
    try:
        with np.errstate(all="ignore"):
            read = {f"i{place}": own for place, own in enumerate(_scalars(node.op_type, inputs)) if own is not None}
            results = _reference(_renamed(node), opsets.get("", 1)).run(None, read)
    except Exception:  # what the reference raises differs from operator to operator
        return None
    results = [np.asarray(result) for result in results]
    expected = [shape in (None, result.shape) for result, shape in zip(results, shapes, strict=True)]
    return results if all(expected) and all(result.dtype.kind in _KINDS for result in results) else None


def _scalars(kind: str, inputs: Sequence[Array | None]) -> Sequence[Array | None]:
    """What is read, with one element without an axis where runtimes accept one with an axis."""
    first = {"Range": 0, "CumSum": 1}.get(kind, len(inputs))
    return [
        own if own is None or place < first or own.size != 1 else own.reshape(()) for place, own in enumerate(inputs)
    ]


def _is_large(kind: str, inputs: Sequence[Array | None]) -> bool:
    """Whether a result may be large although its shape is small: onnx counts in 64 bits."""
    if kind == "Range":
        start, end, step = (float(own.reshape(-1)[0]) if own is not None and own.size else np.nan for own in inputs)
        return not abs(end - start) <= SMALL * abs(step)
    return kind == "Tile" and any(own is not None and np.abs(own).max(initial=0) > SMALL for own in inputs[1:])


def _renamed(node: NodeProto) -> bytes:
    """A node by what it does: many nodes differ in the names of what they read alone."""
    from onnx import NodeProto

    inputs = [f"i{place}" if name else "" for place, name in enumerate(node.input)]
    outputs = [f"o{place}" for place in range(len(node.output))]
    own = NodeProto(op_type=node.op_type, input=inputs, output=outputs, attribute=node.attribute)
    return own.SerializeToString(deterministic=True)


@lru_cache(maxsize=256)
def _reference(node: bytes, opset: int) -> Any:
    """What computes a renamed node."""
    from onnx import NodeProto, helper
    from onnx.reference import ReferenceEvaluator

    own = NodeProto.FromString(node)
    inputs, outputs = ([_untyped(name) for name in names if name] for names in (own.input, own.output))
    graph = helper.make_graph([own], "constant", inputs, outputs)
    return ReferenceEvaluator(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)]))


def _untyped(name: str) -> ValueInfoProto:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.UNDEFINED, None)
