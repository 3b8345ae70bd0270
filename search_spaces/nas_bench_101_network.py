"""The networks of `nas_bench_101` as ONNX.

A stem, then stages of cells. Every convolution is followed by a relu; edges from the input of a cell are 1x1
convolutions (Ying et al. 2019, arXiv:1902.09635, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from .nas_bench_101_cell import Cell
from .onnx_layers import Layers, Tensor, check_sizes

if TYPE_CHECKING:
    from onnx import ModelProto


def network(
    cell: Cell, shape: Sequence[int], channels: int, stages: int, cells: int, classes: int, seed: int
) -> ModelProto:
    """Stages of one cell, with random weights; see `nas_bench_101.to_onnx`, which gives images of a shape (N, C, H, W).

    Raises:
        ValueError: If a size is less than 1.
    """
    check_sizes(channels=channels, stages=stages, cells=cells, classes=classes)
    layers = Layers(shape, seed)
    x = _conv_relu(layers, layers.images, channels, 3)
    for stage in range(stages):
        x = layers.max_pool(x, 2, 2) if stage else x
        for _ in range(cells):
            x = _cell_layers(layers, cell, x, channels << stage)
    return layers.model(layers.linear(layers.flat(layers.global_average(x)), classes), "nas_bench_101")


def vertex_channels(cell: Cell, channels_in: int, channels_out: int) -> list[int]:
    """Channels of each vertex, (V,).

    Vertices that enter the output share its channels, the first ones taking what is left over; any other is as wide
    as the widest that it enters.
    """
    output = len(cell.ops) - 1
    last = sorted(vertex for vertex in cell.graph.predecessors(output) if vertex > 0)
    widths = [channels_in, *[0] * (output - 1), channels_out]
    for place, vertex in enumerate(last):
        widths[vertex] = channels_out // len(last) + (place < channels_out % len(last))
    for vertex in sorted(set(range(1, output)) - set(last), reverse=True):
        widths[vertex] = max(widths[after] for after in cell.graph.successors(vertex))
    return widths


def _cell_layers(layers: Layers, cell: Cell, x: Tensor, channels: int) -> Tensor:
    """A cell: edges from the input are 1x1 convolutions, inner vertices add up what enters them, the output
    concatenates the inner vertices and adds the input.
    """
    widths, output = vertex_channels(cell, x.channels, channels), len(cell.ops) - 1
    values = [x]
    for vertex in range(1, output + 1):
        before = sorted(cell.graph.predecessors(vertex))
        inner = [values[v] for v in before if v > 0]
        projected = [_conv_relu(layers, x, widths[vertex], 1)] if 0 in before else []
        if vertex == output:
            return layers.add([layers.concat(inner), *projected] if inner else projected)
        # A predecessor may be wider, by the rule of `vertex_channels`; what does not fit is cut.
        total = layers.add([*(_cut(layers, value, widths[vertex]) for value in inner), *projected])
        values.append(_operation(layers, cell.ops[vertex], total))
    raise AssertionError("a cell ends with its output")


def _cut(layers: Layers, x: Tensor, channels: int) -> Tensor:
    if x.channels == channels:
        return x
    bounds = [layers.constant(np.array([number])) for number in (0, channels, 1)]
    return layers.node("Slice", [x, *bounds], (x.shape[0], channels, *x.shape[2:]))


def _operation(layers: Layers, operation: str, x: Tensor) -> Tensor:
    if operation == "maxpool3x3":
        return layers.max_pool(x, 3)
    return _conv_relu(layers, x, x.channels, {"conv3x3": 3, "conv1x1": 1}[operation])


def _conv_relu(layers: Layers, x: Tensor, channels: int, kernel: int) -> Tensor:
    return layers.relu(layers.conv(x, channels, kernel))
