"""Words of operations: what costs the same reads the same, and nothing else."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_models import body, conv, of_nodes

from prerank.search_spaces.onnx_graph import from_record
from prerank.search_spaces.onnx_layers import Layers


@pytest.mark.parametrize(
    "changes",
    [
        {"kernel": 5},
        {"channels": 16},
        {"stride": 2},
        {"dilation": 2},
        {"groups": 2},
        {"groups": 8},
        {"shape": (2, 8, 16, 16)},
        {"shape": (1, 16, 16, 16)},
        {"shape": (1, 8, 16, 32)},
        {"kernel": (1, 3)},
    ],
    ids=str,
)
def test_other_costs_are_other_texts(changes: dict[str, Any]) -> None:
    assert body(conv(**changes)) != body(conv())


def test_who_reads_whom_is_in_the_text() -> None:
    def two(shared: bool) -> onnx.ModelProto:
        layers = Layers((1, 8, 8, 8))
        first, second = (layers.conv(layers.images, 8, 3) for _ in range(2))
        return layers.model(layers.add([first, first if shared else second]))

    assert body(two(True)) != body(two(False))


def test_words_are_those_of_the_other_spaces() -> None:
    layers = Layers((1, 8, 8, 8))
    x = layers.relu(layers.conv(layers.depthwise(layers.average_pool(layers.images, 3), 5, 2), 16, 1))
    words = body(layers.model(layers.max_pool(x, 3))).split()
    assert words == ["input:1x8x8x8", "avgpool3x3@8", "dwconv5x5c8s2@4", "conv1x1c16@4+relu", "maxpool3x3@4"]


@pytest.mark.parametrize("opset", [9, 11, 13, 15, 17, 21, onnx.defs.onnx_opset_version()])
def test_opsets_read_alike(opset: int) -> None:
    axes: dict[str, Any] = {"axes": [2, 3]} if opset < 13 else {}
    inputs = ["r", "axes"] if opset >= 13 else ["r"]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["c", "low", "high"], ["d"])
        if opset >= 11
        else helper.make_node("Clip", ["c"], ["d"], min=0.0, max=6.0),
        helper.make_node("GlobalAveragePool", ["d"], ["r"]),
        helper.make_node("Squeeze", inputs, ["s"], **axes),
        helper.make_node("Softmax", ["s"], ["y"], axis=1),
    ]
    weights = {"w": np.zeros((4, 3, 3, 3), np.float32), "axes": np.array([2, 3])}
    weights |= {"low": np.float32(0), "high": np.float32(6)}
    words = body(of_nodes(nodes, {"x": [1, 3, 8, 8]}, weights=weights, opset=opset)).split()
    assert words[1:3] == ["conv3x3c4@8+relu6", "globalavgpool:1x4x1x1+reshape:1x4"]
    assert words[3].startswith("softmax")


def quantised(kind: str) -> onnx.ModelProto:
    weights = {
        "w": np.zeros((4, 3, 1, 1), np.int8),
        "s": np.float32(0.1),
        "z": np.array(0, np.int8),
    }
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]),
        helper.make_node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z"], ["c"]),
        helper.make_node("DequantizeLinear", ["c", "s", "z"], ["y"]),
    ]
    if kind == "qdq":
        nodes[1:] = [
            helper.make_node("DequantizeLinear", ["q", "s", "z"], ["d"]),
            helper.make_node("DequantizeLinear", ["w", "s", "z"], ["e"]),
            helper.make_node("Conv", ["d", "e"], ["y"]),
        ]
    return of_nodes(nodes, {"x": [1, 3, 8, 8]}, weights=weights)


def test_quantised_models_say_so() -> None:
    assert "conv1x1c4@8.wi8" in body(quantised("qdq"))
    assert "qlinearconv1x1c4@8.i8" in body(quantised("operators"))
    for kind in ("qdq", "operators"):
        graph = from_record(quantised(kind))
        assert graph.macs == 4 * 3 * 64
        assert graph.weight_bytes < 4 * 12 + 24


def test_half_precision_says_so() -> None:
    model = of_nodes([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [4, 8]}, dtype=TensorProto.FLOAT16,
                     weights={"w": np.zeros((8, 16), np.float16)})  # fmt: skip
    assert body(model).split() == ["input:4x8.f16", "linear:4x16.f16"]
    assert from_record(model).weight_bytes == 2 * 128


def of_one(node: str) -> str:
    """The word of one node."""
    printed = f"""<ir_version: 8, opset_import: ["" : 17]> f (float[4,8,16] x) => (float[n] y) {{
        e = Constant<value = float {{2.5}}>()
        three = Constant<value = float {{3.0}}>()
        zero = Constant<value = int64[1] {{0}}>()
        two = Constant<value = int64[1] {{2}}>()
        last = Constant<value = int64[1] {{-1}}>()
        far = Constant<value = int64[1] {{-99}}>()
        one = Constant<value = int64[1] {{1}}>()
        all = Constant<value = int64[1] {{16}}>()
        {node}
    }}"""
    return body(printed).split()[-1]


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("y = Softmax<axis = -1>(x)", "y = Softmax<axis = 2>(x)", "y = Softmax<axis = 1>(x)"),
        ("y = LogSoftmax(x)", "y = LogSoftmax<axis = 2>(x)", "y = LogSoftmax<axis = 0>(x)"),
        ("y = Flatten<axis = -1>(x)", "y = Flatten<axis = 2>(x)", "y = Flatten<axis = 1>(x)"),
        ("y = CumSum(x, two)", "y = CumSum(x, last)", "y = CumSum(x, zero)"),
        ("y = Pow(x, three)", "y = Pow(x, three)", "y = Pow(x, e)"),
        ("r = Relu(x) y = Pow(r, three)", "r = Relu(x) y = Pow(r, three)", "r = Relu(x) y = Pow(r, e)"),
        (
            "r = Relu(x) y = Mod<fmod = 1>(r, e)",
            "r = Relu(x) y = Mod<fmod = 1>(r, three)",
            "r = Relu(x) y = Mod<fmod = 0>(r, three)",
        ),
        ("y = Slice(x, zero, all, two, one)", "y = Slice(x, zero, all, last)", "y = Slice(x, last, far, two, last)"),
        (
            'y = Einsum<equation = "bij,bkj->bik">(x, x)',
            'y = Einsum<equation = "nxy, nzy -> nxz">(x, x)',
            'y = Einsum<equation = "bij,bij->bij">(x, x)',
        ),
    ],
)
def test_what_costs_the_same_reads_the_same_and_nothing_else(one: str, same: str, other: str) -> None:
    assert of_one(one) == of_one(same) != of_one(other)


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.uint16])
def test_what_values_are_quantised_to_is_told(kind: type) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("QuantizeLinear", ["r", "s", "z"], ["q"]),
        helper.make_node("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]
    model = of_nodes(nodes, {"x": [2, 4]}, weights={"s": np.float32(1), "z": kind(0)}, opset=21)
    assert body(model).split()[-1] == f"relu+q.{np.dtype(kind).str[1:].replace('1', '8').replace('2', '16')}+dq"


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E4M3FNUZ, TensorProto.FLOAT8E5M2FNUZ])
def test_all_floats_of_eight_bits_are_named_alike(dtype: int) -> None:
    cast = helper.make_node("Cast", ["x"], ["y"], to=dtype)
    assert body(of_nodes([cast], {"x": [4, 8]}, opset=19)).split()[-1] == "cast.f8"
