"""Whether a source shows that its tiles are the blocks of a launch, and that they are read side by side."""

from __future__ import annotations

from typing import Any

import pytest

from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tensor
from prerank.integrations.triton_tiles import multiplies_blocks, reads_side_by_side

ARGUMENTS = ("a_ptr", "b_ptr", "c_ptr", "M", "N", "K", "stride_am", "stride_ak", "stride_bk", "stride_bn")
TUNED = ("BLOCK_M", "BLOCK_N", "BLOCK_K", "INNER_K", "SPLIT_K")
FIELDS: list[dict[str, Any]] = [
    {"block_m": 64, "block_n": 128, "block_k": size, "inner_k": 32, "split_k": 3} for size in (32, 64)
]
HEAD = f"""def mine({", ".join((*ARGUMENTS, *TUNED))}):
    m = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)
    acc = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
"""
A = "tl.load(a_ptr + m[:, None] * stride_am + (start + k)[None, :] * stride_ak{mask})"
B = "tl.load(b_ptr + (start + k)[:, None] * stride_bk + {n}[None, :] * stride_bn{mask})"
LOOP = "for start in range(0, K, BLOCK_K):\n    acc += tl.dot({a}, {b})"


def plain(a: str = A, b: str = B, loop: str = LOOP, *, a_mask: str = "", b_mask: str = "", n: str = "n") -> str:
    """A plain product but for what is told."""
    return loop.format(a=a.format(mask=a_mask and f", {a_mask}"), b=b.format(mask=b_mask and f", {b_mask}", n=n))


def launch(body: str, constants: tuple[str, ...] = (), **numbers: int) -> Launch:
    source = HEAD + "".join(f"    {line}\n" for line in body.splitlines())
    sizes = {"M": 4096, "N": 4096, "K": 4096, "stride_am": 4096, "stride_ak": 1, "stride_bk": 4096, "stride_bn": 1}
    kernel = Kernel("mine", (*ARGUMENTS, *TUNED), source, (*constants, *TUNED))
    return Launch(kernel, dict.fromkeys(ARGUMENTS[:3], Tensor("float16")), sizes | numbers)


def is_regular(body: str, constants: tuple[str, ...] = (), **numbers: int) -> bool:
    return reads_side_by_side(launch(body, constants, **numbers), FIELDS, True, False)


POINTERS = """
a_at, b_at = a_ptr + (m[:, None] * stride_am + k[None, :]), b_ptr + (k[:, None] * stride_bk + {n}[None, :])
for round in range(0, tl.cdiv(K, BLOCK_K * SPLIT_K)):
    left = K - round * (BLOCK_K * SPLIT_K)
    if SPLIT_K == 1:
        a, b = tl.load(a_at), tl.load(b_at)
    else:
        a = tl.load(a_at, mask=k[None, :] < left, other=0.0)
        b = tl.load(b_at, mask=k[:, None] < left, other=0.0)
    acc = tl.dot(a, b, acc)
    a_at += BLOCK_K * SPLIT_K * stride_ak
    b_at = b_at + BLOCK_K * SPLIT_K * stride_bk
""".strip()
BLOCK_POINTERS = """
a_at = tl.make_block_ptr(a_ptr, (M, K), (stride_am, stride_ak), (m_at, 0), (BLOCK_M, BLOCK_K), order=(1, 0))
b_at = tl.make_block_ptr(b_ptr, (K, N), (stride_bk, stride_bn), (0, 0), (BLOCK_K, BLOCK_N), order=(1, 0))
for start in range(0, K, BLOCK_K):
    acc += tl.dot(tl.load(a_at, boundary_check=(0, 1)), tl.load(b_at))
    a_at, b_at = tl.advance(a_at, (0, BLOCK_K)), tl.advance(b_at, (BLOCK_K, 0))
""".strip()
PERSISTENT = """
for tile in range(tl.program_id(0), tl.cdiv(M, BLOCK_M), 132):
    row, column = order(tile, M)
    at = tl.where(row * BLOCK_M + tl.arange(0, BLOCK_M) < M, row * BLOCK_M + tl.arange(0, BLOCK_M), 0)
    m = tl.max_contiguous(tl.multiple_of(at, BLOCK_M), BLOCK_M)
    acc = tl.full([BLOCK_M, BLOCK_N], 0.0, tl.float32)
    for round in range(tl.cdiv(K, BLOCK_K)):
        start = round * BLOCK_K
        acc = tl.dot({a}, {b}, acc)
""".strip()
DOWN = """
A = a_ptr + (m[:, None] * stride_am + k[None, :])
for start in range(K, 0, -BLOCK_K):
    acc += tl.dot(tl.load(A, mask=k[None, :] < start, other=0.0), {b})
    A += BLOCK_K
""".strip()
TRANSPOSED = "tl.load(b_ptr + n[:, None] * K + (start + k)[None, :])"


