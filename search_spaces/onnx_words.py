"""An operation as a word, in the vocabulary of the spaces of cells: ``conv3x3c64s2@28``, ``maxpool3x3s2@56``, ``add``.

A word says what costs time: kernel, output channels (c), stride (s), dilation (d), groups (g) and the sides of the
output (@) of convolutions and pools; for all others the shape that they make (:), where it is not that of an operand;
the shape of a large weight (w); and the element type where it is not float32, as in ``.f16``. Weights that are kept in
another type than they are read in say so, as in ``.wi8``. A ``?`` stands for what is not known before the model runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import prod

from .onnx_values import FLOAT, Attribute, Operation, Shape, Value

_TYPES = {
    **{0: "?", 2: "u8", 3: "i8", 4: "u16", 5: "i16", 6: "i32", 7: "i64", 8: "str", 9: "bool", 10: "f16", 11: "f64"},
    **{12: "u32", 13: "u64", 16: "bf16", 21: "u4", 22: "i4", 23: "f4", **dict.fromkeys(range(17, 21), "f8")},
}
_CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "FusedConv": 1, "QLinearConv": 3, "ConvTranspose": 1}
"""Where the weights are among the inputs."""
_POOLS = {"MaxPool": "maxpool", "AveragePool": "avgpool", "LpPool": "lppool", "QLinearAveragePool": "qlinearavgpool"}
_LINEAR = {"MatMul": 1, "Gemm": 1, "MatMulInteger": 1, "QLinearMatMul": 3, "FusedMatMul": 1, "FusedGemm": 1, "QGemm": 3}
VIEWS = ("Reshape", "Flatten", "Squeeze", "Unsqueeze")
"""What only names a shape anew."""
COMMUTATIVE = ("Add", "Mul", "Sum", "Max", "Min", "Mean", "Equal", "And", "Or", "Xor")
"""What may read its operands in any order."""
_NAMES = {
    "BatchNormalization": "bn",
    "QuantizeLinear": "q",
    "DequantizeLinear": "dq",
    "GlobalAveragePool": "globalavgpool",
    "LayerNormalization": "layernorm",
    "Sum": "add",
    "com.microsoft.FusedConv": "conv",
    "com.microsoft.nchwc.Conv": "conv",
    "com.microsoft.FusedMatMul": "matmul",
    **dict.fromkeys(VIEWS, "reshape"),
    **_POOLS,
}
_ELEMENTWISE_NAMES = (
    "Abs Acos Acosh Add And Asin Asinh Atan Atanh BatchNormalization BiasGelu Cast Ceil Celu Clip Cos Cosh "
    "DequantizeLinear Div Elu Equal Erf Exp FastGelu Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish IsInf "
    "IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish Mod Mul Neg Not Or PRelu Pow QLinearAdd QLinearLeakyRelu "
    "QLinearMul QLinearSigmoid QuantizeLinear QuickGelu Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh "
    "Softplus Softsign Sqrt Sub Sum Swish Tan Tanh ThresholdedRelu Where Xor"
)
_ELEMENTWISE = frozenset(_ELEMENTWISE_NAMES.split())
_FREE_NAMES = (
    "activation activation_alpha activation_params allowzero auto_pad axes ceil_mode consumed_inputs "
    "count_include_pad dilations group is_test kernel_shape keepdims noop_with_empty_axes num_outputs output_height "
    "output_padding output_shape output_width pads perm saturate spatial split stash_type storage_order strides to "
    "training_mode transA transB transBatchA transBatchB"
)
_FREE = frozenset(_FREE_NAMES.split())
"""Attributes that cost nothing, or that the shapes or other parts of the word tell."""
_LAST_AXIS = ("Softmax", "LogSoftmax", "Hardmax", "LayerNormalization", "LpNormalization", "TopK")
"""What reads along the last axis, unless it says another one."""
_SCANNED = ("scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions")
"""Of which all zeros are the default."""
_CHEAP_POWERS = (2, 3)  # which runtimes multiply out
_LONGEST, _MOST_SIZES = 48, 16  # characters of a name, and numbers of a list


def word(operation: Operation) -> str:
    """The operation as a word."""
    if not operation.outputs:
        return kind(operation)
    result = operation.outputs[0]
    if _kernel(operation) is not None:
        sides = "" if result.shape is None else f"@{_square(result.shape[2:])}"
        after = _plain(str(operation.attributes.get("activation", "")))  # of a fused convolution
        fused = f"+{after}" if after else ""
        return kind(operation) + _channels(operation) + _steps(operation) + sides + _types(operation) + fused
    made = "/".join(dict.fromkeys(_text(output) for output in operation.outputs[:8]))
    known = {_text(operand) for operand in operation.operands}
    return kind(operation) + _details(operation) + (f":{made}" if made not in known else "") + _types(operation)


def suffix(operation: Operation) -> str | None:
    """What the operation adds to the word of the one it reads, as in ``+relu``; None if it is a word of its own."""
    name = operation.name
    if (name not in _ELEMENTWISE and name not in VIEWS) or len(operation.operands) != 1 or len(operation.outputs) != 1:
        return None
    before, after = operation.operands[0], operation.outputs[0]
    if name in VIEWS:
        return f"+reshape:{_text(after)}"
    retyped = f".{_type(after.dtype)}" if name in ("Cast", "QuantizeLinear") else ""
    return f"+{kind(operation)}{_details(operation)}{retyped}" if before.shape == after.shape else None


def input_word(value: Value) -> str:
    """A graph's input as a word; the axes that the model leaves open are listed."""
    opened = f".open{_joined(value.dynamic)}" if value.dynamic else ""
    return f"input:{_text(value)}{opened}{_dtype(value)}"


