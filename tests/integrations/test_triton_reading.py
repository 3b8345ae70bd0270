"""How a launch is put to the surrogate."""

from __future__ import annotations

from typing import Any

import pytest
from fake_config import FakeConfig
from launches import BLOCKS, CONFIGS, product, source

from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Tensor, read_tuning
from prerank.integrations.triton_operands import operand_sizes
from prerank.integrations.triton_reading import readings
from prerank.search_spaces import kernel_configs


@pytest.mark.parametrize(
    ("kernel", "dtypes", "beside"),
    [
        ("triton_mm", ("float16", "float16"), " using_tf32=not_float_32"),
        ("triton_mm", ("float32", "float32"), " using_tf32=True"),
        ("triton_mixed_mm", ("float16", "int8"), ""),
    ],
)
def test_a_users_product_is_read_word_for_word_as_in_training(
    kernel: str, dtypes: tuple[str, str], beside: str
) -> None:
    tuning = product(dtypes, (512, 256, 128, 128, 1, 1, 128))
    problem = (
        f"m=512 k=128 n=256 mat1_dtype={dtypes[0]} mat2_dtype={dtypes[1]} mat1_stride_0=128 mat1_stride_1=1"
        f" mat2_stride_0=1 mat2_stride_1=128 mat1_iscontig=True mat2_iscontig=False{beside}"
    )
    expected = kernel_configs.problem(kernel, "NVIDIA A100", problem)
    own, template = readings(tuning.launch, tuning.words)
    assert template.problem("slowdown") == expected
    text = kernel_configs.to_text(
        kernel_configs.from_record("BLOCK_M=64 BLOCK_N=32 BLOCK_K=16 num_stages=3 num_warps=4")
    )
    assert template.to_text(tuning.words[0]) == text
    assert own.problem("latency_ms").context.startswith("mine\nnvidia-a100 gpu ampere")
    assert own.problem("latency_ms").context.count("def mine(") == 1


@pytest.mark.parametrize("block", ["BLOCK_N", "BLOCK_K"])
def test_a_product_of_other_tiles_is_read_by_its_own_name_alone(block: str) -> None:
    """As those of the gradients of a linear layer, whose loops are over m or n."""
    other = source().replace("BLOCK_M", "BLOCK_X").replace(block, "BLOCK_M").replace("BLOCK_X", block)
    for own in (other, "def mine(A, B, C): inner(A, B, C)", "def mine(: ...", ""):
        tuning = product(("float16", "float16"), (512, 512, 512), source=own)
        assert [reading.kernel for reading in readings(tuning.launch, tuning.words)] == ["mine"]
        assert operand_sizes(tuning.launch, tuning.words) is None


def test_operands_are_what_the_product_reads_wherever_the_output_stands() -> None:
    tensors = {"c_ptr": "float32", "a_ptr": "float16", "b_ptr": "bfloat16"}
    given: dict[str, Any] = {name: Tensor(dtype) for name, dtype in tensors.items()} | dict.fromkeys("MNK", 64)
    kernel = Kernel("mine", (*given, *BLOCKS), source(first="a_ptr", second="b_ptr"))
    tuning = read_tuning(kernel, CONFIGS, given, {}, "NVIDIA A100")
    fields = readings(tuning.launch, tuning.words)[-1].fields
    assert (fields["mat1_dtype"], fields["mat2_dtype"]) == ("float16", "bfloat16")


def test_grouped_programs_are_read_as_the_tutorials() -> None:
    configs = [FakeConfig({**config.kwargs, "GROUP_SIZE_M": 8}) for config in CONFIGS]
    tuning = product(("float16", "float16"), (512, 512, 512), configs)
    tutorial = readings(tuning.launch, tuning.words)[1]
    expected = kernel_configs.problem("triton_matmul_tutorial_fp16", "NVIDIA A100", "M=N=K=512")
    assert tutorial.problem("slowdown") == expected
    assert tutorial.to_text(tuning.words[0]) == "block_k=16 block_m=64 block_n=32 group_m=8 stages=3 warps=4"


