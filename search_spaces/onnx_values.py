"""A model's graph as objects: operations, and the values between them. Names and file order are gone.

Notable: a value is known by what made it, so that two graphs that differ in their names alone are built alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Attribute: TypeAlias = int | float | str | tuple[int, ...]
Shape: TypeAlias = tuple[int, ...]

BITS = {
    **dict.fromkeys((2, 3, 9, 17, 18, 19, 20, 24), 8),
    **dict.fromkeys((4, 5, 10, 16), 16),
    **dict.fromkeys((1, 6, 12), 32),
    **dict.fromkeys((7, 8, 11, 13, 14), 64),
    15: 128,
    **dict.fromkeys((21, 22, 23), 4),
    **dict.fromkeys((25, 26), 2),
    **dict.fromkeys((27, 28), 6),
}
"""Bits of an element, by `onnx.TensorProto.DataType`; a string counts as its pointer."""
FLOAT, INT64, STRING, BOOL = 1, 7, 8, 9


@dataclass(eq=False)
class Value:
    """What an operation reads or makes.

    Args:
        dtype: Of `onnx.TensorProto.DataType`; 0: unknown, or no tensor.
        shape: None if unknown.
        data: Elements of a small constant, where shapes may depend on them.
        constant: Whether it is known before the model runs: a weight, or what follows from weights and shapes.
        stored: The type that a constant is kept in; a quantised weight is read as floats.
        producer: The operation that makes it; None for inputs and weights.
        dynamic: Axes of an input that the model leaves open.
        guessed: Whether the shape depends on data: what is not known counts as 1.
        origins: The stored weights that a folded one follows from; empty: it is one itself.
        computed: Whether it follows from sizes alone, as a mask does, and so is no weight.
    """

    dtype: int = 0
    shape: Shape | None = None
    data: NDArray[Any] | None = None
    constant: bool = False
    stored: int = 0
    producer: Operation | None = None
    dynamic: tuple[int, ...] = ()
    guessed: bool = False
    origins: tuple[Value, ...] = ()
    computed: bool = False

    @property
    def elements(self) -> int:
        """How many there are; 0 if unknown."""
        return 0 if self.shape is None else prod(self.shape)

    @property
    def is_size(self) -> bool:
        """Whether it is a size, another whole number that is known, or follows from such, and so no weight."""
        return self.computed or (self.dtype == INT64 and self.data is not None)

    @property
    def bytes(self) -> int:
        """What they take in memory."""
        return -(-self.elements * BITS.get(self.stored or self.dtype, 0) // 8)


@dataclass(eq=False)
class Body:
    """A subgraph: a branch, or what a loop repeats.

    Args:
        inputs: What each turn is given.
        outputs: What it makes.
        outside: What it may read from around it.
        turns: How often it is run; None if that depends on data, which counts as once.
    """

    inputs: list[Value]
    outputs: list[Value]
    outside: frozenset[Value] = frozenset()
    turns: int | None = 1

    @property
    def operations(self) -> list[Operation]:
        """Those that the outputs depend on, each after what it reads; the order follows from the operands alone."""
        return list(_live(self.outputs, self.outside))

    @property
    def captured(self) -> list[Value]:
        """What it does read from around it, in the order of the operations."""
        read = [value for operation in self.operations for value in operation.operands]
        return [value for value in dict.fromkeys([*read, *self.outputs]) if value in self.outside]


@dataclass(eq=False)
class Operation:
    """One node.

    Args:
        kind: Its type, with the domain in front if that is no standard one.
        inputs: What it reads; None for one left out.
        outputs: What it makes.
        attributes: Those that are not the default.
        bodies: Its subgraphs; what these read from outside follows the inputs.
    """

    kind: str
    inputs: list[Value | None]
    outputs: list[Value]
    attributes: Mapping[str, Attribute] = field(default_factory=dict[str, Attribute])
    bodies: list[Body] = field(default_factory=list[Body])

    @property
    def name(self) -> str:
        """Its type without the domain."""
        return self.kind.rpartition(".")[2]

    def input(self, place: int) -> Value | None:
        """An input; None where it is left out."""
        return self.inputs[place] if place < len(self.inputs) else None

    @property
    def operands(self) -> list[Value]:
        """The inputs that come into being while the model runs."""
        return [value for value in self.inputs if value is not None and not value.constant]

    @property
    def weights(self) -> list[Value]:
        """The inputs that are known before."""
        return [value for value in self.inputs if value is not None and value.constant]

    def integers(self, name: str, default: Shape = ()) -> Shape:
        """An attribute of several numbers."""
        found = self.attributes.get(name, default)
        return found if isinstance(found, tuple) else default

    def integer(self, name: str, default: int) -> int:
        """An attribute of one number."""
        found = self.attributes.get(name, default)
        return found if isinstance(found, int) else default


def _live(outputs: list[Value], outside: frozenset[Value]) -> Iterator[Operation]:
    seen: set[Operation] = set()
    stack = [(output, False) for output in reversed(outputs)]
    while stack:
        value, read = stack.pop()
        operation = None if value in outside else value.producer
        if operation is None or (operation in seen and not read):
            continue
        if read:
            yield operation
            continue
        seen.add(operation)
        stack.append((value, True))
        stack += [(operand, False) for operand in reversed(operation.operands)]


def standard(domain: str) -> str:
    """A domain of operators; the standard one has two names."""
    return "" if domain == "ai.onnx" else domain


def known(array: NDArray[Any], dtype: int) -> Value:
    """A value whose elements are known."""
    return Value(dtype, array.shape, np.asarray(array), True, dtype)
