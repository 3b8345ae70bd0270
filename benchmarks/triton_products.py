# ruff: noqa: N803
# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

"""Kernels of our own that multiply matrices: plain, in batches, fused, as attention, as a convolution.

Import it after TRITON_INTERPRET is set, if it is to be. Rows of all matrices are contiguous; sums are of float32.
"""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
import triton
import triton.language as tl

_WIDTHS = (64, 16)  # of a batch, a head, a hidden layer: the first that fits


@triton.jit
def matmul_kernel(x_ptr, w_ptr, y_ptr, M, N, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr):
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, N, BLOCK_K):
        inner = start + tl.arange(0, BLOCK_K)
        x_in, w_in = (row[:, None] < M) & (inner[None, :] < N), (inner[:, None] < N) & (column[None, :] < N)
        x = tl.load(x_ptr + row[:, None] * N + inner[None, :], mask=x_in, other=0.0)
        total += tl.dot(x, tl.load(w_ptr + inner[:, None] * N + column[None, :], mask=w_in, other=0.0))
    tl.store(y_ptr + row[:, None] * N + column[None, :], total, mask=(row[:, None] < M) & (column[None, :] < N))


@triton.jit
def batched_matmul_kernel(
    x_ptr,
    y_ptr,
    M,
    N,
    WIDTH: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """Products of all rows of a batch with one another."""
    first = tl.program_id(2) * WIDTH
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    row_in, column_in = (row < WIDTH) & (first + row < M), (column < WIDTH) & (first + column < M)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, N, BLOCK_K):
        inner = start + tl.arange(0, BLOCK_K)
        a_in, b_in = row_in[:, None] & (inner[None, :] < N), (inner[:, None] < N) & column_in[None, :]
        a = tl.load(x_ptr + (first + row)[:, None] * N + inner[None, :], mask=a_in, other=0.0)
        total += tl.dot(a, tl.load(x_ptr + (first + column)[None, :] * N + inner[:, None], mask=b_in, other=0.0))
    tl.store(
        y_ptr + (first + row)[:, None] * WIDTH + column[None, :],
        total,
        mask=row_in[:, None] & (column[None, :] < WIDTH),
    )


@triton.jit
def mlp_kernel(
    x_ptr,
    w_ptr,
    y_ptr,
    M,
    N,
    WIDTH: tl.constexpr,
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """Two layers with a ReLU between; the hidden one stays in registers. Weights: the first WIDTH columns and rows."""
    row, hidden = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M), tl.arange(0, WIDTH)
    total = tl.zeros((BLOCK_M, WIDTH), dtype=tl.float32)
    for start in range(0, N, BLOCK_K):
        inner = start + tl.arange(0, BLOCK_K)
        x_in = (row[:, None] < M) & (inner[None, :] < N)
        x = tl.load(x_ptr + row[:, None] * N + inner[None, :], mask=x_in, other=0.0)
        total += tl.dot(x, tl.load(w_ptr + inner[:, None] * N + hidden[None, :], mask=inner[:, None] < N, other=0.0))
    active = tl.maximum(total, 0.0).to(tl.float16)
    for start in range(0, N, BLOCK_N):
        column = start + tl.arange(0, BLOCK_N)
        w = tl.load(w_ptr + hidden[:, None] * N + column[None, :], mask=column[None, :] < N, other=0.0)
        inside = (row[:, None] < M) & (column[None, :] < N)
        tl.store(y_ptr + row[:, None] * N + column[None, :], tl.dot(active, w), mask=inside)


@triton.jit
def attention_kernel(x_ptr, y_ptr, M, N, WIDTH: tl.constexpr, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr):
    """Each row attends to all, head by head, with running maxima and sums (Dao et al. 2022, arXiv:2205.14135)."""
    row, inner = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M), tl.program_id(1) * WIDTH + tl.arange(0, WIDTH)
    query = tl.load(x_ptr + row[:, None] * N + inner[None, :], mask=row[:, None] < M, other=0.0)
    most = tl.full((BLOCK_M,), -1e30, dtype=tl.float32)
    weight = tl.zeros((BLOCK_M,), dtype=tl.float32)
    total = tl.zeros((BLOCK_M, WIDTH), dtype=tl.float32)
    for start in range(0, M, BLOCK_N):
        other = start + tl.arange(0, BLOCK_N)
        key = tl.load(x_ptr + other[:, None] * N + inner[None, :], mask=other[:, None] < M, other=0.0)
        scores = tl.where(other[None, :] < M, tl.dot(query, tl.trans(key)) * WIDTH**-0.5, -1e30)
        higher = tl.maximum(most, tl.max(scores, axis=1))
        powers, decay = tl.exp(scores - higher[:, None]), tl.exp(most - higher)
        weight = weight * decay + tl.sum(powers, axis=1)
        total = total * decay[:, None] + tl.dot(powers.to(tl.float16), key)
        most = higher
    heads = N // WIDTH * WIDTH
    tl.store(y_ptr + row[:, None] * heads + inner[None, :], total / weight[:, None], mask=row[:, None] < M)


