"""ONNX graphs as texts: canonical, compact, and with the right totals."""

from collections.abc import Sequence
from typing import Any

import onnx
import pytest

from prerank.search_spaces import onnx_graph
from prerank.search_spaces.onnx_layers import Layers, Tensor


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


@pytest.fixture(scope="module")
def resnet() -> onnx.ModelProto:
    return resnet_50()


def text(record: Any) -> str:
    return onnx_graph.to_text(onnx_graph.from_record(record))


def test_resnet_50_is_short_and_its_totals_are_known(resnet: onnx.ModelProto) -> None:
    graph = onnx_graph.from_record(resnet)
    assert len(onnx_graph.to_text(graph).split()) < 100
    # 25,557,032 parameters with batch normalisation, half of whose 106,240 the convolutions' biases replace.
    assert graph.params == 25_557_032 - 53_120 + 26_560
    assert graph.macs == 4_089_184_256