def kind(operation: Operation) -> str:
    """What sort of operation it is: the word's beginning."""
    kernel, name = _kernel(operation), operation.name
    if kernel is not None and name in _CONVOLUTIONS:
        depthwise = "dw" if _groups(operation) == _input_channels(operation) == _output_channels(operation) > 1 else ""
        return f"{depthwise}{_name(operation)}{_joined(kernel)}"
    if kernel is not None:
        return f"{_POOLS[name]}{_joined(kernel)}"
    if name == "Clip" and _bounds(operation) == (0, 6):
        return "relu6"
    if name in _LINEAR and _is_linear(operation, _LINEAR[name]):
        return "linear" if name in ("MatMul", "Gemm") else f"{_plain(operation.kind)}linear"
    return _name(operation)


def _name(operation: Operation) -> str:
    return _NAMES.get(operation.kind) or _plain(operation.kind)


def _plain(name: str) -> str:
    """A name as part of a word."""
    return re.sub(r"[^a-z0-9._]", "_", name.lower().removeprefix("com.microsoft."))[:_LONGEST]


def _kernel(operation: Operation) -> Shape | None:
    """Sides of a convolution's or pool's window; None if it is neither, or unknown."""
    name = operation.name
    if name in _POOLS:
        return operation.integers("kernel_shape") or None
    if name not in _CONVOLUTIONS:
        return None
    weight = operation.input(_CONVOLUTIONS[name])
    return weight.shape[2:] if weight is not None and weight.shape is not None and len(weight.shape) > 2 else None


def _is_linear(operation: Operation, place: int) -> bool:
    weight = operation.input(place)
    return weight is not None and weight.constant and weight.shape is not None and len(weight.shape) == 2


def _groups(operation: Operation) -> int:
    return operation.integer("group", 1)


def _input_channels(operation: Operation) -> int:
    value = operation.input(0)
    return value.shape[1] if value is not None and value.shape is not None and len(value.shape) > 1 else 0


def _output_channels(operation: Operation) -> int:
    shape = operation.outputs[0].shape
    return shape[1] if shape is not None and len(shape) > 1 else 0


def _channels(operation: Operation) -> str:
    if operation.name in _POOLS:
        return ""
    groups = "" if kind(operation).startswith("dw") or _groups(operation) == 1 else f"g{_groups(operation)}"
    return f"c{_output_channels(operation)}{groups}"


def _steps(operation: Operation) -> str:
    """Stride and dilation, where they are not 1."""
    found = {"s": operation.integers("strides"), "d": operation.integers("dilations")}
    return "".join(f"{letter}{_square(sizes)}" for letter, sizes in found.items() if any(size != 1 for size in sizes))


