"""ONNX graphs as texts: canonical, compact, apart where costs are, and with the right totals."""

import json
import random
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from effort import calls_of
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from prerank.search_spaces import onnx_graph
from prerank.search_spaces.onnx_file import ModelError
from prerank.search_spaces.onnx_graph import from_record, to_text
from prerank.search_spaces.onnx_layers import Layers, Tensor
from prerank.surrogate.network import CANDIDATE_WORDS
from prerank.surrogate.tokenizer import Tokenizer

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64


def text(record: Any, sizes: Mapping[str, int] | None = None) -> str:
    return to_text(from_record(record, sizes))


def body(record: Any) -> str:
    """The text without the totals."""
    return " ".join(line for line in text(record).splitlines() if not line.split()[0].count("="))


def resnet_50(shape: Sequence[int] = (1, 3, 224, 224)) -> onnx.ModelProto:
    """He et al. 2016, arXiv:1512.03385."""
    layers = Layers(shape)
    x = layers.max_pool(layers.relu(layers.conv(layers.images, 64, 7, 2)), 3, 2)
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for place in range(count):
            x = bottleneck(layers, x, width, 1 if place else stride)
    return layers.model(layers.linear(layers.flat(layers.global_average(x)), 1000))


def bottleneck(layers: Layers, x: Tensor, width: int, stride: int) -> Tensor:
    inner = layers.relu(layers.conv(x, width, 1))
    inner = layers.conv(layers.relu(layers.conv(inner, width, 3, stride)), 4 * width, 1)
    shortcut = x if x.channels == 4 * width else layers.conv(x, 4 * width, 1, stride)
    return layers.relu(layers.add([inner, shortcut]))


