"""What the expressions of a kernel's source are, told from what is known of its names.

Of what is not understood (a function of the user's own, say) nothing is known.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from .triton_source_values import (
    NUMBER,
    UNKNOWN,
    UNTOLD,
    Shape,
    Value,
    both,
    compared,
    constant,
    joined,
    matrix,
    minus,
    modulo,
    placed,
    plus,
    same,
    swapped,
    times,
    told,
)
from .triton_sources import called

_AS_IT_IS = ("to", "cast", "max_contiguous", "max_constancy")
_LOADED = ("mask", "other", "boundary_check", "padding_option", "eviction_policy", "cache_modifier")


class Evaluation:
    """Expressions evaluated one after the other, and what is seen on the way.

    Args:
        names: What is known of each name at first.

    Attributes:
        names: What is known of each name now; any other is a constant around the kernel.
        products: The matrix products, with the names of their lengths m, n and k.
        described: Loads through descriptors.
    """

    def __init__(self, names: Mapping[str, Value]) -> None:
        self.names = dict(names)
        self.products, self.described = dict[ast.Call, tuple[str, ...]](), set[ast.Call]()
        self._loads = dict[ast.Call, bool]()

    def is_regular(self, load: ast.Call) -> bool:
        """Whether a load from addresses surely reads several elements side by side, all of them or none."""
        return self._loads.get(load, False)

    def value(self, node: ast.expr) -> Value:
        """What is known of an expression, where the names stand for what they do now."""
        match node:
            case ast.Name():
                return self.names.get(node.id, NUMBER)  # around a kernel there are only constants
            case ast.Constant():
                return constant(node.value)
            case ast.BinOp():
                return operation(node.op, self.value(node.left), self.value(node.right))
            case ast.UnaryOp(op=ast.USub()):
                value = self.value(node.operand)
                return Value(value.shape, "even" if value.is_even else "any", name=value.name)
            case ast.Compare(ops=[operator], comparators=[other]):
                return _comparison(operator, self.value(node.left), self.value(other))
            case ast.Call():
                return self._call(node)
            case ast.Subscript(slice=ast.Tuple() | ast.Slice() | ast.Constant(value=None)):
                axes = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
                return placed(self.value(node.value), [isinstance(axis, ast.Slice) for axis in axes])
            case ast.Attribute(attr="T"):
                return swapped(self.value(node.value))
            case ast.Attribute(value=ast.Name()):
                return NUMBER  # a type
            case _:
                return self._other(node)

    def counter(self, over: ast.expr) -> Value:
        """What counts the rounds of a loop: a multiple if it begins at one and goes on by one."""
        given = [self.value(own) for own in over.args] if isinstance(over, ast.Call) else []
        if not given or not isinstance(over, ast.Call) or called(over) not in ("range", "static_range"):
            return UNKNOWN
        if len(given) < 3:
            return NUMBER
        return Value(kind="even" if given[0].is_even and given[2].is_even else "any", step=given[2].name)

    def _other(self, node: ast.expr) -> Value:
        """Of numbers alone a number."""
        parts = [self.value(part) for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr)]
        if isinstance(node, ast.IfExp):
            return joined(*parts[1:])
        return NUMBER if all(part.is_number for part in parts) else UNKNOWN

    def _call(self, call: ast.Call) -> Value:
        method = isinstance(call.func, ast.Attribute) and not self._is_module(call.func.value)
        owner = [call.func.value] if isinstance(call.func, ast.Attribute) and method else []
        given = [self.value(own) for own in (*owner, *call.args)]
        named = {keyword.arg or "": keyword.value for keyword in call.keywords}
        for own in named.values():
            self.value(own)
        match called(call):
            case "arange":
                return _range(given)
            case "load" if method:
                return self._described(call, given[0])
            case "load" if given:
                return self._loaded(call, given, named)
            case "dot" if len(given) > 1:
                return self._product(call, given, named)
            case "zeros" | "full":
                return Value(self._lengths(call.args[0] if call.args else named.get("shape")))
            case "max_contiguous" if len(given) > 1 and _is_promised(call, given[1], self.value):
                return Value(given[0].shape, "line")
            case "where" if len(given) == 3:
                return replace(both(both(given[0], given[1]), given[2]), kind="any")
            case "multiple_of" if len(given) > 1 and given[0].is_number:
                return Value(kind="even" if given[1].is_even else given[0].kind)
            case "multiple_of":
                return given[0]
            case "trans" if len(given) == 1:
                return swapped(given[0])
            case "make_block_ptr":
                return self._block(call, named)
            case "make_tensor_descriptor":
                return Value(self._lengths(named.get("block_shape", call.args[3] if len(call.args) > 3 else None)))
            case "advance" if len(given) > 1:
                return given[0] if self._are_even(call.args[1]) else Value(given[0].shape)
            case name if name in _AS_IT_IS and given:
                return given[0]
            case name:
                even = name in ("min", "max") and given and all(own.is_even for own in given)
                return Value(kind="even" if even else "any") if all(own.is_number for own in given) else UNKNOWN

    def _is_module(self, node: ast.expr) -> bool:
        """Whether an expression is `tl`, or a part of it."""
        while isinstance(node, ast.Attribute):
            node = node.value
        return isinstance(node, ast.Name) and node.id not in self.names

    def _loaded(self, call: ast.Call, given: Sequence[Value], named: Mapping[str, ast.expr]) -> Value:
        masks = [self.value(named["mask"])] if "mask" in named else given[1:2]
        filled = [named["other"]] if "other" in named else call.args[2:3]
        plain = set(named) <= set(_LOADED) and len(call.args) <= 3 and all(map(_is_zero, filled))
        regular = plain and given[0].is_line and all(mask.kind == "mask" for mask in masks)
        self._loads[call] = regular and self._loads.get(call, True)
        return Value(given[0].shape)

    def _described(self, call: ast.Call, descriptor: Value) -> Value:
        """What a descriptor loads: the block that it was made with, or one as long as the steps from block to block."""
        self.described.add(call)
        if descriptor.shape:
            return Value(descriptor.shape)
        offsets = call.args[0].elts if call.args and isinstance(call.args[0], ast.List | ast.Tuple) else []
        return Value(tuple(self.value(own).step or UNTOLD for own in offsets)) if offsets else UNKNOWN

    def _product(self, call: ast.Call, given: Sequence[Value], named: Mapping[str, ast.expr]) -> Value:
        total = self.value(named["acc"]) if "acc" in named else given[2] if len(given) > 2 else UNKNOWN
        (m, inner), (deep, n), (rows, columns) = (matrix(own.shape) for own in (given[0], given[1], total))
        shape = told(m, rows), told(n, columns)
        lengths = *shape, told(inner, deep)
        before = self.products.get(call, lengths)  # of the same tiles in each round
        self.products[call] = tuple(map(same, lengths, before))
        return Value(shape)

    def _block(self, call: ast.Call, named: Mapping[str, ast.expr]) -> Value:
        """A pointer to a block, whose rows, or columns, lie side by side if one stride is 1."""
        names = ("base", "shape", "strides", "offsets", "block_shape")
        parts: dict[str, ast.expr] = {**dict(zip(names, call.args, strict=False)), **named}
        shape, strides = self._lengths(parts.get("block_shape")), self._values(parts.get("strides"))
        regular = self._are_even(parts.get("shape")) and self._are_even(parts.get("offsets"))
        ones = [axis for axis, stride in enumerate(strides) if stride.kind == "one"]
        base = self.value(parts["base"]) if "base" in parts else UNKNOWN
        even = base.is_even and all(stride.is_even for axis, stride in enumerate(strides) if axis not in ones)
        return Value(shape, "line", ones[0]) if regular and even and len(ones) == 1 else Value(shape)

    def _are_even(self, node: ast.expr | None) -> bool:
        values = self._values(node)
        return bool(values) and all(value.is_even for value in values)

    def _values(self, node: ast.expr | None) -> list[Value]:
        return [self.value(own) for own in node.elts] if isinstance(node, ast.Tuple | ast.List) else []

    def _lengths(self, node: ast.expr | None) -> Shape:
        values = self._values(node)
        return tuple("" if value.kind == "one" else value.name or UNTOLD for value in values) if values else None


def operation(operator: ast.operator, one: Value, other: Value) -> Value:
    """What an operator makes of two values."""
    match operator:
        case ast.Add():
            return plus(one, other)
        case ast.Sub():
            return minus(one, other)
        case ast.Mult():
            return times(one, other)
        case ast.Mod():
            return modulo(one, other)
        case _:
            return both(one, other)


def _comparison(operator: ast.cmpop, one: Value, other: Value) -> Value:
    if isinstance(operator, ast.Gt | ast.LtE):  # k > row is row < k
        return compared(other, one, True)
    return compared(one, other, isinstance(operator, ast.Lt | ast.GtE))


def _range(given: Sequence[Value]) -> Value:
    if len(given) != 2:
        return UNKNOWN
    return Value((given[1].name or UNTOLD,), "line") if given[0].name == "0" else Value((UNTOLD,))


def _is_promised(call: ast.Call, length: Value, value: Callable[[ast.expr], Value]) -> bool:
    """Whether the user says of a row that it begins at a multiple, which the compiler takes on trust."""
    inner = call.args[0]
    if not isinstance(inner, ast.Call) or called(inner) != "multiple_of" or len(inner.args) != 2:
        return False
    shape = value(inner.args[0]).shape
    return length.is_even and value(inner.args[1]).is_even and shape is not None and len(shape) == 1


def _is_zero(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and not node.value
