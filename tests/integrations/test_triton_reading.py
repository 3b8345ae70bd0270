"""What is read of a launch, and how it is put to the surrogate."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fake_config import FakeConfig
from fake_surrogate import FakeSurrogate

from prerank.integrations.triton_experience import fastest_elsewhere, nearest
from prerank.integrations.triton_forecast import Forecast
from prerank.integrations.triton_kernel import Kernel, is_interpreted, kernel_of
from prerank.integrations.triton_launch import Launch, Tensor, config_words, read_tuning
from prerank.integrations.triton_measurements import Log, Measurement
from prerank.integrations.triton_reading import has_wide_operand, is_aligned, operand_sizes, readings
from prerank.integrations.triton_selection import hopeful, interleaved, number_kept, ranked, select
from prerank.search_spaces import kernel_configs
from prerank.surrogate import Prediction, Problem

CONFIGS = [
    FakeConfig({"BLOCK_M": 64, "BLOCK_N": 32, "BLOCK_K": 16}),
    FakeConfig({"BLOCK_M": 32, "BLOCK_N": 32, "BLOCK_K": 16}),
]
ARGUMENTS = ("A", "B", "C", "M", "N", "K", "stride_am", "stride_ak", "stride_bk", "stride_bn")


def product(
    dtypes: tuple[str, str],
    values: tuple[int, ...],
    configs: list[FakeConfig] = CONFIGS,
    source: str = "def mine(): ...",
    **constants: Any,
) -> Any:
    tensors = [Tensor(dtype) for dtype in (*dtypes, "float16")]
    given: list[Any] = [*tensors, *values]
    named: dict[str, Any] = dict(zip(ARGUMENTS, given, strict=False)) | constants
    kernel = Kernel("mine", (*ARGUMENTS, *constants), source, tuple(constants))
    return read_tuning(kernel, configs, named, {"grid": (8,)}, "NVIDIA A100")


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
    assert own.problem("latency_ms").context.endswith("def mine(): ...")


def test_grouped_programs_are_read_as_the_tutorials() -> None:
    configs = [FakeConfig({**config.kwargs, "GROUP_SIZE_M": 8}) for config in CONFIGS]
    tuning = product(("float16", "float16"), (512, 512, 512), configs)
    tutorial = readings(tuning.launch, tuning.words)[1]
    expected = kernel_configs.problem("triton_matmul_tutorial_fp16", "NVIDIA A100", "M=N=K=512")
    assert tutorial.problem("slowdown") == expected
    assert tutorial.to_text(tuning.words[0]) == "block_k=16 block_m=64 block_n=32 group_m=8 stages=3 warps=4"


class Templates(FakeSurrogate):
    """Knows Inductor's templates alone."""

    def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
        return FakeSurrogate(0.0 if problem.context.startswith("mine") else 0.9).predict(problem, texts)


def test_trust_is_that_of_the_way_a_launch_is_read() -> None:
    configs = [FakeConfig({**config.kwargs, "EPI": number % 2}) for number, config in enumerate(CONFIGS * 2)]
    configs[2].kwargs["BLOCK_M"] = 128
    constant = product(("float16", "float16"), (512, 512, 512), configs[::2])
    varying = product(("float16", "float16"), (512, 512, 512), configs)
    surrogate: Any = Templates()
    forecast = Forecast(surrogate)
    assert forecast(constant, [0, 1]).trust > 0.8
    assert forecast(varying, [0, 1]).trust == 0
    assert forecast(constant, [0, 1]).trust > 0.8


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
    source = f"def mine():\n    {line}"
    tuning = product(("float32", "float32"), (512, 256, 128, 128, 1, 1, 128), source=source, **constants)
    template = readings(tuning.launch, tuning.words)[-1]
    assert template.fields["using_tf32"] is rounds


def test_a_precision_that_all_configurations_name_is_read() -> None:
    configs = [FakeConfig(config.kwargs | {"ALLOW_TF32": False}) for config in CONFIGS]
    source = "def mine():\n    acc += tl.dot(a, b, allow_tf32=ALLOW_TF32)"
    tuning = product(("float32", "float32"), (512, 256, 128, 128, 1, 1, 128), configs, source)
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