def transformer(blocks: int, length: int = 128, width: int = 768, heads: int = 12, words: int = 30_000) -> Any:
    """An encoder of pre-norm blocks (Vaswani et al. 2017, arXiv:1706.03762) that all add one mask to their scores."""
    nodes: list[Any] = []
    weights: dict[str, Any] = {}

    def weight(*shape: int) -> str:
        name = f"w{len(weights)}"
        weights[name] = TensorProto(name=name, dims=shape, data_type=FLOAT)  # left out: shapes are enough
        return name

    def node(kind: str, *inputs: str, **attributes: Any) -> str:
        nodes.append(helper.make_node(kind, inputs, [f"v{len(nodes)}"], **attributes))
        return nodes[-1].output[0]

    def numbers(*values: int) -> str:
        name = f"w{len(weights)}"
        weights[name] = numpy_helper.from_array(np.array(values), name)
        return name

    def linear(x: str, n: int, m: int) -> str:
        return node("Add", node("MatMul", x, weight(n, m)), weight(m))

    def heads_of(x: str, perm: Sequence[int]) -> str:
        shaped = node("Reshape", linear(x, width, width), numbers(0, 0, heads, width // heads))
        return node("Transpose", shaped, perm=perm)

    def norm(x: str) -> str:
        return node("LayerNormalization", x, weight(width), weight(width))

    mask = node("Mul", node("Unsqueeze", node("Cast", "mask", to=FLOAT), numbers(1, 2)), weight(1))
    x = node("Gather", weight(words, width), "ids")
    for _ in range(blocks):
        y = norm(x)
        q, k, v = heads_of(y, [0, 2, 1, 3]), heads_of(y, [0, 2, 3, 1]), heads_of(y, [0, 2, 1, 3])
        scores = node("Softmax", node("Add", node("MatMul", q, k), mask), axis=-1)
        joined = node("Transpose", node("MatMul", scores, v), perm=[0, 2, 1, 3])
        x = node("Add", x, linear(node("Reshape", joined, numbers(0, 0, width)), width, width))
        inner = node("Relu", linear(norm(x), width, 4 * width))
        x = node("Add", x, linear(inner, 4 * width, width))
    inputs = [helper.make_tensor_value_info(name, INT64, [1, length]) for name in ("ids", "mask")]
    output = helper.make_tensor_value_info(x, FLOAT, [1, length, width])
    graph = helper.make_graph(nodes, "transformer", inputs, [output], list(weights.values()))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def of_nodes(
    nodes: Sequence[Any],
    inputs: Mapping[str, Sequence[Any]],
    outputs: Sequence[str] = ("y",),
    weights: Mapping[str, Any] | None = None,
    opset: int = 17,
    dtype: int = FLOAT,
) -> onnx.ModelProto:
    """A model of nodes whose output's shape is not declared."""
    graph = helper.make_graph(
        list(nodes),
        "small",
        [helper.make_tensor_value_info(name, dtype, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, dtype, None) for name in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (weights or {}).items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])


def renamed(model: onnx.ModelProto, seed: int) -> onnx.ModelProto:
    """The same model with other names of nodes and values, its nodes and weights in another order."""
    rng = random.Random(seed)
    names: dict[str, str] = {}

    def other(name: str) -> str:
        return names.setdefault(name, f"{rng.getrandbits(40):x}") if name else ""

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        node.name = other(node.name or str(id(node)))
        node.input[:], node.output[:] = [*map(other, node.input)], [*map(other, node.output)]
    for each in (*copy.graph.input, *copy.graph.output, *copy.graph.initializer, *copy.graph.value_info):
        each.name = other(each.name)
    nodes, weights = [*copy.graph.node], [*copy.graph.initializer]
    rng.shuffle(nodes)
    rng.shuffle(weights)
    del copy.graph.node[:], copy.graph.initializer[:]
    copy.graph.node.extend(nodes)
    copy.graph.initializer.extend(weights)
    return copy


@st.composite
def networks(draw: st.DrawFn) -> onnx.ModelProto:
    """Networks of convolutions, pools, sums and joins of whatever came before."""
    layers = Layers((1, 4, 8, 8), draw(st.integers(0, 9)))
    values = [layers.images]
    for _ in range(draw(st.integers(1, 10))):
        x, y = (values[draw(st.integers(0, len(values) - 1))] for _ in range(2))
        kind = draw(st.sampled_from(["conv", "pool", "relu", "add", "concat"]))
        if kind == "conv":
            values.append(layers.conv(x, draw(st.sampled_from([4, 8])), draw(st.sampled_from([1, 3]))))
        elif kind == "pool":
            values.append(layers.max_pool(x, 3))
        elif kind == "relu":
            values.append(layers.relu(x))
        elif kind == "add" and x.shape == y.shape:
            values.append(layers.add([x, y]))
        else:
            values.append(layers.concat([x, y]))
    return layers.model(values[-1])


@pytest.fixture(scope="module")
def resnet() -> onnx.ModelProto:
    return resnet_50()


def test_resnet_50_is_short_and_its_totals_are_known(resnet: onnx.ModelProto) -> None:
    graph = from_record(resnet)
    words = to_text(graph).split()
    assert calls_of(lambda: to_text(from_record(resnet))) < 500_000
    assert len(words) < 100
    # 25,557,032 parameters with batch normalisation, half of whose 53,120 the biases of the convolutions replace.
    assert graph.params == 25_557_032 - 53_120 // 2
    assert graph.macs == 4_089_184_256
    assert words[0] == "params_m=25.5"


def test_transformer_is_short_and_its_totals_are_known() -> None:
    graph = from_record(transformer(12))
    words = to_text(graph).split()
    assert calls_of(lambda: to_text(from_record(transformer(12)))) < 500_000
    assert len(words) < 100
    assert "11*(" in words or "12*(" in words
    block = 12 * 768**2 * 128 + 2 * 128**2 * 768
    assert graph.macs == 12 * block
    assert graph.params == 30_000 * 768 + 12 * (12 * 768**2 + 13 * 768) + 1


def test_the_packaged_weights_read_a_graph_as_it_is(resnet: onnx.ModelProto) -> None:
    texts = [text(resnet), text(transformer(12))]
    checkpoint = json.loads((files("prerank.surrogate") / "weights" / "checkpoint.json").read_text())
    tokenizer = Tokenizer(json.dumps(checkpoint["tokenizer"]))
    assert not any(tokenizer.exceeds(found, CANDIDATE_WORDS) for found in texts)


@given(model=networks(), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_names_and_order_do_not_matter(model: onnx.ModelProto, seed: int) -> None:
    assert text(renamed(model, seed)) == text(model)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_names_and_order_do_not_matter_in_a_transformer(seed: int) -> None:
    model = transformer(2, 16, 8, 2, 10)
    assert text(renamed(model, seed)) == text(model)


@given(model=networks(), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_operands_that_commute_may_be_exchanged(model: onnx.ModelProto, seed: int) -> None:
    rng, copy = random.Random(seed), onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        if node.op_type == "Add" and rng.random() < 0.5:
            node.input[:] = node.input[::-1]
    assert text(copy) == text(model)


def test_outputs_in_another_order_are_the_same_work() -> None:
    def two(turned: bool) -> onnx.ModelProto:
        nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Tanh", ["a"], ["b"])]
        return of_nodes(nodes, {"x": [4]}, ["b", "a"] if turned else ["a", "b"])

    assert text(two(False)) == text(two(True))


def test_a_residual_block_reads_the_same_whichever_operand_is_first() -> None:
    def block(turned: bool) -> onnx.ModelProto:
        layers = Layers((1, 8, 8, 8))
        pair = [layers.conv(layers.images, 8, 3), layers.images]
        return layers.model(layers.add(pair[::-1] if turned else pair))

    assert text(block(False)) == text(block(True))


def test_a_random_order_keeps_the_words_and_the_totals(resnet: onnx.ModelProto) -> None:
    graph = from_record(resnet)
    texts = {to_text(graph, np.random.default_rng(seed)) for seed in range(8)}
    assert len(texts) > 1
    assert to_text(graph, np.random.default_rng(0)) == to_text(graph, np.random.default_rng(0))
    assert {found.splitlines()[1] for found in texts} == {to_text(graph).splitlines()[1]}
    assert all(len(found.split()) < 120 for found in texts)


def conv(**changes: Any) -> onnx.ModelProto:
    shape, channels = changes.pop("shape", (1, 8, 16, 16)), changes.pop("channels", 8)
    layers = Layers(shape)
    kernel = changes.pop("kernel", 3)
    return layers.model(layers.conv(layers.images, channels, kernel, **changes))


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


def test_dead_operations_are_left_out_and_reshapes_are_free() -> None:
    layers = Layers((1, 8, 8, 8))
    x = layers.relu(layers.images)
    layers.conv(x, 64, 3)
    graph = from_record(layers.model(layers.flat(x)))
    assert [vertex.word for vertex in graph.vertices] == ["input:1x8x8x8", "relu+reshape:1x512"]
    assert (graph.macs, graph.params, graph.activation_bytes) == (0, 0, 2 * 512 * 4)


def test_peak_is_what_is_alive_at_once() -> None:
    layers = Layers((1, 1, 10, 10))  # 400 bytes a value
    x = layers.images
    for _ in range(4):
        x = layers.max_pool(x, 3)
    graph = from_record(layers.model(layers.add([x, layers.images])))
    assert graph.peak_bytes == 3 * 400
    assert graph.activation_bytes == 6 * 400


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


def test_shapes_computed_from_shapes_are_constants() -> None:
    """The way exporters write a view: the product of two sizes of the input."""
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Shape", ["r"], ["shape"]),
        *(helper.make_node("Gather", ["shape", f"i{place}"], [f"g{place}"]) for place in range(3)),
        helper.make_node("Mul", ["g1", "g2"], ["product"]),
        helper.make_node("Unsqueeze", ["g0", "zero"], ["first"]),
        helper.make_node("Unsqueeze", ["product", "zero"], ["second"]),
        helper.make_node("Concat", ["first", "second"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["r", "wanted"], ["y"]),
    ]
    weights = {f"i{place}": np.array(place) for place in range(3)} | {"zero": np.array([0])}
    model = of_nodes(nodes, {"x": ["batch", 4, "length"]}, weights=weights)
    assert body(model).split() == ["input:1x4x128.open0x2", "relu+reshape:1x512"]
    assert "input:3x4x5.open0x2 relu+reshape:3x20" in text(model, {"batch": 3, "length": 5})
    with pytest.raises(ValueError, match=r"'width'.*\['batch', 'length'\]"):
        from_record(model, {"width": 3})


def test_a_size_that_depends_on_data_is_marked() -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["n"]), helper.make_node("Transpose", ["n"], ["y"])]
    words = body(of_nodes(nodes, {"x": [4, 4]})).split()
    assert words == ["input:4x4", "nonzero:2x1?.i64", "transpose1x0:1x2?.i64"]


def test_branches_and_loops_are_read() -> None:
    def inner(name: str, channels: int) -> Any:
        out = helper.make_tensor_value_info(f"{name}_out", FLOAT, None)
        node = helper.make_node("Conv", ["x", f"w{channels}"], [f"{name}_out"])
        return helper.make_graph([node], name, [], [out])

    weights = {f"w{n}": np.zeros((n, 3, 1, 1), np.float32) for n in (4, 8)}
    branch = helper.make_node("If", ["flag"], ["y"], then_branch=inner("a", 4), else_branch=inner("b", 8))
    model = of_nodes([branch], {"x": [1, 3, 8, 8]}, weights=weights)
    model.graph.input.append(helper.make_tensor_value_info("flag", TensorProto.BOOL, []))
    graph = from_record(model)
    assert graph.macs == 8 * 3 * 64
    assert graph.params == 3 * 12
    assert "{ input:1x3x8x8 conv1x1c4@8 } { input:1x3x8x8 conv1x1c8@8 }" in body(model)


def test_of_a_known_condition_one_branch_counts() -> None:
    def inner(kind: str) -> Any:
        out = helper.make_tensor_value_info(kind, FLOAT, None)
        return helper.make_graph([helper.make_node(kind, ["r"], [kind])], kind, [], [out])

    nodes = [
        helper.make_node("Exp", ["x"], ["r"]),
        helper.make_node("If", ["flag"], ["b"], then_branch=inner("Relu"), else_branch=inner("Tanh")),
        helper.make_node("Sigmoid", ["b"], ["y"]),
    ]
    for flag, kind in ((True, "relu"), (False, "tanh")):
        model = of_nodes(nodes, {"x": [4]}, weights={"flag": np.array(flag)})
        assert body(model).split() == ["input:4", f"exp+{kind}+sigmoid"]


LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


@pytest.mark.skipif(not LIGHT.is_dir(), reason="this onnx comes without its test models")
@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("bvlc_alexnet", 61.0, 655),
        ("densenet121", 8.0, 2830),
        ("inception_v1", 7.0, 1430),
        ("resnet50", 25.6, 4090),
        ("shufflenet", 1.42, 125),
        ("squeezenet", 1.24, 349),
        ("vgg19", 143.7, 19_600),
    ],
)
def test_models_that_come_with_onnx_have_their_known_sizes(name: str, params: float, macs: float) -> None:
    graph = from_record(LIGHT / f"light_{name}.onnx")
    assert graph.params / 1e6 == pytest.approx(params, rel=0.02)
    assert graph.macs / 1e6 == pytest.approx(macs, rel=0.01)
    assert "?" not in to_text(graph)
    assert len(to_text(graph).split()) < 300


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_operator_of_onnx_is_read() -> None:
    """The models that onnx tests its operators with."""
    from onnx.backend.test.case.node import collect_testcases

    models = [case.model for case in collect_testcases(None) if case.model is not None]
    assert len(models) > 1000
    texts = [text(model) for model in models]
    unknown = sum(":?" in found or "?/" in found for found in texts)
    assert unknown < 0.05 * len(models)


