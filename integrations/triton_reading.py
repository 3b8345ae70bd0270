"""How a launch is put to the surrogate: the problem, and the text of each configuration.

A kernel that the weights know is read as it was in training: by its name, or, where the arguments and the blocks are
those of a matrix product, as the templates of which there are measurements. Any other kernel is read by its own name,
arguments and source, and the weights do not claim to know it until it was measured.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..search_spaces import kernel_configs
from ..search_spaces.problem import Problem
from .triton_kernel import Kernel
from .triton_launch import ALIGNED, Launch, Tensor, argument_of, spelt
from .triton_sources import operand_arguments, operand_names
from .triton_tiles import multiplies_blocks, reads_side_by_side

_BLOCKS = ("block_m", "block_n", "block_k")
_TYPE = re.compile(r"\b(?:b?float|fp|bf|u?int)(\d+)")
_PRECISIONS = ("allow_tf32", "input_precision")
_PRECISION = re.compile(rf"""[(,]\s*(?:{"|".join(_PRECISIONS)})\s*=\s*["']?(\w+)""")
_AFFIXES = re.compile(r"^arg_|_?(?:ptr|pointer|desc)$")
_OPERANDS = (("a", "mat1"), ("b", "mat2"))  # names
_TEMPLATE_FIELDS = (*_BLOCKS, "stages", "warps")
_TUTORIAL_FIELDS = (*_TEMPLATE_FIELDS, "group_m")
_TUTORIAL = "triton_matmul_tutorial_fp16"
_TEMPLATES = ("triton_mm", "triton_mixed_mm")
_WIDE = 4  # bytes
_LIKENESS = 0.9  # trust in what is known of another kernel that multiplies matrices


@dataclass(frozen=True)
class Reading:
    """A launch as a question.

    Args:
        kernel: Name of the kernel, in the measured tables if it is in one.
        device: Name of the device.
        fields: Sizes and types of the problem.
        source: The program, if the weights do not know the kernel.
        names: Fields of a configuration that are read; None: all.
        likeness: Share of the surrogate's trust that is left; less than 1 where another kernel stands in.
    """

    kernel: str
    device: str
    fields: Mapping[str, Any]
    source: str = ""
    names: tuple[str, ...] | None = None
    likeness: float = 1.0

    def problem(self, metric: str) -> Problem:
        """The question for a metric, ``slowdown`` or ``latency_ms``."""
        device = self.device or "unknown"
        return kernel_configs.problem(self.kernel, device, self.fields, metric, self.source or None)

    def to_text(self, words: Mapping[str, Any]) -> str:
        """Text of a configuration; where a kernel has ``NUM_STAGES`` too, the launch option has the usual word."""
        read: dict[str, Any] = {}
        for name, value in reversed(list(words.items())):  # the launch options come last
            word = kernel_configs.field(name)
            word = f"own_{word}" if word in read else word
            if self.names is None or word in self.names:
                read[word] = value
        return kernel_configs.to_text(kernel_configs.from_record(read or {"config": 0}))


def readings(launch: Launch, words: Sequence[Mapping[str, Any]]) -> list[Reading]:
    """All ways to read a launch, the kernel's own first.

    Args:
        launch: The launch.
        words: Names and values of its configurations.
    """
    own = Reading(launch.kernel.name, launch.device, _fields(launch), launch.kernel.source)
    return [own, *_matmul_readings(launch, words)]


def reading_like(like: Reading, launch: Launch, words: Sequence[Mapping[str, Any]]) -> Reading:
    """A launch read in the same way as another launch of its kernel, so that they are of one family."""
    alike = [reading for reading in readings(launch, words) if reading.kernel == like.kernel]
    return alike[-1] if alike else readings(launch, words)[0]


def operand_sizes(launch: Launch, words: Sequence[Mapping[str, Any]]) -> tuple[int, int] | None:
    """Least bytes of an element of each operand as a program may hold it; None: the kernel multiplies no such blocks.

    Several whole numbers may be packed in one: they count nothing. A product that is called, and not in the kernel's
    own source, is not seen.
    """
    if _operands(launch, words) is None or not launch.kernel.source:
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


def _matmul_readings(launch: Launch, words: Sequence[Mapping[str, Any]]) -> list[Reading]:
    """As the tutorial's matrix product, and as Inductor's template."""
    operands = _operands(launch, words)
    if operands is None:
        return []
    sizes = {name: _sizes(launch)[name] for name in ("m", "n", "k")}
    found = [_template(launch, words[0], sizes, *operands)] if _constant_beside(words, _TEMPLATE_FIELDS) else []
    grouped = "group_m" in map(kernel_configs.field, words[0]) and _constant_beside(words, _TUTORIAL_FIELDS)
    if grouped and {operands[0].dtype, operands[1].dtype} == {"float16"}:
        likeness = 1.0 if _is_tutorial(launch.kernel) else _LIKENESS
        found.insert(0, Reading(_TUTORIAL, launch.device, sizes, names=_TUTORIAL_FIELDS, likeness=likeness))
    return found


def _operands(launch: Launch, words: Sequence[Mapping[str, Any]]) -> tuple[Tensor, Tensor] | None:
    """The two operands, where sizes m, n, k are given, the blocks are tuned, and the source multiplies such blocks."""
    tuned = set(map(kernel_configs.field, words[0])) if words else set[str]()
    sized = {"m", "n", "k"} <= set(_sizes(launch)) and len(launch.tensors) > 2
    if not (sized and tuned.issuperset(_BLOCKS)):
        return None
    if not launch.kernel.source:  # of a kernel of which nothing but its name and arguments is known
        return _by_place(launch) if launch.kernel.name in _TEMPLATES or _is_tutorial(launch.kernel) else None
    return _by_place(launch) if multiplies_blocks(launch, spelt(words)) else None


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


def _template(
    launch: Launch, words: Mapping[str, Any], sizes: Mapping[str, int], first: Tensor, second: Tensor
) -> Reading:
    """As Inductor's mm, or mixed_mm where the second operand is quantised."""
    strides = [*_strides(launch, first, "a", "mk"), *_strides(launch, second, "b", "kn")]
    names = ("mat1_stride_0", "mat1_stride_1", "mat2_stride_0", "mat2_stride_1")
    fields: dict[str, Any] = {
        **{name: sizes[name] for name in ("m", "k", "n")},
        "mat1_dtype": first.dtype,
        "mat2_dtype": second.dtype,
        **dict(zip(names, strides, strict=True)),
        "mat1_iscontig": strides[1] == 1,
        "mat2_iscontig": strides[3] == 1,
    }
    if second.dtype in ("int8", "uint8"):
        return Reading("triton_mixed_mm", launch.device, fields, names=_TEMPLATE_FIELDS, likeness=_LIKENESS)
    fields["using_tf32"] = _uses_tf32(launch, words) if first.dtype == "float32" else "not_float_32"
    return Reading("triton_mm", launch.device, fields, names=_TEMPLATE_FIELDS, likeness=_LIKENESS)


def _uses_tf32(launch: Launch, words: Mapping[str, Any]) -> bool:
    """Whether 32-bit products round to TF32, as they do unless the source or an argument says otherwise."""
    source = re.sub(r"#.*", "", launch.kernel.source)
    named = {**words, **launch.scalars}
    arguments = [value for name, value in named.items() if name.lower() in _PRECISIONS]
    said = [*_PRECISION.findall(source), *arguments, True][0]
    assigned = re.search(rf"""\b{re.escape(str(said))}\s*(?::[^=,()\n]*)?=(?!=)\s*["']?(\w+)""", source)
    return str(named.get(str(said), assigned[1] if assigned else said)).lower() in ("true", "tf32", "1")


def _strides(launch: Launch, tensor: Tensor, letter: str, axes: str) -> list[int]:
    """Strides of an operand: as an argument says (``stride_am``), as its tensor has them, or those of rows."""
    named = [launch.scalars.get(f"stride_{letter}{axis}") for axis in axes]
    if all(isinstance(stride, int) for stride in named):
        return [int(stride) for stride in named if stride is not None]
    if len(tensor.strides) == 2:
        return list(tensor.strides)
    return [int(_sizes(launch)[axes[1]]), 1]


def _constant_beside(words: Sequence[Mapping[str, Any]], read: Sequence[str]) -> bool:
    """Whether what is not read is the same in all configurations, so that nothing is lost."""
    beside = [{n: v for n, v in own.items() if kernel_configs.field(n) not in read} for own in words]
    return all(own == beside[0] for own in beside)


def _is_tutorial(kernel: Kernel) -> bool:
    return kernel.name == "matmul_kernel" and kernel.arguments[:6] == ("a_ptr", "b_ptr", "c_ptr", "M", "N", "K")


def _sizes(launch: Launch) -> dict[str, int]:
    """Whole numbers among the arguments, by name in lower case."""
    return {name.lower(): value for name, value in launch.scalars.items() if type(value) is int}


def _fields(launch: Launch) -> dict[str, Any]:
    """Arguments as fields: numbers by name, tensors by type and sizes; elements as those of a list."""
    fields: dict[str, Any] = {name: value for name, value in launch.scalars.items() if value != ""}
    for name, tensor in launch.tensors.items():
        fields[f"{name}_dtype"] = tensor.dtype
        if tensor.shape:
            fields[f"{name}_shape"] = list(tensor.shape)
    return {name.replace(".", "_"): value for name, value in fields.items()}


def itemsize(dtype: str) -> int:
    """Bytes of an element; 0 if it is less than one, or not known."""
    bits = _TYPE.search(dtype)
    return int(bits[1]) // 8 if bits else 0
