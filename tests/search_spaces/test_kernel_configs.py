from typing import Any

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
        ({"A": np.float64(64.0), "B": np.int64(2), "C": np.True_, "D": "64"}, "a=64 b=2 c=true d=64"),
        ({"X": 1e-3, "Y": np.float32(0.1), "Z": 2.50}, "x=0.001 y=0.1 z=2.5"),
        ("X=1e-3 Y=1e3 Z=2.50", "x=0.001 y=1000 z=2.5"),
        ({"A": [], "B": 1}, "b=1"),
        ({"shape": np.array([2, 3])}, "shape_0=2 shape_1=3"),
        ({"shape": "[[1, 2]]"}, "shape_0=[1 shape_1=2]"),
        ({"MODE": "a\nb\tc d"}, "mode=a_b_c_d"),
    ],
)
def test_authors_spellings_become_one(record: Any, text: str) -> None:
    assert kernel_configs.to_text(kernel_configs.from_record(record)) == text


def test_order_of_fields_does_not_matter() -> None:
    a = kernel_configs.from_record("BLOCK_M=16 num_warps=2")
    b = kernel_configs.from_record("num_warps=2 BLOCK_M=16")
    assert kernel_configs.to_text(a) == kernel_configs.to_text(b)
    assert a == b
    assert hash(a) == hash(b)


def test_values_of_lists_are_values() -> None:
    a, b = (kernel_configs.from_record({"SHAPE": shape}) for shape in ([2, [3, 4]], np.array([[2, 3]])))
    assert len({a, b, kernel_configs.from_record({"SHAPE": (2, (3, 4))})}) == 2
    assert kernel_configs.to_text(a) == "shape_0=2 shape_1_0=3 shape_1_1=4"


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


TEMPLATE = (
    "m=1 k=2 n=3 mat1_dtype=fp16 mat2_dtype=fp16 mat1_stride_0=2 mat1_stride_1=1 mat2_stride_0=3 mat2_stride_1=1 "
    "mat1_iscontig=true mat2_iscontig=true using_tf32=not_float_32"
)
ATTENTION = (
    "b=1 h=8 m=2 n=2 kv_seq_length=2 dtype=fp16 q_stride_0=4 q_stride_1=3 q_stride_2=2 q_stride_3=1 "
    "subgraph_num_nodes=6 subgraph_num_args_used=1"
)


@pytest.mark.parametrize(
    "sizes", ["m=3 n=2 k=1", TEMPLATE, ATTENTION, "m=1 n=2 k=3 alpha=0.5 beta=1", "size_0=1 size_2=5 size_10=2"]
)
def test_fields_come_in_the_order_of_the_tables(sizes: str) -> None:
    words = sizes.split()
    for own in (words, words[::-1], sorted(words)):
        fields = dict(word.split("=") for word in own)
        assert kernel_configs.problem(fields=fields).context.splitlines()[2] == sizes
        assert kernel_configs.problem(fields=" ".join(own)) == kernel_configs.problem(fields=fields)


def test_a_context_has_a_line_of_fields_if_there_are_any() -> None:
    nothing = [kernel_configs.problem(fields=fields) for fields in ("", "   ", {}, {"shape": []})]
    assert {len(problem.context.splitlines()) for problem in nothing} == {2}
    broken = kernel_configs.problem("my\nkernel", "a\ndevice", {"mode": "a\nb"})
    assert broken.context.splitlines() == ["my kernel", "a-device", "mode=a_b"]


def test_kernels_of_other_alphabets_are_told_apart() -> None:
    names = ("матрица", "行列積", "Größe_2", "triton_mm")
    assert [kernel_configs.kernel_words(name) for name in names] == ["матрица", "行列積", "größe 2", "triton matmul"]


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


def test_numbers_and_switches_of_any_kernel_have_neighbours() -> None:
    config = kernel_configs.from_record(
        "BLOCK=64 num_warps=1 num_stages=2 UNROLL=0 GROUP=6 EVEN=True MODE=tma SHAPE=(2,4)"
    )
    found = kernel_configs.neighbours(config)
    changed = [
        " ".join(f"{name}={value}" for name, value in own.fields if (name, value) not in config.fields) for own in found
    ]
    assert changed == [
        *("BLOCK=32", "BLOCK=128", "num_warps=2", "num_stages=1", "num_stages=3"),
        *("UNROLL=1", "GROUP=5", "GROUP=7", "EVEN=False"),
    ]
    assert len({config, *found}) == len(found) + 1
    assert kernel_configs.neighbours(kernel_configs.from_record("MODE=tma")) == []
    rates = kernel_configs.neighbours(kernel_configs.from_record({"rate": 0.3}))
    assert rates == [kernel_configs.from_record({"rate": value}) for value in (0.15, 0.6)]
    assert kernel_configs.neighbours(kernel_configs.from_record({"rate": float("nan"), "most": float("inf")})) == []