def test_a_loop_counts_its_turns() -> None:
    step = helper.make_graph(
        [helper.make_node("MatMul", ["state", "w"], ["next"]), helper.make_node("Identity", ["go"], ["again"])],
        "step",
        [helper.make_tensor_value_info(name, kind, None) for name, kind in (("turn", INT64), ("go", 9), ("state", 1))],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in (("again", 9), ("next", 1), ("next", 1))],
    )
    node = helper.make_node("Loop", ["count", "", "x"], ["last", "y"], body=step)

    def model(turns: int | None) -> onnx.ModelProto:
        weights = {"count": np.array(turns), "w": np.zeros((16, 16), np.float32)}
        if turns is not None:
            return of_nodes([node], {"x": [2, 16]}, ["y"], weights)
        del weights["count"]
        made = of_nodes([node], {"x": [2, 16]}, ["y"], weights)
        made.graph.input.append(helper.make_tensor_value_info("count", INT64, []))
        return made

    assert from_record(model(5)).macs == 5 * 2 * 16 * 16
    assert body(model(5)) != body(model(6))
    assert "5x2x16.turns5 {" in body(model(5))
    assert "1x2x16?.turns?~2,1 {" in body(model(None))
    assert from_record(model(None)).macs == 2 * 16 * 16


def test_functions_of_the_model_are_expanded_and_other_domains_kept() -> None:
    function = helper.make_function(
        "mine",
        "block",
        ["a", "w"],
        ["c"],
        [helper.make_node("Conv", ["a", "w"], ["b"]), helper.make_node("Relu", ["b"], ["c"])],
        [helper.make_opsetid("", 17)],
    )
    nodes = [
        helper.make_node("block", ["x", "w"], ["v"], domain="mine"),
        helper.make_node("Magic", ["v", "w"], ["y"], domain="other.org", strength=3),
    ]
    model = of_nodes(nodes, {"x": [1, 3, 8, 8]}, weights={"w": np.zeros((4, 3, 1, 1), np.float32)})
    model.opset_import.extend([helper.make_opsetid("mine", 1), helper.make_opsetid("other.org", 1)])
    model.functions.append(function)
    assert body(model).split() == ["input:1x3x8x8", "conv1x1c4@8+relu", "other.org.magic.strength3w4x3x1x1:?"]


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


