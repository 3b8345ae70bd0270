"""Multiply-accumulates of an operation, from the shapes of what it reads and makes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

from .onnx_values import Operation, Shape, Value


def macs(operation: Operation) -> int:
    """Multiply-accumulates; 0 for what multiplies no matrices, or whose shapes are unknown."""
    if operation.bodies:
        counts = [
            (1 if body.turns is None else body.turns) * sum(map(macs, body.operations)) for body in operation.bodies
        ]
        return max(counts)
    return _MACS[operation.name](operation) if operation.name in _MACS else 0


def _shape(operation: Operation, place: int) -> Shape:
    """Of an input; () if it is unknown or left out."""
    value = operation.input(place)
    return value.shape or () if value is not None else ()


def _elements(shape: Shape, since: int = 0) -> int:
    """Of the axes since one; 0 where the shape is unknown."""
    return prod(shape[since:]) if shape else 0


def _result(operation: Operation) -> Value:
    return operation.outputs[0] if operation.outputs else Value()


def _convolution(operation: Operation, weight: int = 1) -> int:
    """Each output is a sum over the kernel, (C_out, C_in / groups, *sides)."""
    return _result(operation).elements * _elements(_shape(operation, weight), since=1)


def _transposed_convolution(operation: Operation) -> int:
    """Each input is spread over the kernel, (C_in, C_out / groups, *sides)."""
    return _elements(_shape(operation, 0)) * _elements(_shape(operation, 1), since=1)


def _matmul(operation: Operation) -> int:
    a = _shape(operation, 0)
    turned = operation.integer("transA", 0) and operation.kind.endswith(("Gemm", "FusedMatMul")) and len(a) > 1
    summed = 0 if turned and operation.integer("transBatchA", 0) else -2 if turned else -1
    return _result(operation).elements * a[summed] if a else 0


def _einsum(operation: Operation) -> int:
    """All index values together, whatever order of sums is chosen."""
    equation = str(operation.attributes.get("equation", ""))
    terms = equation.replace(" ", "").partition("->")[0].split(",")
    sizes: dict[str, int] = {}
    for place, term in enumerate(terms):
        shape = _shape(operation, place)
        head, dots, tail = term.partition("...")
        covered = len(shape) - len(head) - len(tail)
        letters = [*head, *(f"...{axis}" for axis in range(covered if dots else 0)), *tail]
        for letter, size in zip(letters, shape, strict=False):  # an axis of 1 is spread over another operand's
            sizes[letter] = max(size, sizes.get(letter, 1))
    return prod(sizes.values()) if sizes and len(terms) > 1 else 0


def _recurrent(operation: Operation) -> int:
    """Steps times the weights of the input, (directions, gates * hidden, in), and of the state."""
    x, w, r = (_shape(operation, place) for place in range(3))
    return prod(x[:2]) * (prod(w) + prod(r)) if len(x) == 3 else 0


def _attention(operation: Operation) -> int:
    """Scores and weighted sum, 2 * query elements * keys; with packed weights the projections too."""
    q, second = _shape(operation, 0), _shape(operation, 1)
    if len(q) < 3:
        return 0
    packed = operation.input(1)
    if packed is not None and packed.constant and len(second) == 2:
        width = second[1] // 3
        return prod(q[:2]) * prod(second) + 2 * prod(q[:2]) * q[1] * width
    summed = _result(operation).elements  # as many as the query has, where keys and values are packed with it
    return _keys(operation, q, second) * ((prod(q) if second else summed) + summed)


def _keys(operation: Operation, q: Shape, keys: Shape) -> int:
    """How many keys a query is compared with, those of the past among them."""
    new = (keys[2] if len(keys) == 4 else keys[1]) if len(keys) > 2 else q[2] if len(q) == 4 else q[1]
    past = _shape(operation, _PAST[operation.name]) if operation.name in _PAST else ()
    before = past[-2] if len(past) == 4 else 0
    # ONNX Runtime writes the new keys of grouped queries into the buffer of the past ones.
    return max(new, before) if operation.name == "GroupQueryAttention" else new + before


def _packed_matmul(operation: Operation) -> int:
    return _elements(_shape(operation, 0)) * operation.integer("N", 0)


_PAST: Mapping[str, int] = {"Attention": 4, "GroupQueryAttention": 3, "MultiHeadAttention": 6}
"""Which input the keys of the past are; ONNX Runtime's own Attention, whose are another one, has packed weights."""
_MACS: Mapping[str, Callable[[Operation], int]] = {
    **dict.fromkeys(("Conv", "ConvInteger", "FusedConv", "DeformConv"), _convolution),
    "QLinearConv": lambda operation: _convolution(operation, 3),
    "ConvTranspose": _transposed_convolution,
    **dict.fromkeys(("MatMul", "Gemm", "MatMulInteger", "QLinearMatMul", "FusedMatMul", "FusedGemm", "QGemm"), _matmul),
    **dict.fromkeys(("MatMulIntegerToFloat", "DynamicQuantizeMatMul"), _matmul),
    "Einsum": _einsum,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
    **dict.fromkeys(("Attention", "MultiHeadAttention", "GroupQueryAttention", "QAttention"), _attention),
    "MatMulNBits": _packed_matmul,
}