def test_neighbours_are_spelt_as_their_author_does() -> None:
    config = kernel_configs.from_record("BLOCK_SIZE_M=64 BLOCK_SIZE_N=64 BLOCK_K=32 stages=3 num_warps=4")
    choices = {"BLOCK_M": (32, 64), "num_stages": (3, 4)}
    found = kernel_configs.neighbours(config, choices)
    assert [dict(other.fields)["BLOCK_SIZE_M"] for other in found] == [32, 64]
    assert [dict(other.fields)["stages"] for other in found] == [3, 4]
    assert {name for other in found for name, _ in other.fields} == {name for name, _ in config.fields}


def test_choices_that_are_given_twice_count_once() -> None:
    choices = {"BLOCK": (64, 64.0, "64"), "TYPE": ("fp16", "float16", "fp32")}
    configs = kernel_configs.sample(np.random.default_rng(0), 2, choices)
    assert {kernel_configs.to_text(config) for config in configs} == {"block=64 type=fp16", "block=64 type=fp32"}
    config = kernel_configs.from_record("BLOCK=64 TYPE=fp16")
    assert list(map(kernel_configs.to_text, kernel_configs.neighbours(config, choices))) == ["block=64 type=fp32"]
    with pytest.raises(ValueError, match="n is 3; the space has 2"):
        kernel_configs.sample(np.random.default_rng(0), 3, choices)


def test_choices_may_be_lists() -> None:
    choices: Any = {"TILE": ([1, 2], [3, 4])}
    config, other = kernel_configs.sample(np.random.default_rng(0), 2, choices)
    assert kernel_configs.neighbours(config, choices) == [other]


def test_unusable_input_is_named() -> None:
    with pytest.raises(ValueError, match=r"'BLOCK_SIZE_M', 'BLOCK_M'.*\['block_m', 'block_m'\]"):
        kernel_configs.from_record({"BLOCK_SIZE_M": 128, "BLOCK_M": 64})
    with pytest.raises(ValueError, match="A_0"):
        kernel_configs.from_record({"A": [1, 2], "A_0": 3})
    with pytest.raises(ValueError, match="no fields"):
        kernel_configs.from_record({"A": []})
    with pytest.raises(ValueError, match="the record is 5"):
        kernel_configs.from_record(5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="no assignment in 'fast please'"):
        kernel_configs.from_record("fast please")
    with pytest.raises(ValueError, match="no assignment in 'BLOCK_M = 64'"):
        kernel_configs.from_record("BLOCK_M = 64 num_warps=4")
    with pytest.raises(ValueError, match="'speed'"):
        kernel_configs.problem(metric="speed")
    with pytest.raises(ValueError, match="no fields"):
        kernel_configs.from_record({})
    with pytest.raises(ValueError, match="BLOCK_M is 7"):
        kernel_configs.neighbours(kernel_configs.from_record("BLOCK_M=7 BLOCK_N=64 BLOCK_K=32 stages=3 num_warps=4"))
    names: list[Any] = ["", " ", "num_", 5]
    for name in names:
        for wrong in kernel_configs.from_record, lambda fields: kernel_configs.problem(fields=fields):
            with pytest.raises(ValueError, match=f"a field's name is {name!r}; give a name"):
                wrong({name: 1})


def test_a_name_that_is_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice in 'BLOCK_M=64 BLOCK_M=32'"):
        kernel_configs.from_record("BLOCK_M=64 BLOCK_M=32")


def test_true_is_not_the_number_one() -> None:
    one, true = (kernel_configs.from_record({"EVEN_K": value}) for value in (1, True))
    assert one != true
    assert kernel_configs.to_text(one) != kernel_configs.to_text(true)
    assert kernel_configs.from_record({"EVEN": [1]}) != kernel_configs.from_record({"EVEN": [True]})