def test_weights_that_onnx_runtime_dequantises_are_kept_small() -> None:
    weights = {"w": np.zeros((4, 3, 1, 1), np.int8), "s": np.float32(0.1), "z": np.array(0, np.int8)}
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["e"], domain="com.microsoft"),
        helper.make_node("Conv", ["x", "e"], ["y"]),
    ]
    model = of_nodes(nodes, {"x": [1, 3, 8, 8]}, weights=weights)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert "conv1x1c4@8.wi8" in body(model)
    assert from_record(model).weight_bytes == 12


def test_heads_that_share_keys_and_values_all_work() -> None:
    inputs = {"q": [2, 16, 8 * 4], "k": [2, 16, 2 * 4], "v": [2, 16, 2 * 4]}
    node = helper.make_node(
        "GroupQueryAttention", [*inputs], ["y"], domain="com.microsoft", num_heads=8, kv_num_heads=2
    )
    model = of_nodes([node], inputs)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert from_record(model).macs == 2 * (2 * 16 * 16 * 8 * 4)


@pytest.mark.parametrize(
    ("kind", "inputs", "heads", "macs"),
    [
        ("GroupQueryAttention", {"qkv": [2, 16, 48]}, {"num_heads": 8, "kv_num_heads": 2}, 2 * (2 * 16 * 16 * 32)),
        ("MultiHeadAttention", {"qkv": [2, 16, 4, 3, 8]}, {"num_heads": 4}, 2 * (2 * 16 * 16 * 32)),
        ("MultiHeadAttention", {"q": [2, 16, 32], "kv": [2, 9, 4, 2, 8]}, {"num_heads": 4}, 2 * (2 * 16 * 9 * 32)),
    ],
)
def test_packed_queries_keys_and_values_are_told_apart(
    kind: str, inputs: dict[str, list[int]], heads: Any, macs: int
) -> None:
    attention = helper.make_node(kind, [*inputs], ["z"], domain="com.microsoft", **heads)
    project = helper.make_node("MatMul", ["z", "w"], ["y"])
    model = of_nodes([attention, project], inputs, weights={"w": np.zeros((32, 5), np.float32)})
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert from_record(model).macs == macs + 2 * 16 * 32 * 5