def test_a_constant_that_is_called_as_a_launch_option_is_told_from_it() -> None:
    configs = [FakeConfig({"NUM_STAGES": stages}) for stages in (1, 2)]
    tuning = read_tuning(None, configs, {}, {}, "")
    own = readings(tuning.launch, tuning.words)[0]
    assert [own.to_text(words) for words in tuning.words] == [f"own_stages={n} stages=3 warps=4" for n in (1, 2)]


def test_other_kernels_are_no_products() -> None:
    named = {"x": Tensor("float16", (4,)), "n": 4}
    tuning = read_tuning(None, [FakeConfig({"BLOCK": 4})], named, {"grid": (1,)}, "")
    assert operand_sizes(tuning.launch, tuning.words) is None
    assert len(readings(tuning.launch, tuning.words)) == 1


def multiplied(source: str = "tl.dot(a, b)", kind: str = "", **dtypes: str) -> Any:
    """Operand sizes of a product of such tensors."""
    named = {name: Tensor(dtype) for name, dtype in dtypes.items()}
    given: dict[str, Any] = named | {"M": 64, "N": 64, "K": 64} | {"TYPE": kind}
    tuning = read_tuning(Kernel("mine", tuple(given), source), CONFIGS, given, {}, "NVIDIA A100")
    return operand_sizes(tuning.launch, tuning.words)


def test_operand_sizes_are_the_least_that_they_may_be() -> None:
    halves, singles = {"a_ptr": "float16", "b_ptr": "float16"}, {"a_ptr": "float32", "b_ptr": "float32"}
    assert multiplied(c_ptr="float32", **halves) == (2, 2)
    assert multiplied(x="float32", y="float16", out="float32") == (2, 2)  # which of them are operands is not known
    assert multiplied(c_ptr="float32", **singles) == (4, 4)
    assert multiplied("tl.dot(a.to(tl.float16), b)", c_ptr="float32", **singles) == (2, 2)
    assert multiplied(c_ptr="float32", kind="fp16", **singles) == (2, 2)
    assert multiplied(a_ptr="float16", b_ptr="int32", c_ptr="float16") == (2, 0)  # packed
    assert multiplied(x="float16", w="uint8", out="float16") == (0, 0)


def test_a_source_without_a_product_has_no_operands() -> None:
    halves = {"a_ptr": "float16", "b_ptr": "float16", "c_ptr": "float16"}
    assert multiplied("tl.store(c, a + b)  # no tl.dot(", **halves) is None
    assert multiplied("", **halves) is None


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


class dtype:  # noqa: N801
    """A type of Triton or torch, by the name of its class."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return self.name


def test_types_among_the_arguments_tell_launches_and_configurations_apart() -> None:
    one, other = (
        read_tuning(None, CONFIGS, {"n": 4, "OUT": dtype(name)}, {}, "") for name in ("fp16", "torch.float32")
    )
    assert one.launch.key != other.launch.key
    assert other.launch.scalars == {"n": 4, "OUT": "float32"}
    tuning = read_tuning(None, [FakeConfig({"OUT": dtype(name)}) for name in ("fp16", "fp32")], {}, {}, "")
    assert [words["OUT"] for words in tuning.words] == ["fp16", "fp32"]


class constexpr:  # noqa: N801
    """A constant of Triton's, by the name of its class."""

    def __init__(self, value: Any) -> None:
        self.value = value


def read(*keys: str, **given: Any) -> Launch:
    return read_tuning(Kernel("k", tuple(given)), CONFIGS, given, {}, "", keys).launch


def test_elements_of_tuples_tell_launches_apart() -> None:
    one = read(shape=(8, (16, 0.5)), tensors=(Tensor("float16"), None))
    assert one.scalars == {"shape.0": 8, "shape.1.0": 16, "shape.1.1": 0.5}
    assert one.tensors == {"tensors.0": Tensor("float16")}
    assert one.unread == ()
    assert one.key != read(shape=(8, (32, 0.5)), tensors=(Tensor("float16"), None)).key
    assert read("shape", shape=(8, 4), seeds=(7, 8)).counted == ("shape.0", "shape.1")
    text = readings(one, [{"BLOCK": 64}])[0].problem("slowdown").context
    assert "shape_0=8 shape_1_0=16" in text
    assert is_aligned(Launch(Kernel("k", constants=("shape",)), {}, {"shape.0": 7}))


