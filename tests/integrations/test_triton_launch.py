"""What is read of a launch: arguments, keys, options, grid."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
from fake_config import FakeConfig
from launches import CONFIGS, constexpr, dtype, read

from prerank.integrations.triton_config import config_words
from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tensor, read_tuning
from prerank.integrations.triton_operands import is_aligned
from prerank.integrations.triton_reading import readings


def test_a_constant_that_is_called_as_a_launch_option_is_told_from_it() -> None:
    configs = [FakeConfig({"NUM_STAGES": stages}) for stages in (1, 2)]
    tuning = read_tuning(None, configs, {}, {}, "")
    own = readings(tuning.launch, tuning.words)[0]
    assert [own.to_text(words) for words in tuning.words] == [f"own_stages={n} stages=3 warps=4" for n in (1, 2)]


def test_types_among_the_arguments_tell_launches_and_configurations_apart() -> None:
    one, other = (
        read_tuning(None, CONFIGS, {"n": 4, "OUT": dtype(name)}, {}, "") for name in ("fp16", "torch.float32")
    )
    assert one.launch.key != other.launch.key
    assert other.launch.scalars == {"n": 4, "OUT": "float32"}
    tuning = read_tuning(None, [FakeConfig({"OUT": dtype(name)}) for name in ("fp16", "fp32")], {}, {}, "")
    assert [words["OUT"] for words in tuning.words] == ["fp16", "fp32"]


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


def test_options_at_their_defaults_are_left_out_whichever_version_names_them() -> None:
    class Older(FakeConfig):
        def all_kwargs(self) -> dict[str, Any]:  # as Triton 3.2 has them
            return super().all_kwargs() | {"num_buffers_warp_spec": 0, "num_consumer_groups": 2, "reg_dec_producer": 0}

    assert config_words(Older({"BLOCK": 64})) == {
        **config_words(FakeConfig({"BLOCK": 64})),
        "num_consumer_groups": 2,
    }
