"""Whether a source shows a loop that Triton pipelines in a configuration's stages."""

from __future__ import annotations

import pytest

from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tensor
from prerank.integrations.triton_loop import has_plain_loop, pipelined
from prerank.integrations.triton_tiles import reads_side_by_side

ARGUMENTS = ("a_ptr", "b_ptr", "K", "N", "FIXED", "BLOCK_M", "BLOCK_N", "BLOCK_K")
HEAD = f"@triton.jit\ndef mine({', '.join(ARGUMENTS)}):\n"
ADDRESSES = """
row, column, inner = tl.arange(0, BLOCK_M), tl.arange(0, BLOCK_N), tl.arange(0, BLOCK_K)
a, b = a_ptr + row[:, None] * K + inner[None, :], b_ptr + inner[:, None] * N + column[None, :]
"""
PRODUCT = "acc = tl.dot(tl.load(a), tl.load(b), acc)"
PLAIN = f"for k in range(0, tl.cdiv(K, 64)):\n    {PRODUCT}"


def indented(body: str) -> str:
    return "".join(f"    {line}\n" for line in body.splitlines())


def is_plain(body: str, **numbers: int) -> bool:
    """Whether the stages of such a body count; its sizes are multiples of 16 unless they are told."""
    own = HEAD + indented(ADDRESSES.strip()) + indented(body)
    kernel = Kernel("mine", ARGUMENTS, own, ("FIXED",))
    launch = Launch(kernel, dict.fromkeys(ARGUMENTS[:2], Tensor("float16")), {"K": 4096, "N": 4096} | numbers)
    fields = [{"block_m": 64, "block_n": 64, "block_k": 64}]
    return pipelined(launch, fields)[0] and reads_side_by_side(launch, fields, True, False)


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        f"'''While it works, for all.'''\n{PLAIN}  # while num_stages=3",
        f"for tile in tl.range(0, 8):\n{indented(PLAIN)}",
        f"for k in range(K):\n    if FIXED > 1 and not FIXED:\n        {PRODUCT}",
        f"if K > 4:\n{indented(PLAIN)}",
        "for k in range(K):\n    x = tl.load(a)\n    y = tl.load(b)\n    z = y.to(q)\n    acc += tl.dot(x, z.T)",
        "for k in range(K):\n    x = tl.load(a, mask=inner[None, :] < K - k * BLOCK_K, other=0.0)\n"
        "    acc += tl.dot(x, tl.load(b))\n    a += BLOCK_K",
    ],
)
def test_plain_loops(body: str) -> None:
    assert is_plain(body)
    method = f"    {HEAD}".replace("\ndef", "\n    def") + indented(indented(body))  # as it stands in a class
    assert has_plain_loop(Kernel("mine", source=method, constants=("FIXED",)))


@pytest.mark.parametrize(
    "body",
    [
        PRODUCT,
        f"{PLAIN}\n{PRODUCT}",
        f"while k < K:\n    {PRODUCT}",
        f"while k < K:\n{indented(PLAIN)}",
        f"for k in tl.static_range(4):\n    {PRODUCT}",
        f"for k in tl.range(0, K, num_stages=1):\n    {PRODUCT}",
        f"for k in tl.range(0, K, 1, 2):\n    {PRODUCT}",
        f"for k in tiles:\n    {PRODUCT}",
        f"for k in range(K):\n    {PRODUCT}\n    for n in range(4):\n        tl.store(c, acc)",
        f"for k in range(K):\n    if k > 4:\n        {PRODUCT}",
        "for k in range(K):\n    acc += tl.dot(tl.load(a) if k else 0, tl.load(b))",
        "a = tl.load(a)\nfor n in range(K):\n    acc = tl.dot(a, tl.load(b))",
        "a = tl.load(a)\nfor n in range(K):\n    b, s = tl.load(b), tl.load(c)\n    acc = tl.dot(a, tl.load(b))",
        "for k in range(K):\n    acc += tl.load(a)",
        "rows = tl.load(index)\nfor k in range(K):\n    acc += tl.dot(tl.load(a + rows), tl.load(b))",
        "keep = tl.load(flags) != 0\nfor k in range(K):\n    acc += tl.dot(tl.load(a, mask=keep), tl.load(b))",
        "m = column * 3 % N\nfor k in range(K):\n    acc += tl.dot(tl.load(a), tl.load(b + m))",
        "for k in range(K):\n    acc = tl.dot(tl.load(a + acc), tl.load(b))",
        "return (",
    ],
)
def test_loops_that_have_other_stages_or_none(body: str) -> None:
    assert not is_plain(body)


def test_a_loop_of_one_round_is_none_once_it_is_compiled() -> None:
    def staged(k: int, *constants: str, **fields: int) -> bool:
        kernel = Kernel("mine", ARGUMENTS, HEAD + indented(ADDRESSES.strip()) + indented(PLAIN), constants)
        launch = Launch(kernel, dict.fromkeys(ARGUMENTS[:2], Tensor("float16")), {"K": k, "N": 64})
        return pipelined(launch, [{"block_k": 64, **fields}])[0]

    assert staged(64) and staged(65, "K")
    assert not staged(64, "K") and not staged(1)
    assert not staged(128, "K", split_k=2) and staged(129, "K", split_k=2)


LOADS = "for k in range(0, K, BLOCK_K):\n    {beside}\n    acc += tl.dot(tl.load(a), tl.load(b))"


@pytest.mark.parametrize(
    ("beside", "harmless"),
    [
        ("tl.static_assert(K > 4)", True),
        ("acc = acc * tl.exp(scale)", True),
        ("tl.debug_barrier()", False),
        ("tl.device_print('k', k)", False),
        ("tl.store(c_ptr, k)", False),
        ("acc = helper(acc)", False),
    ],
)
def test_what_may_order_accesses_to_memory_has_no_stages(beside: str, harmless: bool) -> None:
    assert is_plain(LOADS.format(beside=beside)) == harmless
