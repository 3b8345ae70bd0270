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
from .triton_launch import Launch, Tensor
from .triton_operands import is_tutorial, operands_of, whole_numbers
from .triton_tiles import BLOCKS

_PRECISIONS = ("allow_tf32", "input_precision")
_PRECISION = re.compile(rf"""[(,]\s*(?:{"|".join(_PRECISIONS)})\s*=\s*["']?(\w+)""")
_TEMPLATE_FIELDS = (*BLOCKS, "stages", "warps")
_TUTORIAL_FIELDS = (*_TEMPLATE_FIELDS, "group_m")
_TUTORIAL = "triton_matmul_tutorial_fp16"
_LIKENESS = 0.9  # trust in what is known of another kernel that multiplies matrices


@dataclass(frozen=True)
class LaunchReading:
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


def readings(launch: Launch, words: Sequence[Mapping[str, Any]]) -> list[LaunchReading]:
    """All ways to read a launch, the kernel's own first.

    Args:
        launch: The launch.
        words: Names and values of its configurations.
    """
    own = LaunchReading(launch.kernel.name, launch.device, _fields(launch), launch.kernel.source)
    return [own, *_matmul_readings(launch, words)]


def reading_like(like: LaunchReading, launch: Launch, words: Sequence[Mapping[str, Any]]) -> LaunchReading:
    """A launch read in the same way as another launch of its kernel, so that they are of one family."""
    alike = [reading for reading in readings(launch, words) if reading.kernel == like.kernel]
    return alike[-1] if alike else readings(launch, words)[0]


def _matmul_readings(launch: Launch, words: Sequence[Mapping[str, Any]]) -> list[LaunchReading]:
    """As the tutorial's matrix product, and as Inductor's template."""
    operands = operands_of(launch, words)
    if operands is None:
        return []
    sizes = {name: whole_numbers(launch)[name] for name in ("m", "n", "k")}
    found = [_template(launch, words[0], sizes, *operands)] if _constant_beside(words, _TEMPLATE_FIELDS) else []
    grouped = "group_m" in map(kernel_configs.field, words[0]) and _constant_beside(words, _TUTORIAL_FIELDS)
    if grouped and {operands[0].dtype, operands[1].dtype} == {"float16"}:
        likeness = 1.0 if is_tutorial(launch.kernel) else _LIKENESS
        found.insert(0, LaunchReading(_TUTORIAL, launch.device, sizes, names=_TUTORIAL_FIELDS, likeness=likeness))
    return found


def _template(
    launch: Launch, words: Mapping[str, Any], sizes: Mapping[str, int], first: Tensor, second: Tensor
) -> LaunchReading:
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
        return LaunchReading("triton_mixed_mm", launch.device, fields, names=_TEMPLATE_FIELDS, likeness=_LIKENESS)
    fields["using_tf32"] = _uses_tf32(launch, words) if first.dtype == "float32" else "not_float_32"
    return LaunchReading("triton_mm", launch.device, fields, names=_TEMPLATE_FIELDS, likeness=_LIKENESS)


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
    return [int(whole_numbers(launch)[axes[1]]), 1]


def _constant_beside(words: Sequence[Mapping[str, Any]], read: Sequence[str]) -> bool:
    """Whether what is not read is the same in all configurations, so that nothing is lost."""
    beside = [{n: v for n, v in own.items() if kernel_configs.field(n) not in read} for own in words]
    return all(own == beside[0] for own in beside)


def _fields(launch: Launch) -> dict[str, Any]:
    """Arguments as fields: numbers by name, tensors by type and sizes; elements as those of a list."""
    fields: dict[str, Any] = {name: value for name, value in launch.scalars.items() if value != ""}
    for name, tensor in launch.tensors.items():
        fields[f"{name}_dtype"] = tensor.dtype
        if tensor.shape:
            fields[f"{name}_shape"] = list(tensor.shape)
    return {name.replace(".", "_"): value for name, value in fields.items()}