def test_an_attention_may_be_narrower_than_what_it_reads() -> None:
    nodes = [
        helper.make_node("Attention", ["x", "w", "b"], ["z"], domain="com.microsoft", num_heads=2),
        helper.make_node("MatMul", ["z", "v"], ["y"]),
    ]
    weights = {"w": np.zeros((32, 3 * 16), np.float32), "b": np.zeros(48, np.float32)}
    weights["v"] = np.zeros((16, 32), np.float32)
    model = of_nodes(nodes, {"x": [1, 8, 32]}, weights=weights)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert from_record(model).macs == 8 * 32 * 48 + 2 * 8 * 8 * 16 + 8 * 16 * 32


def test_the_past_is_compared_with_too() -> None:
    inputs = {"q": [1, 1, 32], "k": [1, 1, 32], "v": [1, 1, 32]}
    past = {"pk": [1, 4, 20, 8], "pv": [1, 4, 20, 8]}
    read = ["q", "k", "v", "", "", "", "pk", "pv"]
    node = helper.make_node("MultiHeadAttention", read, ["y"], domain="com.microsoft", num_heads=4)
    model = of_nodes([node], inputs | past)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert from_record(model).macs == 2 * 21 * 32


def test_an_axis_that_is_spread_counts_in_full() -> None:
    inputs = {"a": [7, 3, 4, 5], "b": [1, 1, 5, 6]}
    model = of_nodes([helper.make_node("Einsum", [*inputs], ["y"], equation="...ij,...jk->...ik")], inputs)
    assert from_record(model).macs == 7 * 3 * 4 * 5 * 6