@pytest.mark.parametrize(
    ("constants", "line", "rounds"),
    [
        ({}, "acc = tl.dot(a, b, acc)", True),
        ({"ALLOW_TF32": False}, "acc += tl.dot(a, b, allow_tf32=ALLOW_TF32)", False),
        ({"ALLOW_TF32": True}, "acc += tl.dot(a, b, allow_tf32=ALLOW_TF32, max_num_imprecise_acc=0)", True),
        ({"ALLOW_TF32": True}, "acc += tl.dot(a, b, allow_tf32=False)", False),
        ({"INPUT_PRECISION": "ieee"}, "acc += tl.dot(a, b, input_precision=INPUT_PRECISION)", False),
        ({"PREC": "ieee"}, "acc += tl.dot(a.to(tl.float32), b, input_precision=PREC)", False),
        ({"HIGH_PRECISION_ACC": False}, "acc += tl.dot(a, b)", True),
        ({"OUTPUT_PRECISION": "fp16"}, "acc = tl.dot(a, b, input_precision='ieee')", False),
        ({}, "acc += tl.dot(a, b, allow_tf32=False)", False),
        (
            {},
            "ALLOW_TF32 : tl.constexpr = False\n    acc = tl.dot(a, b, acc, allow_tf32=ALLOW_TF32, out_dtype=T)",
            False,
        ),
        ({}, "FLOAT32_PRECISION : tl.constexpr = 'ieee'\n    tl.dot(a, b, input_precision=FLOAT32_PRECISION)", False),
        ({}, "acc = tl.dot(a, b, acc, input_precision='tf32')", True),
        ({}, "acc = tl.dot(a, b)  # tl.dot(a, b, allow_tf32=False) would be slower", True),
        ({}, "if ALLOW_TF32 != 0: acc = tl.dot(a, b)", True),
    ],
)
def test_the_precision_of_a_product_is_read(constants: dict[str, Any], line: str, rounds: bool) -> None:
    own = source(line)
    tuning = product(("float32", "float32"), (512, 256, 128, 128, 1, 1, 128), source=own, **constants)
    template = readings(tuning.launch, tuning.words)[-1]
    assert template.fields["using_tf32"] is rounds


def test_a_precision_that_all_configurations_name_is_read() -> None:
    configs = [FakeConfig(config.kwargs | {"ALLOW_TF32": False}) for config in CONFIGS]
    own = source("acc += tl.dot(a, b, allow_tf32=ALLOW_TF32)")
    tuning = product(("float32", "float32"), (512, 256, 128, 128, 1, 1, 128), configs, own)
    assert readings(tuning.launch, tuning.words)[-1].fields["using_tf32"] is False


@pytest.mark.parametrize("beside", [{}, {"GROUP_SIZE_M": 8}])
@pytest.mark.parametrize("tuned", ["SPLIT_K", "maxnreg"])
def test_a_product_that_tunes_more_than_is_read_is_read_by_its_own_name_alone(
    beside: dict[str, int], tuned: str
) -> None:
    configs = [FakeConfig({**CONFIGS[0].kwargs, **beside, tuned: value}) for value in (1, 2)]
    tuning = product(("float16", "float16"), (512, 512, 512), configs)
    assert [reading.kernel for reading in readings(tuning.launch, tuning.words)] == ["mine"]


def test_groups_that_are_tuned_are_read_as_the_tutorials_alone() -> None:
    configs = [FakeConfig({**CONFIGS[0].kwargs, "GROUP_SIZE_M": group}) for group in (1, 8)]
    tuning = product(("float16", "float16"), (512, 512, 512), configs)
    kernels = [reading.kernel for reading in readings(tuning.launch, tuning.words)]
    assert kernels == ["mine", "triton_matmul_tutorial_fp16"]


def test_other_kernels_are_no_products() -> None:
    named = {"x": Tensor("float16", (4,)), "n": 4}
    tuning = read_tuning(None, [FakeConfig({"BLOCK": 4})], named, {"grid": (1,)}, "")
    assert operand_sizes(tuning.launch, tuning.words) is None
    assert len(readings(tuning.launch, tuning.words)) == 1