@pytest.mark.parametrize(
    "body",
    [
        plain(),
        plain(n="(n % N)"),
        plain(n="tl.max_contiguous(tl.multiple_of(n % N, BLOCK_N), BLOCK_N)"),
        plain(a_mask="mask=(m[:, None] < M) & ((start + k)[None, :] < K), other=0.0", b_mask="mask=N > n[None, :]"),
        plain(b=f"tl.trans({TRANSPOSED})"),
        plain(b=f"{TRANSPOSED}.T"),
        plain(a=A.replace("a_ptr", "a_ptr + tl.program_id(2).to(tl.int64) * M")),
        POINTERS.format(n="n"),
        BLOCK_POINTERS.replace("m_at", "tl.program_id(0) * BLOCK_M"),
        plain(loop=PERSISTENT),
        plain(loop=DOWN),
    ],
)
def test_ordinary_products_are_of_blocks_that_are_read_side_by_side(body: str) -> None:
    assert multiplies_blocks(launch(body), FIELDS)
    assert is_regular(body)


@pytest.mark.parametrize(
    "body",
    [
        plain(a=A.replace("start + k", "start + k + 1")),
        plain(a=A.replace("start + k", "start + BLOCK_K - 1 - k")),
        plain(a=A.replace("start + k", "start + k + tl.program_id(2)")),
        plain(n="(n + tl.program_id(2))"),
        plain(n="(n // 4)"),
        plain(n="(n ^ 1)"),
        plain(n="(n % (N // 3))"),
        plain(n="(n * 2)"),
        plain(n="(n + n)"),
        plain(n="helper(n)"),
        plain(n="tl.where(n < N, n, 0)"),
        plain(a_mask="mask=(start + k)[None, :] < K - 1"),
        plain(b_mask="mask=n[None, :] < N // 3"),
        plain(b_mask="mask=n[None, :] <= N"),
        plain(b_mask="mask=n[None, :] < N, other=1.0"),
        plain(b_mask="volatile=True"),
        POINTERS.format(n="n").replace("BLOCK_K * SPLIT_K * stride_ak", "SPLIT_K * stride_ak"),
        BLOCK_POINTERS.replace("m_at", "tl.program_id(0)"),
        plain(loop=LOOP.replace("range(0,", "range(tl.program_id(2) * tl.cdiv(K, SPLIT_K),")),
    ],
)
def test_what_is_no_multiple_plus_a_range_is_not_read_side_by_side(body: str) -> None:
    assert multiplies_blocks(launch(body), FIELDS) or "helper" in body
    assert not is_regular(body)


def test_numbers_that_are_compiled_in_are_known_to_the_last_bit() -> None:
    sizes = plain(a=A.replace("stride_am", "K"), b=B.replace("stride_bk", "N"))
    assert is_regular(sizes, ("N", "K"), N=1000, K=1004)
    assert not is_regular(sizes, ("N", "K"), N=1001, K=1004)
    assert not is_regular(sizes, ("N", "K"), N=1000, K=1003)
    assert not is_regular(sizes, N=1000)  # passed: what is no multiple of 16 may be any number
    assert reads_side_by_side(launch(sizes, ("N", "K"), N=1001, K=1003), FIELDS, False, False)


DESCRIBED = """
for round in range(tl.cdiv(K, BLOCK_K)):
    acc = tl.dot(a_ptr.load([row * BLOCK_M, round * BLOCK_K]), b_ptr.load([round * BLOCK_K, row * BLOCK_N]), acc)
""".strip()


def test_what_descriptors_describe_is_copied_where_the_device_can() -> None:
    own = launch(DESCRIBED)
    assert multiplies_blocks(own, FIELDS)
    assert reads_side_by_side(own, FIELDS, True, True)
    assert not reads_side_by_side(own, FIELDS, True, False)


WEIGHTS = """
acc = tl.zeros((BLOCK_K, BLOCK_N), dtype=tl.float32)
for start in range(0, M, BLOCK_M):
    row = start + tl.arange(0, BLOCK_M)
    a = tl.load(a_ptr + row[None, :] * stride_am + k[:, None])
    acc += tl.dot(a, tl.load(b_ptr + row[:, None] * stride_bk + n[None, :]))
""".strip()
INPUTS = """
acc = tl.zeros((BLOCK_M, BLOCK_K), dtype=tl.float32)
for start in range(0, N, BLOCK_N):
    column = start + tl.arange(0, BLOCK_N)
    a = tl.load(a_ptr + m[:, None] * stride_am + column[None, :])
    acc += tl.dot(a, tl.load(b_ptr + column[:, None] + k[None, :] * stride_bn))
""".strip()
CHUNKS = """
at = tl.program_id(2) * BLOCK_K
for start in range(at, at + BLOCK_K, INNER_K):
    k = tl.arange(0, INNER_K)
    acc += tl.dot({a}, {b})
""".strip()


@pytest.mark.parametrize(
    "body",
    [
        WEIGHTS,
        INPUTS,
        plain(loop=CHUNKS),
        DESCRIBED.replace("cdiv(K, BLOCK_K)", "cdiv(K, INNER_K)").replace("round * BLOCK_K", "round * INNER_K"),
        "acc = inner(a_ptr, b_ptr, acc, BLOCK_M, BLOCK_N, BLOCK_K)",
        "BLOCK_K = BLOCK_K // 2\nk = tl.arange(0, BLOCK_K)\n" + plain(),
        plain(loop="acc = tl.dot_scaled({a}, scale, 'e2m1', {b}, scale, 'e2m1', acc)"),
        plain() + "\nacc += tl.dot(acc, other)",
        "return (",
    ],
)
def test_products_of_other_tiles_are_not_shown_to_be_of_blocks(body: str) -> None:
    assert not multiplies_blocks(launch(body), FIELDS)