def test_constants_are_read_as_what_they_hold() -> None:
    plain, held = (read("n", "shape", n=kind(8), shape=kind((2, 4))) for kind in (lambda value: value, constexpr))
    assert plain.key == held.key != read("n", "shape", n=constexpr(8), shape=constexpr((2, 8))).key
    tuned = FakeConfig({"BLOCK": constexpr(64), "TILE": (2, 4)})
    words = read_tuning(None, [tuned], {}, {}, "").words[0]
    assert words == {"BLOCK": 64, "TILE.0": 2, "TILE.1": 4, "num_warps": 4, "num_stages": 3}


def test_functions_are_told_apart_by_their_source(tmp_path: Path) -> None:
    def activation(body: str) -> Any:
        file = tmp_path / f"{len(body)}.py"
        file.write_text(f"def activation(x):\n    return {body}\n")
        return runpy.run_path(str(file))["activation"]

    same, other = activation("x"), activation("2 * x")
    keys = [read("act", act=function).key for function in (same, activation("x"), other)]
    assert keys[0] == keys[1] != keys[2]
    assert str(read("act", act=constexpr(same)).scalars["act"]).startswith("activation_")
    words = read_tuning(None, [FakeConfig({"ACT": same}), FakeConfig({"ACT": other})], {}, {}, "").keys
    assert words[0] != words[1]


def test_a_key_that_cannot_be_read_is_named() -> None:
    assert read("act", act=object(), other=object(), none=None).unread == ("act",)
    assert read("n", n=4, act=object()).unread == ()
    assert read(act=object(), n=(4, object())).unread == ("act", "n.1")  # whatever may tell launches apart
    constant = Kernel("k", ("act", "n"), constants=("act",))
    assert read_tuning(constant, CONFIGS, {"act": object(), "n": 4}, {}, "", ["n"]).launch.unread == ("act",)