def _details(operation: Operation) -> str:
    attributes = [f".{name}{_attribute(operation, name, found)}" for name, found in _costly(operation).items()]
    if operation.kind == "Transpose":
        rank = len(operation.outputs[0].shape or ())
        attributes.insert(0, _joined(operation.integers("perm", tuple(reversed(range(rank))))))
    attributes += _told_by_weights(operation)
    large = [weight.shape for weight in operation.weights if weight.shape is not None and len(weight.shape) > 1]
    implied = kind(operation).endswith("linear") or operation.name in _ELEMENTWISE
    return "".join(attributes) + (f"w{_joined(max(large, key=prod))}" if large and not implied else "")


def _costly(operation: Operation) -> Mapping[str, Attribute]:
    found = {name: value for name, value in operation.attributes.items() if not isinstance(value, float)}
    names = [name for name in sorted(found) if name not in _FREE and not _is_usual(operation, name)]
    return {_plain(name): found[name] for name in names}


def _is_usual(operation: Operation, name: str) -> bool:
    """Whether an attribute has the value that costs what any other, or none at all, would."""
    if name in _SCANNED:
        return not any(operation.integers(name))
    last = operation.name in _LAST_AXIS and _axis(operation) == _rank(operation) - 1
    return name == "axis" and (last or operation.name in VIEWS or operation.name in _ELEMENTWISE)


def _attribute(operation: Operation, name: str, value: Attribute) -> str:
    """A value; an axis is counted from the beginning, and the letters of an equation are named in their order."""
    if name == "axis":
        return str(_axis(operation))
    if name == "equation":
        letters = {letter: chr(ord("a") + place) for place, letter in enumerate(dict.fromkeys(_letters(str(value))))}
        return _plain("".join(letters.get(letter, letter) for letter in str(value).replace(" ", "")))
    return _joined(value) if isinstance(value, tuple) else _plain(str(value))


def _letters(equation: str) -> list[str]:
    return [letter for letter in equation if letter.isalpha()]


def _axis(operation: Operation) -> int:
    found = operation.integer("axis", -1)
    return found + _rank(operation) if found < 0 else found


def _rank(operation: Operation) -> int:
    return len(operation.outputs[0].shape or ()) if operation.outputs else 0


def _told_by_weights(operation: Operation) -> list[str]:
    """What costs time and is no attribute but a constant that is read."""
    numbers = [None if value is None or value.data is None else value.data.reshape(-1) for value in operation.inputs]
    match operation.kind, numbers:
        case "Pow", [_, exponent] if exponent is not None and len(exponent) == 1:
            return [] if exponent[0] in _CHEAP_POWERS else [f".{exponent[0]:g}"]
        case "CumSum", [_, axis] if axis is not None and len(axis):
            return [f".axis{int(axis[0]) % max(1, _rank(operation))}"]
        case "Slice", [_, _, _, _, steps] if steps is not None and (steps < 0).any():
            return [".back"]
        case _:
            return []


def _bounds(operation: Operation) -> tuple[float | None, float | None]:
    """Of a Clip, which older models have as attributes."""
    if len(operation.inputs) < 3:
        low, high = operation.attributes.get("min"), operation.attributes.get("max")
        return (low if isinstance(low, float) else None, high if isinstance(high, float) else None)
    low, high = (
        None if value is None or value.data is None or not value.data.size else value.data.reshape(-1)[0].item()
        for value in operation.inputs[1:3]
    )
    return low, high


def _types(operation: Operation) -> str:
    stored = {weight.stored for weight in operation.weights if weight.shape is not None and len(weight.shape) > 1}
    apart = sorted(_type(each) for each in stored - {operation.outputs[0].dtype, FLOAT} if each)
    return _dtype(operation.outputs[0]) + "".join(f".w{name}" for name in apart)


def _dtype(value: Value) -> str:
    return "" if value.dtype == FLOAT or (not value.dtype and value.shape is None) else f".{_type(value.dtype)}"


def _type(dtype: int) -> str:
    return _TYPES.get(dtype, f"t{dtype}")


def _text(value: Value) -> str:
    if value.shape is None:
        return "?"
    return (_joined(value.shape) or "1") + "?" * value.guessed


def _joined(sizes: Shape) -> str:
    more = f"x..{len(sizes)}" if len(sizes) > _MOST_SIZES else ""
    return "x".join(map(str, sizes[:_MOST_SIZES])) + more


def _square(sizes: Shape) -> str:
    """Sides as one number if they are equal."""
    return str(sizes[0]) if len(set(sizes)) == 1 and len(sizes) > 1 else _joined(sizes)
