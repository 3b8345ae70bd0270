"""Elements of small constants, which decide shapes: what exporters compute from `Shape` in many little nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from .onnx_tensors import SMALL
from .onnx_values import Attribute, Shape

Array: TypeAlias = NDArray[Any]
_Rule: TypeAlias = Callable[[Sequence[Array], Mapping[str, Attribute]], Array]


def evaluate(kind: str, inputs: Sequence[Array], attributes: Mapping[str, Attribute], shape: Shape) -> Array | None:
    """The result of an operation on small arrays; None if it is none of those that shapes are made of.

    Args:
        kind: The operation.
        inputs: What it reads.
        attributes: Those that are not the default.
        shape: Of the result, which bounds the work.
    """
    if kind in _SHAPED and inputs[0].size:
        return _SHAPED[kind](inputs, shape)
    if kind not in _RULES:
        return None
    try:
        with np.errstate(all="ignore"):
            result = np.asarray(_RULES[kind](inputs, attributes))
    except (ValueError, IndexError, TypeError, ArithmeticError):
        return None
    return result if result.shape == shape else None


def _shaped(inputs: Sequence[Array], shape: Shape) -> Array | None:
    """What only has another shape."""
    return inputs[0].reshape(shape) if inputs[0].size == np.prod(shape, dtype=np.int64) else None


def _filled(inputs: Sequence[Array], shape: Shape) -> Array | None:
    return np.zeros(shape, np.float32) if len(inputs) < 2 else np.full(shape, inputs[1].reshape(-1)[0])


def _expanded(inputs: Sequence[Array], shape: Shape) -> Array | None:
    try:
        return np.broadcast_to(inputs[0], shape)
    except ValueError:
        return None


def _slice(inputs: Sequence[Array], attributes: Mapping[str, Attribute]) -> Array:
    array, *given = inputs
    names = ("starts", "ends", "axes", "steps")
    lists = dict(zip(names, ([int(number) for number in each.reshape(-1)] for each in given), strict=False))
    lists |= {name: [*found] for name in names if isinstance(found := attributes.get(name), tuple)}
    count = len(lists["starts"])
    axes, steps = lists.get("axes", [*range(count)]), lists.get("steps", [1] * count)
    index = [slice(None)] * array.ndim
    for axis, start, end, step in zip(axes, lists["starts"], lists["ends"], steps, strict=True):
        size = array.shape[axis]
        # Before the first element is None in Python, and any number below -size in ONNX.
        last = None if step < 0 and end < -size else end
        index[axis] = slice(start, last, step)
    return array[tuple(index)]


def _range(start: float, end: float, step: float) -> Array:
    if not abs(end - start) <= SMALL * abs(step):  # onnx, which counts in 64 bits, may have inferred fewer
        raise ValueError(f"a range from {start} to {end} by {step} is not small")
    return np.arange(start, end, step)


def _quotient(a: Array, b: Array) -> Array:
    """Of whole numbers, rounded towards zero."""
    return a / b if a.dtype.kind == "f" else (np.sign(a) * np.sign(b) * (abs(a) // abs(b))).astype(a.dtype)


def _axis(attributes: Mapping[str, Attribute]) -> int:
    found = attributes.get("axis", 0)
    return found if isinstance(found, int) else 0


def _cast(inputs: Sequence[Array], attributes: Mapping[str, Attribute]) -> Array:
    from onnx import helper

    to = attributes["to"]
    if not isinstance(to, int):
        raise ValueError(to)
    return inputs[0].astype(helper.tensor_dtype_to_np_dtype(to))


def _reduced(number: Any, shape: Shape) -> Array | None:
    """A reduction of all elements."""
    return np.full(shape, number) if np.prod(shape, dtype=np.int64) == 1 else None


_REDUCTIONS: Mapping[str, Callable[[Array], Any]] = {
    "ReduceProd": np.prod,
    "ReduceSum": np.sum,
    "ReduceMax": np.max,
    "ReduceMin": np.min,
}
_SHAPED: Mapping[str, Callable[[Sequence[Array], Shape], Array | None]] = {
    **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze", "Flatten"), _shaped),
    "ConstantOfShape": _filled,
    "Expand": _expanded,
    **{name: (lambda x, shape, f=f: _reduced(f(x[0]), shape)) for name, f in _REDUCTIONS.items()},
}
_BINARY: Mapping[str, Callable[[Array, Array], Array]] = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Div": _quotient,
    "Pow": np.power,
    "Equal": np.equal,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "And": np.logical_and,
    "Or": np.logical_or,
}
_UNARY: Mapping[str, Callable[[Array], Array]] = {
    "Neg": np.negative,
    "Abs": np.abs,
    "Floor": np.floor,
    "Ceil": np.ceil,
    "Round": np.round,
    "Sqrt": np.sqrt,
    "Not": np.logical_not,
}
_RULES: Mapping[str, _Rule] = {
    **{name: (lambda x, _, f=f: f(x[0], x[1])) for name, f in _BINARY.items()},
    **{name: (lambda x, _, f=f: f(x[0])) for name, f in _UNARY.items()},
    "Min": lambda x, _: reduce(np.minimum, x),
    "Max": lambda x, _: reduce(np.maximum, x),
    "Mod": lambda x, attributes: (np.fmod if attributes.get("fmod") else np.mod)(x[0], x[1]),
    "Cast": _cast,
    "Slice": _slice,
    "Where": lambda x, _: np.where(x[0], x[1], x[2]),
    "Range": lambda x, _: _range(*(each.item() for each in x)),
    "Concat": lambda x, attributes: np.concatenate(x, _axis(attributes)),
    "Gather": lambda x, attributes: np.take(x[0], x[1], _axis(attributes)),
}
