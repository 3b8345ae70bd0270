"""Models of a few nodes, and large ones that are known."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from prerank.search_spaces.onnx_graph import from_record, to_text
from prerank.search_spaces.onnx_layers import Layers, Tensor

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


def conv(**changes: Any) -> onnx.ModelProto:
    shape, channels = changes.pop("shape", (1, 8, 16, 16)), changes.pop("channels", 8)
    layers = Layers(shape)
    kernel = changes.pop("kernel", 3)
    return layers.model(layers.conv(layers.images, channels, kernel, **changes))
