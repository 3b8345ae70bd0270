"""The networks of `nds` as ONNX, built as DARTS builds them (Liu et al. 2019, arXiv:1806.09055).

A stem of three times the width, then cells; those after a third and after two thirds of the depth reduce. A cell first
brings the outputs of the two cells before to its own channels by 1x1 convolutions. Separable convolutions are applied
twice, dilated ones have a dilation of 2, and every convolution follows a relu.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .onnx_layers import Layers, Tensor

if TYPE_CHECKING:
    from onnx import ModelProto

_STEM = 3


def network(
    normal: Sequence[Sequence[tuple[str, int]]],
    reduce: Sequence[Sequence[tuple[str, int]]],
    outputs: Mapping[str, Sequence[int]],
    width: int,
    depth: int,
    shape: Sequence[int],
    classes: int,
    seed: int,
) -> ModelProto:
    """Cells of blocks of two sides, with random weights.

    Args:
        normal: Two sides for each block, each an operation and an earlier node.
        reduce: The same, of cells that halve the sides and double the channels.
        outputs: ``normal`` and ``reduce`` -> nodes that are concatenated.
        width: Channels of the first cells.
        depth: Number of cells.
        shape: Of the images, (N, C, H, W).
        classes: Outputs.
        seed: Of the weights.
    """
    layers = Layers(shape, seed)
    before = last = layers.conv(layers.images, _STEM * width, 3)
    for place in range(depth):
        reduces = place in (depth // 3, 2 * depth // 3)
        width *= 1 + reduces
        cell, used = (reduce, outputs["reduce"]) if reduces else (normal, outputs["normal"])
        before, last = last, _cell(layers, cell, used, [before, last], width, 1 + reduces)
    return layers.model(layers.linear(layers.flat(layers.global_average(last)), classes), "nds")


def _cell(
    layers: Layers,
    blocks: Sequence[Sequence[tuple[str, int]]],
    used: Sequence[int],
    inputs: Sequence[Tensor],
    channels: int,
    stride: int,
) -> Tensor:
    older, newer = inputs
    halved = older.shape[2:] != newer.shape[2:]  # the cell before reduced
    nodes = [
        _halved(layers, older, channels) if halved else _conv(layers, older, channels),
        _conv(layers, newer, channels),
    ]
    for block in blocks:
        sides = [_side(layers, op, nodes[node], stride if node < 2 else 1) for op, node in block if op != "zero"]
        nodes.append(layers.add(sides) if sides else _zero(layers, nodes[0], stride))
    return layers.concat([nodes[node] for node in used])


def _side(layers: Layers, operation: str, x: Tensor, stride: int) -> Tensor:
    name, kernels = _parsed(operation)
    kernel = kernels[-1][0]
    match name:
        case "skip":
            return x if stride == 1 else _halved(layers, x, x.channels)
        case "avgpool":
            return layers.average_pool(x, kernel, stride)
        case "maxpool":
            return layers.max_pool(x, kernel, stride)
        case "sepconv" | "dilsepconv":
            dilation = 2 if name.startswith("dil") else 1
            return _separable(layers, _separable(layers, x, kernel, stride, dilation), kernel, 1, dilation)
        case "dilconv":
            return _separable(layers, x, kernel, stride, 2)
        case _:
            return _convs(layers, x, kernels, stride)


def _parsed(operation: str) -> tuple[str, list[tuple[int, int]]]:
    """The name of an operation, and the kernels of its convolutions in turn."""
    sizes: list[tuple[str, str]] = re.findall(r"(\d)x(\d)", operation)
    return re.split(r"\d", operation)[0], [(int(a), int(b)) for a, b in sizes] or [(1, 1)]


def _convs(layers: Layers, x: Tensor, kernels: Sequence[tuple[int, int]], stride: int) -> Tensor:
    x = layers.relu(x)
    for place, kernel in enumerate(kernels):
        x = layers.conv(x, x.channels, kernel, 1 if place else stride)
    return x


def _separable(layers: Layers, x: Tensor, kernel: int, stride: int, dilation: int) -> Tensor:
    return layers.conv(layers.depthwise(layers.relu(x), kernel, stride, dilation), x.channels, 1)


def _conv(layers: Layers, x: Tensor, channels: int) -> Tensor:
    return layers.conv(layers.relu(x), channels, 1)


def _halved(layers: Layers, x: Tensor, channels: int) -> Tensor:
    """Half of the sides, by two 1x1 convolutions of half of the channels each."""
    x = layers.relu(x)
    return layers.concat([layers.conv(x, width, 1, 2) for width in (channels // 2, channels - channels // 2)])


def _zero(layers: Layers, x: Tensor, stride: int) -> Tensor:
    shape = (*x.shape[:2], *(-(-side // stride) for side in x.shape[2:]))
    return layers.constant(np.zeros(shape, np.float32))
