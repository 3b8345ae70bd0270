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


def product(
    dtypes: tuple[str, str],
    values: tuple[int, ...],
    configs: list[FakeConfig] = CONFIGS,
    source: str = "def mine(): ...",
    **constants: Any,
) -> Any:
    tensors = [Tensor(dtype) for dtype in (*dtypes, "float16")]
    given: list[Any] = [*tensors, *values]
    named: dict[str, Any] = dict(zip(ARGUMENTS, given, strict=False)) | constants
    kernel = Kernel("mine", (*ARGUMENTS, *constants), source, tuple(constants))
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