def test_parameters_are_those_that_are_stored() -> None:
    weights = {"table": np.zeros((50, 8), np.float32), "token": np.zeros((1, 1, 8), np.float32)}
    weights["batch"] = np.array([16, 1, 8])
    nodes = [
        helper.make_node("Gather", ["table", "x"], ["e"]),
        helper.make_node("Expand", ["token", "batch"], ["t"]),
        helper.make_node("Concat", ["t", "e"], ["s"], axis=1),
        helper.make_node("Transpose", ["table"], ["turned"]),
        helper.make_node("MatMul", ["s", "turned"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.INT64, [16, 4])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [16, 5, 50])]
    stored = [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, stored))
    assert from_record(model).params == 50 * 8 + 8


def test_a_call_may_leave_out_an_input_of_its_function() -> None:
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"])
    function = helper.make_function("mine", "F", ["x", "w", "b"], ["y"], [node], [helper.make_opsetid("ai.onnx", 17)])
    weights = {"w": np.zeros((4, 3, 3, 3), np.float32)}
    for read in (["x", "w"], ["x", "w", ""]):
        model = of_nodes([helper.make_node("F", read, ["y"], domain="mine")], {"x": [1, 3, 8, 8]}, weights=weights)
        model.opset_import.append(helper.make_opsetid("mine", 1))
        model.functions.append(function)
        assert from_record(model).macs == 4 * 27 * 36


def test_a_negative_size_is_an_open_axis() -> None:
    assert from_record(of_nodes([helper.make_node("Relu", ["x"], ["y"])], {"x": [-1, 8]})).activation_bytes == 2 * 8 * 4


def test_half_precision_says_so() -> None:
    model = of_nodes([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [4, 8]}, dtype=TensorProto.FLOAT16,
                     weights={"w": np.zeros((8, 16), np.float16)})  # fmt: skip
    assert body(model).split() == ["input:4x8.f16", "linear:4x16.f16"]
    assert from_record(model).weight_bytes == 2 * 128


def test_file_bytes_model_and_printed_text_are_one(tmp_path: Any) -> None:
    layers = Layers((1, 3, 8, 8))
    model = layers.model(layers.flat(layers.relu(layers.conv(layers.images, 4, 3))))
    path, printed = tmp_path / "model.onnx", onnx.printer.to_text(model)
    path.write_bytes(model.SerializeToString())
    (tmp_path / "model.onnxtxt").write_text(printed)
    records = [model, path, str(path), path.read_bytes(), printed, tmp_path / "model.onnxtxt"]
    assert len({text(record) for record in records}) == 1


