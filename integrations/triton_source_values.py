"""What a kernel's source tells of a value: the tile that it fills, and whether its elements lie side by side.

This is what the compiler finds out of addresses and masks before it copies tiles ahead, as far as it is sure to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["any", "one", "even", "line", "mask"]
Shape = tuple[str, ...] | None

_SEVERAL = 4  # elements that divide a number that is compiled in; of one byte each they are what `cp.async` moves
_ALIGNED = 16  # what Triton looks whether a number that is passed divides by

UNTOLD = "?"
"""A length that the source does not tell; one is written ""."""


@dataclass(frozen=True)
class Value:
    """A number or a tile.

    Args:
        shape: Names of a tile's lengths, none of a number; None: not known.
        kind: ``one``; ``even``: multiples of several elements all over; ``line``: such a multiple plus 0, 1, 2, ...
            along one axis; ``mask``: alike for several elements along each axis; ``any``: nothing is known.
        axis: That of a line.
        name: The argument that it is, or the number as it is written.
        step: The argument that it is a multiple of.
    """

    shape: Shape = ()
    kind: Kind = "any"
    axis: int = 0
    name: str = ""
    step: str = ""

    @property
    def is_number(self) -> bool:
        """Whether it is surely no tile."""
        return self.shape == ()

    @property
    def is_even(self) -> bool:
        """Whether it is a multiple of several elements all over."""
        return self.kind == "even"

    @property
    def is_line(self) -> bool:
        """Whether its elements lie side by side along an axis."""
        return self.kind == "line"


NUMBER = Value()
UNKNOWN = Value(None)


def plus(one: Value, other: Value) -> Value:
    """A sum. A line stays one if what is added is the same all along it."""
    shape, step = _broadcast(one.shape, other.shape), one.step if one.step == other.step else ""
    if one.is_even and other.is_even and shape is not None:
        return Value(shape, "even", step=step)
    line, beside = (one, other) if one.is_line else (other, one)
    if line.is_line and beside.is_even and shape is not None and _is_alike(beside.shape, line):
        return Value(shape, "line", line.axis)
    return Value(shape, step=step)


def minus(one: Value, other: Value) -> Value:
    """A difference; what is taken from something runs backwards."""
    return plus(one, replace(other, kind="any") if other.is_line else other)


def times(one: Value, other: Value) -> Value:
    """A product: of a multiple it is one, too."""
    if "one" in (one.kind, other.kind):
        return other if one.kind == "one" else one
    names = [value.name for value in (one, other) if value.name]
    step, shape = names[0] if len(names) == 1 else "", _broadcast(one.shape, other.shape)
    return Value(shape, "even" if shape is not None and (one.is_even or other.is_even) else "any", step=step)


def modulo(one: Value, other: Value) -> Value:
    """A remainder, which is as regular as what is divided if it is of a multiple."""
    if other.is_number and other.is_even and (one.is_line or one.is_even):
        return replace(one, name="", step="")
    return Value(_broadcast(one.shape, other.shape))


def both(one: Value, other: Value) -> Value:
    """Two masks joined by and, or; any other operation of two values."""
    masks = one.kind == other.kind == "mask"
    return Value(_broadcast(one.shape, other.shape), "mask" if masks else "any")


def compared(one: Value, other: Value, below: bool) -> Value:
    """A comparison, ``<`` and ``>=`` if so: it changes between two multiples if it is that of a line and a multiple."""
    numbers = one.is_number and other.is_number
    whole = below and one.is_line and other.is_number and other.is_even
    return Value(_broadcast(one.shape, other.shape), "mask" if numbers or whole else "any")


def placed(value: Value, places: Sequence[bool]) -> Value:
    """A value with new axes of length 1.

    Args:
        value: What is indexed.
        places: Of each axis of the result whether it is one of the value's.
    """
    if value.shape is None or len(value.shape) != sum(places):
        return UNKNOWN
    lengths, kept = iter(value.shape), [axis for axis, own in enumerate(places) if own]
    shape = tuple(next(lengths) if own else "" for own in places)
    return replace(value, shape=shape, axis=kept[value.axis] if kept else 0)


def swapped(value: Value) -> Value:
    """A matrix with its axes swapped."""
    if value.shape is None or len(value.shape) != 2:
        return UNKNOWN
    return replace(value, shape=value.shape[::-1], axis=1 - value.axis)


def joined(one: Value, other: Value) -> Value:
    """What is known of a name that holds the one or the other."""
    if one == other:
        return one
    shape = one.shape if one.shape == other.shape else None
    alike = shape is not None and (one.kind, one.axis) == (other.kind, other.axis)
    name, step = (own if own == its else "" for own, its in ((one.name, other.name), (one.step, other.step)))
    return Value(shape, one.kind if alike else "any", one.axis if alike else 0, name, step)


def constant(value: object) -> Value:
    """What is written as such; no mask is one that keeps all."""
    if isinstance(value, bool) or not isinstance(value, int):
        return Value(kind="mask" if isinstance(value, bool) or value is None else "any")
    return number(value, True)


def number(value: int, compiled: bool, name: str = "") -> Value:
    """A whole number.

    Args:
        value: The number.
        compiled: Whether it is compiled in, so that all is known that it divides by.
        name: The argument that it is.
    """
    kind: Kind = "one" if value == 1 else "even" if value % (_SEVERAL if compiled else _ALIGNED) == 0 else "any"
    return Value(kind=kind, name=name or str(value))


def matrix(shape: Shape) -> tuple[str, str]:
    """Lengths of a matrix; of anything else they are not told."""
    return (shape[0], shape[1]) if shape is not None and len(shape) == 2 else (UNTOLD, UNTOLD)


def told(one: str, other: str) -> str:
    """A length that two say; one of them may not tell."""
    if UNTOLD in (one, other):
        return other if one == UNTOLD else one
    return same(one, other)


def same(one: str, other: str) -> str:
    """A length, where two are equal."""
    return one if one == other else UNTOLD


def _broadcast(one: Shape, other: Shape) -> Shape:
    if one is None or other is None or (one and other and len(one) != len(other)):
        return None
    if not (one and other):
        return one or other
    return tuple(map(_length, one, other))


def _length(one: str, other: str) -> str:
    return (one or other) if not (one and other) or one == other else UNTOLD


def _is_alike(shape: Shape, line: Value) -> bool:
    """Whether what has such a shape is the same all along a line."""
    return shape == () or (shape is not None and shape[line.axis] == "" and len(shape) == len(line.shape or ()))