def test_arguments_come_by_place_and_by_name_and_options_are_none() -> None:
    kernel = Kernel("k", ("x", "n", "eps", "BLOCK"))
    keywords = {"n": 7, "eps": 0.1, "grid": lambda meta: (meta["n"] // meta["BLOCK"], 2), "warmup": False}
    named = {"x": np.zeros((2, 3), np.float32)}
    tuning = read_tuning(kernel, [FakeConfig({"BLOCK": 4})], named, keywords, "T4")
    assert tuning.launch.tensors == {"x": Tensor("float32", (2, 3))}
    assert tuning.launch.scalars == {"n": 7, "eps": 0.1}
    assert tuning.programs(0) == 2
    other = read_tuning(
        kernel, [FakeConfig({"BLOCK": 4})], {"x": np.zeros((2, 3), np.float32)}, keywords | {"eps": 1.0}, "T4"
    )
    assert other.launch.key == tuning.launch.key  # a float does not decide a launch
    assert Launch.from_json(kernel, tuning.launch.to_json()) == tuning.launch


def test_a_grid_that_raises_is_no_obstacle() -> None:
    tuning = read_tuning(None, [FakeConfig({"BLOCK": 4})], {}, {"grid": lambda meta: (meta["nothing"],)}, "")
    assert tuning.programs(0) is None


def test_the_kernel_is_found_under_decorators() -> None:
    class Decorated:
        def __init__(self, fn: Any) -> None:
            self.fn = fn

    class InterpretedFunction(Decorated): ...

    def softmax(x: Any, n: int, BLOCK: constexpr): ...  # noqa: N803

    assert is_interpreted(Decorated(InterpretedFunction(softmax)))
    assert not is_interpreted(Decorated(softmax))
    found = kernel_of(Decorated(Decorated(softmax)))
    assert found is not None
    assert (found.name, found.arguments, found.constants) == ("softmax", ("x", "n", "BLOCK"), ("BLOCK",))
    assert "def softmax" in found.source
    assert kernel_of(3) is None


def test_a_helper_that_is_edited_makes_another_kernel_of_the_same_text(tmp_path: Path) -> None:
    source = """
class Decorated:
    def __init__(self, fn):
        self.fn = fn

@Decorated
def inner(x):
    return outer(x) + {number}

@Decorated
def outer(x):
    return inner(x)

@Decorated
def kernel(x):
    return {called}(x)
"""

    def kernel(called: str, number: int) -> Kernel:
        file = tmp_path / f"{called}_{number}.py"
        file.write_text(source.format(called=called, number=number))
        found = kernel_of(runpy.run_path(str(file))["kernel"])
        assert found is not None
        return found

    one, same, other = kernel("outer", 1), kernel("outer", 1), kernel("outer", 2)
    assert one.digest == same.digest != other.digest
    assert one.source == other.source
    assert kernel("abs", 1).digest == kernel("abs", 2).digest  # it calls neither


def test_a_constant_outside_of_a_kernel_is_part_of_it(tmp_path: Path) -> None:
    """Of its module, of another one, of the function that made it; as they are now."""
    (tmp_path / "beside.py").write_text("ROUNDS = 1\n")
    sys.path.insert(0, str(tmp_path))
    try:
        import beside  # pyright: ignore[reportMissingImports]
    finally:
        sys.path.remove(str(tmp_path))
    module: Any = beside

    class Decorated:
        def __init__(self, fn: Any) -> None:
            self.fn = fn

    def made(rounds: int) -> Any:
        @Decorated
        def inner(x: int) -> int:
            return x * module.ROUNDS

        @Decorated
        def outer(x: Any) -> Any:
            return inner.fn(x) + rounds

        return outer

    def digest(decorated: Any) -> str:
        found = kernel_of(decorated)
        assert found is not None
        return found.digest

    one, same, other = made(1), made(1), made(2)
    assert digest(one) == digest(same) != digest(other)
    before = digest(one)
    module.ROUNDS = 2
    assert digest(one) != before


def test_the_nearest_launch_teaches() -> None:
    log = Log()
    for size, device in ((64, "NVIDIA A100"), (512, "NVIDIA A100"), (256, "NVIDIA H100")):
        tuning = product(("float16", "float16"), (size, size, size))
        there = {**tuning.launch.to_json(), "device": device}
        log.measurements += [Measurement(there, {"BLOCK_M": block}, 1.0) for block in range(5)]
    log.measurements += [Measurement(product(("float16", "float16"), (256,) * 3).launch.to_json(), {}, 1.0)]  # too few
    found = nearest(product(("float16", "float16"), (200, 256, 256)).launch, log)
    assert {m.launch["scalars"]["M"] for m in found} == {512}


def test_what_does_not_count_makes_no_distance() -> None:
    def launch(n: int, seed: int) -> Launch:
        named = {"x": Tensor("float16"), "n": n, "seed": seed, "stride_x": 1, "FIXED": 2}
        kernel = Kernel("dropout", tuple(named), constants=("FIXED",))
        return read_tuning(kernel, CONFIGS, named, {}, "NVIDIA A100", keys=["n"]).launch

    log, own = Log(), launch(64, 7)
    assert own.counted == ("n", "stride_x", "FIXED")
    assert own.key == launch(64, 8).key != launch(65, 7).key
    assert Launch.from_json(own.kernel, own.to_json()) == own
    assert own.scalars["seed"] == 7  # it is read all the same
    for seed, n in ((7, 1024), *((seed, 128) for seed in range(1000, 1005)), *((7, 1024) for _ in range(4))):
        log.measurements.append(Measurement(launch(n, seed).to_json(), {}, 1.0))
    assert {measured.launch["scalars"]["n"] for measured in nearest(own, log)} == {128}


def test_trust_decides_how_many_are_kept() -> None:
    kept = [number_kept(1000, trust) for trust in (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)]
    assert kept[0] == kept[1] == 1000
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == kept[-2] == 10


def test_rankings_take_turns() -> None:
    assert interleaved([[0, 1, 2, 3], [3, 1, 0, 2]]) == [0, 3, 1, 2]


def test_one_place_goes_to_the_best_only_if_it_is_trusted() -> None:
    assert select([3, 1, 0], {0}, 4, 1, trust=0.9) == [3]
    assert select([3, 1, 0], {0}, 4, 1, trust=0.1) == [0]
    assert select([3, 1, 0], {0}, 4, 2, trust=0.1) == [3, 0]


def test_what_was_fast_at_another_size_is_tried_early() -> None:
    words = [{"BLOCK": 16 * (place + 1), "num_warps": 4} for place in range(6)]
    times = {5: 3.0, 2: 1.0, 3: float("nan"), 0: 2.0}
    measured = [Measurement({}, dict(reversed(words[place].items())), ms) for place, ms in times.items()]
    measured.append(Measurement({}, {"BLOCK": 512, "num_warps": 4}, 0.5))  # is not among those to come
    assert fastest_elsewhere(measured, words, [0, 1, 2, 3, 5]) == [2, 0, 5]
    assert fastest_elsewhere(measured, words, [1, 5]) == [5]


def expected(values: Sequence[float], fails: Sequence[float] | None = None) -> Prediction:
    """A prediction of some values, which is sure of them."""
    column, ones = np.array(values)[:, None], np.ones(len(values))
    return Prediction(column, column, ones[:, None], np.array(fails) if fails else 0 * ones, ones)


def test_what_fails_is_last_whoever_says_so() -> None:
    assert ranked(expected([3, 1, 2], fails=[0, 0.9, 0])) == [2, 0, 1]
    assert ranked(expected([3, 1, 2]), expected([1, 1, 1], fails=[0, 0.9, 0])) == [2, 0, 1]


def test_the_first_is_the_best_expected_and_then_what_may_be_good() -> None:
    """The second of three varies most; the last fails."""
    values = np.array([[1.0, 1.2], [0.5, 4.0], [1.3, 1.3], [0.1, 0.1]])
    halves = np.full((4, 2), 0.5)
    unsure = Prediction(values, values, halves, np.array([0.0, 0.0, 0.0, 0.9]), np.ones(4))
    assert ranked(unsure) == [0, 2, 1, 3]
    assert hopeful(unsure) == [0, 1, 2, 3]


def test_slowdowns_weigh_twice_as_much_as_what_was_learnt() -> None:
    assert ranked(expected([4, 1, 8]), expected([1, 2.1, 0.9])) == [0, 1, 2]
    assert ranked(expected([4, 1, 8]), expected([1, 1.9, 0.9])) == [1, 0, 2]
    assert ranked(expected([0, 1]), expected([1, 1])) == [0, 1]


@pytest.mark.parametrize(
    ("trust", "size", "order"), [(0.9, 512, [0, 1, 2]), (0.9, 1024, [1, 0, 2]), (0.1, 1024, [0, 1, 2])]
)
def test_what_is_known_is_weighed_with_what_another_launch_taught(trust: float, size: int, order: list[int]) -> None:
    """What was learnt and what the weights say order the first two of three configurations contrarily."""

    class Contrary(FakeSurrogate):
        def fork(self) -> FakeSurrogate:
            return self

        def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
            learnt = problem.metric.startswith("latency_ms")
            return replace(expected([1.0, 1.5, 9.0] if learnt else [1.5, 1.0, 9.0]), trust=np.full(3, trust))

    configs = [FakeConfig({"BLOCK_M": 16 << n, "BLOCK_N": 64, "BLOCK_K": 32}) for n in range(3)]
    tuning, tuned = (product(("float16", "float16"), (n, 512, 512), configs) for n in (512, size))
    surrogate: Any = Contrary(trust)
    measured = [Measurement(tuned.launch.to_json(), words, 1.0) for words in tuned.words[:1]]
    assert Forecast(surrogate).after(measured, tuning, [0, 1, 2]).order == order


def test_options_at_their_defaults_are_left_out_whichever_version_names_them() -> None:
    class Older(FakeConfig):
        def all_kwargs(self) -> dict[str, Any]:  # as Triton 3.2 has them
            return super().all_kwargs() | {"num_buffers_warp_spec": 0, "num_consumer_groups": 2, "reg_dec_producer": 0}

    assert config_words(Older({"BLOCK": 64})) == {
        **config_words(FakeConfig({"BLOCK": 64})),
        "num_consumer_groups": 2,
    }
