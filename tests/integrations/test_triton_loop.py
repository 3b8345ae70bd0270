"""Whether a source shows a loop that Triton pipelines in a configuration's stages."""

from __future__ import annotations

import pytest

from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch
from prerank.integrations.triton_loop import has_plain_loop, pipelined

HEAD = "@triton.jit\ndef mine(a, b, K, FIXED: tl.constexpr):\n"
PRODUCT = "acc = tl.dot(tl.load(a), b.load([0, k]), acc)"
PLAIN = f"for k in range(0, tl.cdiv(K, 64)):\n    {PRODUCT}"


def indented(body: str) -> str:
    return "".join(f"    {line}\n" for line in body.splitlines())


def is_plain(body: str) -> bool:
    return has_plain_loop(Kernel("mine", source=HEAD + indented(body), constants=("FIXED",)))


@pytest.mark.parametrize(
    "body",
    [
        PLAIN,
        f"'''While it works, for all.'''\n{PLAIN}  # while num_stages=3",
        f"for tile in tl.range(0, 8):\n{indented(PLAIN)}",
        f"for k in range(K):\n    if FIXED > 1 and not FIXED:\n        {PRODUCT}",
        f"if K > 4:\n{indented(PLAIN)}",
        "for k in range(K):\n    a = tl.load(pa)\n    b = tl.load(pb)\n    c = b.to(q)\n    acc += tl.dot(a, c.T)",
        "for k in range(K):\n    acc += tl.dot(tl.load(a, mask=n < K - k * BLOCK), tl.load(b))\n    a += BLOCK * step",
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
        "m = n * 3 % N\nfor k in range(K):\n    acc += tl.dot(tl.load(a), tl.load(b + m))",
        "for k in range(K):\n    acc = tl.dot(tl.load(a + acc), tl.load(b))",
        "return (",
    ],
)
def test_loops_that_have_other_stages_or_none(body: str) -> None:
    assert not is_plain(body)


def test_a_loop_of_one_round_is_none_once_it_is_compiled() -> None:
    def staged(k: int, *constants: str, **fields: int) -> bool:
        kernel = Kernel("mine", source=HEAD + indented(PLAIN), constants=constants)
        return pipelined(Launch(kernel, {}, {"K": k}), [{"block_k": 64, **fields}])[0]

    assert staged(64) and staged(65, "K")
    assert not staged(64, "K") and not staged(1)
    assert not staged(128, "K", split_k=2) and staged(129, "K", split_k=2)
