"""Launches of kernels that nobody compiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from fake_config import FakeConfig

from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tensor, read_tuning
from prerank.surrogate import Prediction

CONFIGS = [
    FakeConfig({"BLOCK_M": 64, "BLOCK_N": 32, "BLOCK_K": 16}),
    FakeConfig({"BLOCK_M": 32, "BLOCK_N": 32, "BLOCK_K": 16}),
]

ARGUMENTS = ("A", "B", "C", "M", "N", "K", "stride_am", "stride_ak", "stride_bk", "stride_bn")


SOURCE = """
def mine({first}, {second}, C, M, N, K, stride_am, stride_ak, stride_bk, stride_bn, BLOCK_M, BLOCK_N, BLOCK_K):
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    acc = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, K, BLOCK_K):
        inner = start + tl.arange(0, BLOCK_K)
        a = tl.load({first} + row[:, None] * stride_am + inner[None, :] * stride_ak)
        b = tl.load({second} + inner[:, None] * stride_bk + column[None, :] * stride_bn)
        {line}
"""
BLOCKS = ("BLOCK_M", "BLOCK_N", "BLOCK_K")


def source(line: str = "acc = tl.dot(a, b, acc)", first: str = "A", second: str = "B") -> str:
    """A plain product of such arguments, in whose loop a line is as told."""
    return SOURCE.format(line=line.replace("\n    ", "\n        "), first=first, second=second)


def product(
    dtypes: tuple[str, str],
    values: tuple[int, ...],
    configs: list[FakeConfig] = CONFIGS,
    source: str = source(),
    **constants: Any,
) -> Any:
    tensors = [Tensor(dtype) for dtype in (*dtypes, "float16")]
    given: list[Any] = [*tensors, *values]
    named: dict[str, Any] = dict(zip(ARGUMENTS, given, strict=False)) | constants
    kernel = Kernel("mine", (*ARGUMENTS, *constants, *BLOCKS), source, tuple(constants))
    return read_tuning(kernel, configs, named, {"grid": (8,)}, "NVIDIA A100")


class dtype:  # noqa: N801
    """A type of Triton or torch, by the name of its class."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name


class constexpr:  # noqa: N801
    """A constant of Triton's, by the name of its class."""

    def __init__(self, value: Any) -> None:
        self.value = value


def read(*keys: str, **given: Any) -> Launch:
    return read_tuning(Kernel("k", tuple(given)), CONFIGS, given, {}, "", keys).launch


def expected(values: Sequence[float], fails: Sequence[float] | None = None) -> Prediction:
    """A prediction of some values, which is sure of them."""
    column, ones = np.array(values)[:, None], np.ones(len(values))
    return Prediction(column, column, ones[:, None], np.array(fails) if fails else 0 * ones, ones)
