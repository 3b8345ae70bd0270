"""What the operands of a launch's matrix product are told to be."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from launches import BLOCKS, CONFIGS, product, read, source

from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tensor, read_tuning
from prerank.integrations.triton_operands import has_wide_operand, is_aligned, operand_sizes


def multiplied(own: str = "", kind: str = "", **dtypes: str) -> Any:
    """Operand sizes of a product of such tensors, of the first two unless the source says otherwise."""
    named = {name: Tensor(dtype) for name, dtype in dtypes.items()}
    given: dict[str, Any] = named | {"M": 64, "N": 64, "K": 64} | {"TYPE": kind}
    kernel = Kernel("mine", (*given, *BLOCKS), own or source("acc += tl.dot(a, b)", *list(dtypes)[:2]))
    tuning = read_tuning(kernel, CONFIGS, given, {}, "NVIDIA A100")
    return operand_sizes(tuning.launch, tuning.words)


def test_operand_sizes_are_the_least_that_they_may_be() -> None:
    halves, singles = {"a_ptr": "float16", "b_ptr": "float16"}, {"a_ptr": "float32", "b_ptr": "float32"}
    assert multiplied(c_ptr="float32", **halves) == (2, 2)
    assert multiplied(x="float32", y="float16", out="float32") == (2, 2)  # which of them are operands is not known
    assert multiplied(c_ptr="float32", **singles) == (4, 4)
    cast = source("acc += tl.dot(a.to(tl.float16), b)", "a_ptr", "b_ptr")
    assert multiplied(cast, c_ptr="float32", **singles) == (2, 2)
    assert multiplied(c_ptr="float32", kind="fp16", **singles) == (2, 2)
    assert multiplied(a_ptr="float16", b_ptr="int32", c_ptr="float16") == (2, 0)  # packed
    assert multiplied(x="float16", w="uint8", out="float16") == (0, 0)


LINEAR = """
def linear(x_ptr, w_ptr, b_ptr, M, N, K, BLOCK_M, BLOCK_N, BLOCK_K):
    rows, columns, inner = tl.arange(0, BLOCK_M), tl.arange(0, BLOCK_N), tl.arange(0, BLOCK_K)
    x_at, w_at = x_ptr + rows[:, None] * K + inner[None, :], w_ptr + inner[:, None] * N + columns[None, :]
    for k in range(0, K, BLOCK_K):
        x = tl.load(x_at)
        acc += tl.dot(x, tl.load(w_at))
        x_at += BLOCK_K
    acc += tl.load(b_ptr + columns)[None]
"""


def test_an_argument_of_an_operands_name_that_no_product_reads_is_none() -> None:
    assert multiplied(LINEAR, x_ptr="float16", w_ptr="float16", b_ptr="float32") == (2, 2)
    assert multiplied(LINEAR, x_ptr="float32", w_ptr="float16", b_ptr="float16") == (2, 2)
    assert multiplied(LINEAR, x_ptr="float32", w_ptr="float32", b_ptr="float16") == (4, 4)


def test_a_source_without_a_product_has_no_operands() -> None:
    halves = {"a_ptr": "float16", "b_ptr": "float16", "c_ptr": "float16"}
    assert multiplied("tl.store(c, a + b)  # no tl.dot(", **halves) is None
    assert multiplied("# not a word", **halves) is None


def test_wide_operands_are_known() -> None:
    assert has_wide_operand(product(("float32", "float16"), (64, 64, 64)).launch)
    assert not has_wide_operand(product(("float16", "float16"), (64, 64, 64)).launch)


def test_whole_numbers_that_are_passed_say_whether_rows_are_aligned() -> None:
    def aligned(*constants: str, **numbers: Any) -> bool:
        return is_aligned(Launch(Kernel("mine", constants=constants), {}, {"M": 4096, "stride_ak": 1} | numbers))

    assert aligned(K=1024, EVEN=True, eps=0.1, TYPE="fp16")
    assert not aligned(K=1000)
    assert not aligned(stride=-1)
    assert aligned("GROUP_M", GROUP_M=8)  # compiled in, and part of no address


@pytest.mark.parametrize(
    ("tensor", "unspecialised", "known"),
    [
        (Tensor("float16", (64, 64), (64, 1)), (), True),
        (Tensor("float16", (64, 64), (1, 64)), (), True),
        (Tensor("float16"), (), True),
        (Tensor("float16", (64, 64), (64, 1), aligned=False), (), False),
        (Tensor("float16", (64, 64), (1024, 16)), (), False),
        (Tensor("float16", (64, 64), (64, 1)), ("M",), False),
        (Tensor("float16", (64, 64), (64, 1)), ("a_ptr",), False),
        (Tensor("float16", (64, 64), (64, 1)), ("p",), True),  # no whole number
    ],
)
def test_addresses_strides_and_what_shall_not_be_known_say_it_too(
    tensor: Tensor, unspecialised: tuple[str, ...], known: bool
) -> None:
    kernel = Kernel("mine", unspecialised=unspecialised)
    assert is_aligned(Launch(kernel, {"a_ptr": tensor, "b_ptr": tensor}, {"M": 4096, "p": 0.5})) == known


def test_a_tensor_that_begins_between_is_not_aligned() -> None:
    whole = torch.zeros(64, dtype=torch.float16)
    one, other = (read(x=tensor).tensors["x"] for tensor in (whole, whole[1:]))
    assert (one.aligned, other.aligned) == (True, False)
    back = Launch.from_json(Kernel("k"), json.loads(json.dumps(read(x=whole[1:]).to_json()))).tensors["x"]
    assert back == other