def test_a_printed_graph_without_weights_is_read() -> None:
    printed = '<ir_version: 8, opset_import: ["" : 17]> g (float[1,8] x, float[8,4] w) => (float[1,4] y) '
    assert "matmulw" not in text(printed + "{ y = MatMul (x, w) }\n")
    assert from_record(printed + "{ y = MatMul (x, w) }\n").macs == 32


def test_weights_that_were_made_inputs_are_weights() -> None:
    layers = Layers((1, 3, 8, 8))
    model = layers.model(layers.linear(layers.flat(layers.relu(layers.conv(layers.images, 4, 3))), 2))
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for each in model.graph.initializer:
        bare.graph.input.append(helper.make_tensor_value_info(each.name, each.data_type, each.dims))
    del bare.graph.initializer[:]
    assert text(bare) == text(onnx.printer.to_text(bare)) == text(model)


def test_importing_loads_no_onnx() -> None:
    names = "onnx_graph, onnx_layers, nds, fbnet"
    code = f"import sys; from prerank.search_spaces import {names}; assert 'onnx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_candidates_are_values(resnet: onnx.ModelProto) -> None:
    first, second = from_record(resnet), from_record(renamed(resnet, 1))
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize("metric", ["latency_ms", "memory_bytes", "energy_mj", "params", "macs"])
def test_problems(metric: str) -> None:
    problem = onnx_graph.problem(metric, "raspi4")
    assert problem.direction == "minimize"
    assert problem.metric.split()[0] == metric
    assert problem.context == onnx_graph.problem().context
    assert ("batch=1 raspberry-pi-4" in problem.metric) == (metric not in ("params", "macs"))
    with pytest.raises(ValueError, match="'beauty'"):
        onnx_graph.problem("beauty")


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


@pytest.mark.parametrize(("record", "sizes"), [(None, {}), (5, {}), (b"", {"N": 2.5}), (b"", {"N": "many"})])
def test_a_wrong_argument_is_not_called_a_broken_model(record: Any, sizes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"the record is|the size of 'N' is") as error:
        onnx_graph.from_record(record, sizes)
    assert "broken" not in str(error.value)


def test_the_standard_domain_has_two_names() -> None:
    node = helper.make_node("ArgMax", ["x"], ["y"], axis=0, select_last_index=0)
    texts = set[str]()
    for domain in ("", "ai.onnx"):
        node.domain = domain
        texts.add(body(of_nodes([node], {"x": [4, 8]})))
    assert texts == {"input:4x8 argmax:1x8.i64"}


def test_operators_of_another_standard_are_checked() -> None:
    node = helper.make_node("ArrayFeatureExtractor", ["x", "i"], ["y"], domain="ai.onnx.ml")
    model = of_nodes([node], {"x": [1, 8]}, weights={"i": np.array([[1, 2]])}, dtype=TensorProto.UINT8)
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    with pytest.raises(ModelError, match="unsupported type"):
        from_record(model)


def test_a_sparse_constant_is_stored_in_its_type_wherever_it_stands() -> None:
    values = numpy_helper.from_array(np.ones(1, np.float16), "w")
    weight = helper.make_sparse_tensor(values, numpy_helper.from_array(np.zeros((1, 2), np.int64), "i"), [8, 16])
    equal, half = helper.make_node("Equal", ["x", "w"], ["y"]), TensorProto.FLOAT16
    constant = helper.make_node("Constant", [], ["w"], sparse_value=weight)
    inside = of_nodes([constant, equal], {"x": [8, 16]}, dtype=half)
    apart = of_nodes([equal], {"x": [8, 16]}, dtype=half)
    apart.graph.sparse_initializer.append(weight)
    assert body(inside) == body(apart)
    assert body(inside).endswith(".bool.wf16")


@pytest.mark.parametrize("dtype", [TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E4M3FNUZ, TensorProto.FLOAT8E5M2FNUZ])
def test_all_floats_of_eight_bits_are_named_alike(dtype: int) -> None:
    cast = helper.make_node("Cast", ["x"], ["y"], to=dtype)
    assert body(of_nodes([cast], {"x": [4, 8]}, opset=19)).split()[-1] == "cast.f8"
