# ruff: noqa: N803
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

"""A dozen kernels of our own to sweep: what each computes is checked against torch before it is timed.

Import it after TRITON_INTERPRET is set, if it is to be. Rows of x are contiguous; y is where results go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
import triton
import triton.language as tl
from triton_products import (
    attention,
    attention_kernel,
    batch_blocks,
    batched,
    batched_matmul_kernel,
    blocks,
    convolution,
    convolution_kernel,
    head_blocks,
    hidden_blocks,
    matmul_kernel,
    mlp,
    mlp_kernel,
)

ROWS = [(rows, columns) for rows in (256, 1024, 4096, 16384) for columns in (256, 512, 1000, 2048, 4096, 8192)]


@triton.jit
def add_kernel(x_ptr, y_ptr, M, N, BLOCK: tl.constexpr):
    place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    x = tl.load(x_ptr + place, mask=place < M * N)
    tl.store(y_ptr + place, x + x, mask=place < M * N)


@triton.jit
def softmax_kernel(x_ptr, y_ptr, M, N, BLOCK: tl.constexpr):
    start, column = tl.program_id(0) * N, tl.arange(0, BLOCK)
    x = tl.load(x_ptr + start + column, mask=column < N, other=-float("inf")).to(tl.float32)
    powers = tl.exp(x - tl.max(x, axis=0))
    tl.store(y_ptr + start + column, powers / tl.sum(powers, axis=0), mask=column < N)


@triton.jit
def layer_norm_kernel(x_ptr, y_ptr, M, N, BLOCK: tl.constexpr):
    start, column = tl.program_id(0) * N, tl.arange(0, BLOCK)
    x = tl.load(x_ptr + start + column, mask=column < N, other=0.0).to(tl.float32)
    away = tl.where(column < N, x - tl.sum(x, axis=0) / N, 0.0)
    scale = tl.sqrt(tl.sum(away * away, axis=0) / N + 1e-5)
    tl.store(y_ptr + start + column, away / scale, mask=column < N)


@triton.jit
def rms_norm_kernel(x_ptr, y_ptr, M, N, BLOCK: tl.constexpr):
    start, column = tl.program_id(0) * N, tl.arange(0, BLOCK)
    x = tl.load(x_ptr + start + column, mask=column < N, other=0.0).to(tl.float32)
    tl.store(y_ptr + start + column, x / tl.sqrt(tl.sum(x * x, axis=0) / N + 1e-6), mask=column < N)


@triton.jit
def row_sum_kernel(x_ptr, y_ptr, M, N, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    total = tl.zeros((BLOCK_M,), dtype=tl.float32)
    for start in range(0, N, BLOCK_N):
        column = start + tl.arange(0, BLOCK_N)
        inside = (row[:, None] < M) & (column[None, :] < N)
        total += tl.sum(tl.load(x_ptr + row[:, None] * N + column[None, :], mask=inside, other=0.0), axis=1)
    tl.store(y_ptr + row, total, mask=row < M)


@triton.jit
def transpose_kernel(x_ptr, y_ptr, M, N, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    inside = (row[:, None] < M) & (column[None, :] < N)
    x = tl.load(x_ptr + row[:, None] * N + column[None, :], mask=inside)
    tl.store(y_ptr + column[None, :] * M + row[:, None], x, mask=inside)


@triton.jit
def rotary_kernel(x_ptr, y_ptr, M, N, BLOCK: tl.constexpr):
    """Rotates pairs of columns by angles that grow with the row (Su et al. 2021, arXiv:2104.09864)."""
    row, pair, half = tl.program_id(0), tl.arange(0, BLOCK), N // 2
    angle = row * tl.exp(pair / half * -9.210340371976184)  # 10000 ** (-pair / half)
    a = tl.load(x_ptr + row * N + pair, mask=pair < half).to(tl.float32)
    b = tl.load(x_ptr + row * N + half + pair, mask=pair < half).to(tl.float32)
    tl.store(y_ptr + row * N + pair, a * tl.cos(angle) - b * tl.sin(angle), mask=pair < half)
    tl.store(y_ptr + row * N + half + pair, a * tl.sin(angle) + b * tl.cos(angle), mask=pair < half)


@dataclass(frozen=True)
class Swept:
    """A kernel to sweep.

    Args:
        kernel: Takes x, the weights if there are any, y, rows, columns and its blocks.
        grid: Rows, columns, blocks -> programs.
        expected: What it computes of x and the weights, by torch.
        choices: Rows, columns -> blocks worth a try.
        weights: Columns -> rows of the weights, which have as many columns; None: there are none.
    """

    kernel: Any
    grid: Callable[[int, int, Mapping[str, int]], tuple[int, ...]]
    expected: Callable[[torch.Tensor], torch.Tensor] | Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    choices: Callable[[int, int], Sequence[dict[str, int]]]
    weights: Callable[[int], int] | None = None


def rotated(x: torch.Tensor) -> torch.Tensor:
    """What `rotary_kernel` computes."""
    half = x.shape[1] // 2
    angle = torch.arange(len(x), device=x.device)[:, None] * 1e4 ** (-torch.arange(half, device=x.device) / half)
    a, b = x.float().split(half, dim=1)
    return torch.cat([a * angle.cos() - b * angle.sin(), a * angle.sin() + b * angle.cos()], dim=1)


def _whole_row(rows: int, columns: int) -> list[dict[str, int]]:
    least = 1 << (columns - 1).bit_length()
    return [{"BLOCK": least}, {"BLOCK": 2 * least}]


def _blocks(rows: int, columns: int) -> list[dict[str, int]]:
    return [{"BLOCK_M": m, "BLOCK_N": n} for m, n in product((1, 4, 16, 32, 64), (32, 64, 128, 256))]


def _flat(rows: int, columns: int) -> list[dict[str, int]]:
    return [{"BLOCK": 2**n} for n in range(7, 14)]


def _tiles(rows: int, columns: int, own: Mapping[str, int]) -> tuple[int, ...]:
    return -(-rows // own["BLOCK_M"]), -(-columns // own["BLOCK_N"])


def _heads(rows: int, columns: int, own: Mapping[str, int]) -> tuple[int, ...]:
    return -(-rows // own["BLOCK_M"]), columns // own["WIDTH"]


def _batches(rows: int, columns: int, own: Mapping[str, int]) -> tuple[int, ...]:
    return *_tiles(own["WIDTH"], own["WIDTH"], own), -(-rows // own["WIDTH"])


def _rows(rows: int, columns: int, own: Mapping[str, int]) -> tuple[int, ...]:
    return (rows,)


KERNELS = (
    Swept(add_kernel, lambda m, n, own: (-(-m * n // own["BLOCK"]),), lambda x: x + x, _flat),
    Swept(softmax_kernel, _rows, lambda x: x.float().softmax(1), _whole_row),
    Swept(layer_norm_kernel, _rows, lambda x: torch.layer_norm(x.float(), x.shape[1:]), _whole_row),
    Swept(rms_norm_kernel, _rows, lambda x: x / (x.float().pow(2).mean(1, keepdim=True) + 1e-6).sqrt(), _whole_row),
    Swept(row_sum_kernel, lambda m, n, own: _tiles(m, n, own)[:1], lambda x: x.float().sum(1), _blocks),
    Swept(transpose_kernel, _tiles, lambda x: x.T.contiguous(), _blocks),
    Swept(rotary_kernel, _rows, rotated, lambda m, n: _whole_row(m, n // 2)),
    Swept(matmul_kernel, _tiles, lambda x, w: x.float() @ w.float(), blocks, lambda n: n),
    Swept(batched_matmul_kernel, _batches, batched, batch_blocks),
    Swept(mlp_kernel, lambda m, n, own: _tiles(m, n, own)[:1], mlp, hidden_blocks, lambda n: n),
    Swept(attention_kernel, _heads, attention, head_blocks),
    Swept(convolution_kernel, _tiles, convolution, blocks, lambda n: 3 * n),
)
