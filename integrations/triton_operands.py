"""The operands of a launch's matrix product: which tensors they are, their elements, and whether these are aligned."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ..search_spaces import kernel_configs
from .triton_config import spelt
from .triton_kernel import Kernel
from .triton_launch import ALIGNED, Launch, Tensor, argument_of
from .triton_sources import operand_arguments, operand_names
from .triton_tiles import BLOCKS, multiplies_blocks, reads_side_by_side

_TYPE = re.compile(r"\b(?:b?float|fp|bf|u?int)(\d+)")
_AFFIXES = re.compile(r"^arg_|_?(?:ptr|pointer|desc)$")
_OPERANDS = (("a", "mat1"), ("b", "mat2"))  # names
_TEMPLATES = ("triton_mm", "triton_mixed_mm")
_WIDE = 4  # bytes


def operands_of(launch: Launch, words: Sequence[Mapping[str, Any]]) -> tuple[Tensor, Tensor] | None:
    """The two operands, where sizes m, n, k are given, the blocks are tuned, and the source multiplies such blocks."""
    tuned = set(map(kernel_configs.field, words[0])) if words else set[str]()
    sized = {"m", "n", "k"} <= set(whole_numbers(launch)) and len(launch.tensors) > 2
    if not (sized and tuned.issuperset(BLOCKS)):
        return None
    if not launch.kernel.source:  # of a kernel of which nothing but its name and arguments is known
        return _by_place(launch) if launch.kernel.name in _TEMPLATES or is_tutorial(launch.kernel) else None
    return _by_place(launch) if multiplies_blocks(launch, spelt(words)) else None


def operand_sizes(launch: Launch, words: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Least bytes of an element of each operand as a program may hold it; None: the kernel multiplies no such blocks.

    Several whole numbers may be packed in one: they count nothing. A product that is called, and not in the kernel's
    own source, is not seen.
    """
    if operands_of(launch, words) is None or not launch.kernel.source:
        return None
    first, second = (_least_size(launch, names) for names in _OPERANDS)
    return first, second


def has_wide_operand(launch: Launch) -> bool:
    """Whether an operand of a matrix product may have elements of 32 bits or more."""
    tensors = [tensor for names in _OPERANDS for tensor in _candidates(launch, names)]
    return any(itemsize(tensor.dtype) >= _WIDE for tensor in tensors)


def is_aligned(launch: Launch, fields: Sequence[Mapping[str, Any]] = ()) -> bool:
    """Whether elements of an operand lie side by side, and Triton knows that their rows begin at multiples of several.

    It knows so of addresses and whole numbers that are multiples of 16, or 1, unless it is told not to look, and of any
    number that is compiled in. What it makes of them is told from the source.

    Args:
        launch: The launch.
        fields: Name -> value of each configuration, as `kernel_configs.field` spells the names.
    """
    own = [(argument_of(name), value) for name, value in launch.scalars.items() if type(value) is int]
    passed = [(name, value) for name, value in own if name not in launch.kernel.constants]
    known = all(name not in launch.kernel.unspecialised for name in [*launch.tensors, *(name for name, _ in passed)])
    divides = all(value == 1 or value % ALIGNED == 0 for _, value in passed)
    operands = [tensor for names in _OPERANDS for tensor in _candidates(launch, names)]
    regular = all(own.aligned and (not own.strides or 1 in own.strides) for own in operands)
    return known and divides and regular and reads_side_by_side(launch, fields, True, True)


def _by_place(launch: Launch) -> tuple[Tensor, Tensor]:
    """The tensors that the first and the second operand are loaded from, or else the first two."""
    own = list(launch.tensors.values())
    names = operand_names(launch.kernel)
    read = [[tensor for name, tensor in launch.tensors.items() if argument_of(name) in place] for place in names]
    first, second = (found[0] if found else own[place] for place, found in enumerate(read))
    return first, second


def _least_size(launch: Launch, names: tuple[str, ...]) -> int:
    """Bytes of an element of an operand, or of a smaller type that it may be cast to."""
    own = [tensor.dtype for tensor in _candidates(launch, names)]
    if not all("float" in dtype for dtype in own):
        return 0
    words = " ".join(value for value in launch.scalars.values() if isinstance(value, str))
    named = [int(bits) // 8 for bits in _TYPE.findall(f"{launch.kernel.source} {words}")]
    return min([*map(itemsize, own), *named])


def _candidates(launch: Launch, names: tuple[str, ...]) -> list[Tensor]:
    """The tensor of one of these names that a product reads; if there is none, any that one reads, or any at all."""
    read = operand_arguments(launch.kernel)
    tensors = {name: tensor for name, tensor in launch.tensors.items() if argument_of(name) in read} or launch.tensors
    named = [tensor for name, tensor in tensors.items() if _AFFIXES.sub("", name.lower()) in names]
    return named or list(tensors.values())


def is_tutorial(kernel: Kernel) -> bool:
    """Whether a kernel is the matrix product of Triton's tutorial."""
    return kernel.name == "matmul_kernel" and kernel.arguments[:6] == ("a_ptr", "b_ptr", "c_ptr", "M", "N", "K")


def whole_numbers(launch: Launch) -> dict[str, int]:
    """Whole numbers among the arguments, by name in lower case."""
    return {name.lower(): value for name, value in launch.scalars.items() if type(value) is int}


def itemsize(dtype: str) -> int:
    """Bytes of an element; 0 if it is less than one, or not known."""
    bits = _TYPE.search(dtype)
    return int(bits[1]) // 8 if bits else 0