@triton.jit
def convolution_kernel(x_ptr, w_ptr, y_ptr, M, N, BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr):
    """Three rows at a time, of N channels each, as one product with a matrix of 3 N rows."""
    row = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    column = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    for start in range(0, 3 * N, BLOCK_K):
        inner = start + tl.arange(0, BLOCK_K)
        source = row[:, None] + inner[None, :] // N - 1
        x_in = (source >= 0) & (source < M) & (inner[None, :] < 3 * N)
        x = tl.load(x_ptr + source * N + inner[None, :] % N, mask=x_in, other=0.0)
        w_in = (inner[:, None] < 3 * N) & (column[None, :] < N)
        total += tl.dot(x, tl.load(w_ptr + inner[:, None] * N + column[None, :], mask=w_in, other=0.0))
    tl.store(y_ptr + row[:, None] * N + column[None, :], total, mask=(row[:, None] < M) & (column[None, :] < N))


def width(size: int) -> int:
    """Of a batch, a head or a hidden layer."""
    return next((width for width in _WIDTHS if size >= width), _WIDTHS[-1])


def batched(x: torch.Tensor) -> torch.Tensor:
    """What `batched_matmul_kernel` computes; what a last, smaller batch lacks is zero."""
    own = width(len(x))
    batches = F.pad(x.float(), (0, 0, 0, -len(x) % own)).view(-1, own, x.shape[1])
    return (batches @ batches.transpose(1, 2)).flatten(0, 1)[: len(x)]


def mlp(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """What `mlp_kernel` computes."""
    own = width(x.shape[1])
    return (x.float() @ w[:, :own].float()).relu() @ w[:own].float()


def attention(x: torch.Tensor) -> torch.Tensor:
    """What `attention_kernel` computes; columns that make no whole head are left out."""
    own = width(x.shape[1])
    heads = x.float()[:, : x.shape[1] // own * own].view(len(x), -1, own).transpose(0, 1)
    return F.scaled_dot_product_attention(heads, heads, heads).transpose(0, 1).flatten(1)


def convolution(x: torch.Tensor, w: torch.Tensor) -> torch.Tensor:
    """What `convolution_kernel` computes."""
    padded = F.pad(x.float(), (0, 0, 1, 1))
    return torch.cat([padded[:-2], padded[1:-1], padded[2:]], dim=1) @ w.float()


def blocks(rows: int, columns: int) -> list[dict[str, int]]:
    """Three blocks and stages, worth a try with most shapes."""
    names = ("BLOCK_M", "BLOCK_N", "BLOCK_K", "num_stages")
    return [dict(zip(names, own, strict=True)) for own in product((32, 64, 128), (32, 64, 128), (32, 64), (2, 4))]


def batch_blocks(rows: int, columns: int) -> list[dict[str, int]]:
    """Blocks of a batch."""
    own = {"WIDTH": width(rows)}
    return [own | found for found in blocks(rows, columns) if max(found["BLOCK_M"], found["BLOCK_N"]) <= 64]


def hidden_blocks(rows: int, columns: int) -> list[dict[str, int]]:
    """Blocks of a fused network."""
    return [{"WIDTH": width(columns)} | found for found in blocks(rows, columns)]


def head_blocks(rows: int, columns: int) -> list[dict[str, int]]:
    """Blocks of queries and of keys."""
    own = [found for found in blocks(rows, columns) if found["BLOCK_K"] == 32]
    return [{"WIDTH": width(columns)} | {k: v for k, v in found.items() if k != "BLOCK_K"} for found in own]
