import numpy as np
import pytest

from prerank.search_spaces import kernel_configs


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ("BLOCK_M=16 BLOCK_K=32 num_stages=3 num_warps=2", "block_k=32 block_m=16 stages=3 warps=2"),
        ("BLOCK_SIZE_M=64 BLOCK_SIZE_N=512 GROUP_SIZE_M=8", "block_m=64 block_n=512 group_m=8"),
        ({"BLOCK_SIZE_N": 512, "BLOCK_SIZE_M": 64}, "block_m=64 block_n=512"),
        ("MWG=128 NWG=64 KWG=32 SA=0", "block_k=32 block_m=128 block_n=64 sa=0"),
        ("block_size_x=240 tile_size_x=1", "block_x=240 tile_x=1"),
        ({"dtype": "torch.float16", "shape": (2, 3)}, "dtype=fp16 shape_0=2 shape_1=3"),
        ({"dtype": np.float16}, "dtype=fp16"),
        ("BLOCK_M=64,BLOCK_N=32, num_warps=4;", "block_m=64 block_n=32 warps=4"),
        ("M=N=64, size=[4096, 2], K=8", "k=8 m=64 n=64 size_0=4096 size_1=2"),
    ],
)
def test_authors_spellings_become_one(record: object, text: str) -> None:
    assert kernel_configs.to_text(kernel_configs.from_record(record)) == text  # type: ignore[arg-type]


def test_order_of_fields_does_not_matter() -> None:
    a = kernel_configs.from_record("BLOCK_M=16 num_warps=2")
    b = kernel_configs.from_record("num_warps=2 BLOCK_M=16")
    assert kernel_configs.to_text(a) == kernel_configs.to_text(b)


def test_context_of_a_problem() -> None:
    problem = kernel_configs.problem("triton_matmul_tutorial_fp16", "NVIDIA H100", "M=N=K=3072", source="def f(): ...")
    kernel, device, sizes, source = problem.context.split("\n")
    assert kernel == "triton matmul tutorial fp16"
    assert device.startswith("nvidia-h100 gpu hopper units=132")
    assert sizes == "m=3072 n=3072 k=3072"
    assert source == "def f(): ..."
    assert (problem.metric, problem.direction) == ("slowdown", "minimize")


def test_fields_may_be_a_mapping_or_its_text() -> None:
    fields = {"m": 64, "dtype": "float16"}
    assert kernel_configs.problem(fields=fields) == kernel_configs.problem(fields="m=64 dtype=float16")
    assert "size_0=4096 size_1=2" in kernel_configs.problem(fields="size=[4096, 2]").context


def test_kernels_of_one_first_line_share_it() -> None:
    contexts = [kernel_configs.problem("triton_mm", device, "m=1").context for device in ("A100", "who knows")]
    assert {context.split("\n")[0] for context in contexts} == {"triton matmul"}


def test_other_choices_are_sampled_and_neighboured() -> None:
    choices = {"BLOCK": (64, 128), "FAST": (True, False)}
    configs = kernel_configs.sample(np.random.default_rng(0), 4, choices)
    assert len(set(configs)) == 4
    assert len(kernel_configs.neighbours(configs[0], choices)) == 2
    more = kernel_configs.from_record({"GROUP": 8, "BLOCK": 64, "FAST": True})
    texts = {kernel_configs.to_text(config) for config in kernel_configs.neighbours(more, choices)}
    assert texts == {"block=128 fast=true group=8", "block=64 fast=false group=8"}


def test_unusable_input_is_named() -> None:
    with pytest.raises(ValueError, match="no assignment in 'fast please'"):
        kernel_configs.from_record("fast please")
    with pytest.raises(ValueError, match="no assignment in 'BLOCK_M = 64'"):
        kernel_configs.from_record("BLOCK_M = 64 num_warps=4")
    with pytest.raises(ValueError, match="'speed'"):
        kernel_configs.problem(metric="speed")
    with pytest.raises(ValueError, match="no fields"):
        kernel_configs.from_record({})
    with pytest.raises(ValueError, match="BLOCK_M is 7"):
        kernel_configs.neighbours(kernel_configs.from_record("BLOCK_M=7"))
