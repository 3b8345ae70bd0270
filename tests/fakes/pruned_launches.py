"""Launches of a kernel that rlm_prune prunes for, without a GPU."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from prerank.surrogate import Prediction

triton = pytest.importorskip("triton")
import triton.language as tl  # noqa: E402

from prerank.integrations.triton import RLMPrune, rlm_prune  # noqa: E402

A100 = "NVIDIA A100"

HERE = "interpreter"  # what runs the kernels of these tests


class FakeSurrogate:
    """Predicts the sum of the numbers in a text, or the opposite of what it observed; trusts itself as told."""

    def __init__(self, trust: float = 1.0) -> None:
        self.trust, self.provenance = trust, {"fake": trust}
        self.asked: list[Sequence[str]] = []
        self.observed: list[tuple[Any, Sequence[str], Sequence[float]]] = []

    def fork(self) -> FakeSurrogate:
        return self

    def predict(self, problem: Any, texts: Sequence[str]) -> Prediction:
        self.asked.append(texts)
        value = np.array([[float(sum(map(int, "".join(c if c.isdigit() else " " for c in t).split())))] for t in texts])
        value, ones = value.reshape(-1, 1), np.ones(len(texts))
        return Prediction(value, value, ones[:, None], 0 * ones, self.trust * ones)

    def observe(self, problem: Any, texts: Sequence[str], values: Any) -> None:
        self.observed.append((problem, texts, list(values)))


def choices(stages: Sequence[int] = (2, 3)) -> list[Any]:
    return [
        triton.Config({"BLOCK_SIZE_M": m, "BLOCK_SIZE_N": n, "BLOCK_SIZE_K": 32}, num_warps=w, num_stages=s)
        for m in (64, 32, 128)
        for n in (64, 32)
        for s in stages
        for w in (4, 8)
    ]


class Bench:
    """Takes the place of Triton's benchmark: the larger m, the faster; notes what was measured."""

    def __init__(self) -> None:
        self.measured: list[Any] = []

    def __call__(self, kernel_call: Callable[[], None], quantiles: Sequence[float]) -> list[float]:
        config = inspect.getclosurevars(kernel_call).nonlocals["config"]
        self.measured.append(config)
        return [1.0 / config.kwargs["BLOCK_SIZE_M"] + config.num_warps / 1e5] * 3


def kernel(prune: Any, bench: Bench | None = None, configs: list[Any] | None = None) -> Any:
    @triton.autotune(configs or choices(), key=["M", "N", "K"], prune_configs_by=prune, do_bench=bench or Bench())
    @triton.jit
    def matmul_kernel(
        a_ptr,
        b_ptr,
        c_ptr,
        M,  # noqa: N803
        N,  # noqa: N803
        K,  # noqa: N803
        BLOCK_SIZE_M: tl.constexpr,  # noqa: N803
        BLOCK_SIZE_N: tl.constexpr,  # noqa: N803
        BLOCK_SIZE_K: tl.constexpr,  # noqa: N803
    ):
        row, column = tl.arange(0, BLOCK_SIZE_M)[:, None], tl.arange(0, BLOCK_SIZE_N)[None, :]
        total = tl.full((BLOCK_SIZE_M, BLOCK_SIZE_N), 0.0, tl.float32)
        for start in range(K, 0, BLOCK_SIZE_K):  # no round, but what has no such loop in its source is not bounded
            inner = start + tl.arange(0, BLOCK_SIZE_K)
            a = tl.load(a_ptr + row * K + inner[None, :])
            total += tl.dot(a, tl.load(b_ptr + inner[:, None] * N + column))
        tl.store(c_ptr, 1.0)

    return matmul_kernel


def launch(kernel: Any, size: int = 1024) -> Any:
    matrix = torch.zeros(4, 4, dtype=torch.float16)
    kernel[(1,)](matrix, matrix, matrix, size, size, size)
    return kernel.best_config


def pruned(kernel: Any, size: int = 1024) -> list[Any]:
    matrix = torch.zeros(4, 4, dtype=torch.float16)
    kernel.nargs = dict(zip(kernel.arg_names, [matrix, matrix, matrix, size, size, size], strict=False))
    return kernel.prune_configs({"grid": (1,), "warmup": False})


def quiet(**options: Any) -> RLMPrune:
    return rlm_prune(**({"device": A100, "surrogate": FakeSurrogate()} | options))
