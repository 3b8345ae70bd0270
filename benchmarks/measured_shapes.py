"""Measured matrix products as launches of Triton: one shape with its configurations and times."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tensor, Tuning
from prerank.integrations.triton_operands import itemsize, operand_sizes
from prerank.search_spaces import kernel_configs

_TUTORIAL_ARGUMENTS = ("a_ptr", "b_ptr", "c_ptr", "M", "N", "K")
_STRIDES = {"am": "mat1_stride_0", "ak": "mat1_stride_1", "bk": "mat2_stride_0", "bn": "mat2_stride_1"}
_OPTIONS = ("num_warps", "num_stages")
_BLOCKS = ("BLOCK_M", "BLOCK_N", "BLOCK_K")
_PRODUCT = """
def product({first}, {second}, M, N, K, BLOCK_M, BLOCK_N, BLOCK_K):
    row, column, inner = tl.arange(0, BLOCK_M), tl.arange(0, BLOCK_N), tl.arange(0, BLOCK_K)
    a = tl.load({first} + row[:, None] * K + inner[None, :])
    total = tl.dot(a, tl.load({second} + inner[:, None] * N + column[None, :]))
"""
_BENCHMARK_SECONDS = 0.125  # what Triton's do_bench takes for a configuration


@dataclass(frozen=True)
class TableConfig:
    """A row's configuration, with the attributes of a `triton.Config`."""

    kwargs: dict[str, Any]
    num_warps: int
    num_stages: int
    pre_hook: None = None

    def all_kwargs(self) -> dict[str, Any]:
        """All names and values."""
        return {**self.kwargs, "num_warps": self.num_warps, "num_stages": self.num_stages}


@dataclass(frozen=True, eq=False)
class Shape:
    """A shape that was measured.

    Args:
        problem: Its sizes and types as the table writes them.
        rows: Its rows.
        tuning: The launch and the configurations, in the order of the rows.
        times: Milliseconds, nan where it failed, (n,).
        compile_seconds: Time of each compilation, (n,).
    """

    problem: str
    rows: Any
    tuning: Tuning
    times: NDArray[np.float64]
    compile_seconds: NDArray[np.float64]

    @property
    def sizes(self) -> Mapping[str, int]:
        """m, n and k."""
        return {name: int(self.tuning.launch.scalars[name.upper()]) for name in "mnk"}

    @property
    def itemsizes(self) -> tuple[int, int]:
        """Bytes of an element of each operand."""
        first, second, _ = (itemsize(tensor.dtype) for tensor in self.tuning.launch.tensors.values())
        return first, second

    @property
    def least_itemsizes(self) -> tuple[int, int] | None:
        """Those that `rlm_prune` counts on; the table holds no source, but is of products alone."""
        launch = self.tuning.launch
        first, second, _ = launch.tensors
        arguments, source = (*launch.kernel.arguments, *_BLOCKS), _PRODUCT.format(first=first, second=second)
        product = replace(launch, kernel=replace(launch.kernel, arguments=arguments, source=source))
        return operand_sizes(product, self.tuning.words)

    def slowdown(self, places: set[int]) -> float:
        """The best of some over the best of all; the worst of all if none of them runs."""
        own = self.times[sorted(places)]
        found = np.nanmin(own) if np.isfinite(own).any() else np.nanmax(self.times)
        return float(found / np.nanmin(self.times))

    def seconds(self, places: set[int]) -> float:
        """What tuning among some costs."""
        return float((self.compile_seconds[sorted(places)] + _BENCHMARK_SECONDS).sum())


def shapes_of(rows: Any, compile_seconds: float) -> list[Shape]:
    """The shapes of a table's rows in which something runs.

    Args:
        rows: Rows of one kernel and device.
        compile_seconds: Time of a compilation where the table has none.
    """
    own = [shape(problem, group, compile_seconds) for problem, group in rows.groupby("problem", sort=True)]
    return [found for found in own if np.isfinite(found.times).any()]


def shape(problem: str, rows: Any, compile_seconds: float) -> Shape:
    """One problem's rows as a launch, its configurations in the order of their texts: a table may be sorted by time."""
    rows = rows.sort_values("config")
    configs = [config(text) for text in rows["config"]]
    found = launch(rows["kernel"].iloc[0], rows["device"].iloc[0], problem)
    seconds = rows["compile_time"].fillna(compile_seconds).to_numpy(dtype=np.float64)
    times = rows["ms"].to_numpy(dtype=np.float64)
    return Shape(problem, rows, Tuning(found, configs, {}), times, seconds)


def config(text: str) -> TableConfig:
    """A configuration of the table."""
    fields = dict(kernel_configs.from_record(text).fields)
    warps, stages = (int(str(fields.pop(name))) for name in _OPTIONS)
    return TableConfig(fields, warps, stages)


def launch(kernel: str, device: str, problem: str) -> Launch:
    """The launch that a user's own matrix product would make on such operands."""
    if problem.startswith("M=N=K="):
        size = int(problem.removeprefix("M=N=K="))
        tensors = {name: Tensor("float16", (size, size), (size, 1)) for name in _TUTORIAL_ARGUMENTS[:3]}
        return Launch(Kernel("matmul_kernel", _TUTORIAL_ARGUMENTS), tensors, dict.fromkeys("MNK", size), device)
    fields = dict(re.findall(r"(\S+)=(\S+)", problem))
    tensors = {name: Tensor(fields[f"{name}_dtype"]) for name in ("mat1", "mat2")} | {"out": Tensor("float16")}
    scalars = {name.upper(): int(fields[name]) for name in "mnk"}
    scalars |= {f"stride_{axes}": int(fields[name]) for axes, name in _STRIDES.items()}
    constants = {"ALLOW_TF32": fields["using_tf32"] == "True"} if "using_tf32" in fields else {}  # as in Inductor's
    scalars |= constants
    return Launch(Kernel(kernel, (*tensors, *scalars), "", tuple(constants)), tensors, scalars, device)


def nearest_other(own: Shape, shapes: Sequence[Shape]) -> Shape:
    """The other shape of the same types whose sizes are nearest."""
    others = [shape for shape in shapes if shape.problem != own.problem]
    return min(others, key=lambda other: (_types(own) != _types(other), _distance(own, other)))


def _types(shape: Shape) -> list[str]:
    return [tensor.dtype for tensor in shape.tuning.launch.tensors.values()]


def _distance(one: Shape, other: Shape) -> float:
    """Sum of the logarithms of the ratios of the sizes."""
    return sum(abs(float(np.log(one.sizes[name] / other.sizes[name]))) for name in "mnk")
