"""Networks of inverted bottlenecks (Sandler et al. 2018, arXiv:1801.04381), as text shared by the spaces made of them.

One word a block: ``mbconv5x5e6c40s2se`` is a 5x5 depthwise convolution with expansion 6, 40 output channels, stride 2
and squeeze-and-excitation; ``g2`` marks pointwise convolutions in 2 groups; ``skip`` is no block at all. Two words of
totals follow, since size alone explains most of a latency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .onnx_layers import Layers, Tensor

if TYPE_CHECKING:
    from onnx import ModelProto


@dataclass(frozen=True)
class Block:
    """One inverted bottleneck; kernel 0: it is skipped.

    Args:
        kernel: Side of the depthwise convolution.
        expansion: Inner channels over input channels.
        channels: Output channels.
        stride: Stride of the depthwise convolution.
        squeeze: Whether it has squeeze-and-excitation.
        groups: Groups of the pointwise convolutions.
        activation: What follows its convolutions but the last, as ONNX names it.
    """

    kernel: int
    expansion: int
    channels: int
    stride: int = 1
    squeeze: bool = False
    groups: int = 1
    activation: str = "Relu"

    @property
    def word(self) -> str:
        """The block as a word."""
        if not self.kernel:
            return "skip"
        parts = [f"mbconv{self.kernel}x{self.kernel}e{self.expansion}c{self.channels}"]
        parts += [f"s{self.stride}"] * (self.stride > 1) + [f"g{self.groups}"] * (self.groups > 1)
        return "".join(parts + ["se"] * self.squeeze)


def text(blocks: Sequence[Block], stem: int, side: int, head: Sequence[int]) -> str:
    """Words of the blocks, then the totals in millions.

    Args:
        blocks: The blocks in order.
        stem: Channels after the first convolution.
        side: Side of its output, pixels.
        head: Channels of the layers after the last block, all pointwise.
    """
    params, macs = totals(blocks, stem, side, head)
    return " ".join([*(block.word for block in blocks), f"params_m={params / 1e6:.3g}", f"macs_m={macs / 1e6:.3g}"])


def totals(blocks: Iterable[Block], stem: int, side: int, head: Sequence[int]) -> tuple[int, int]:
    """Weights, and multiply-accumulates an image, of a network with a 3x3 stem and a classifier that sees one pixel."""
    params, macs, channels = 27 * stem, 27 * stem * side**2, stem
    for block in blocks:
        weights, work, side = _block(block, channels, side)
        params, macs, channels = params + weights, macs + work, block.channels
    for number, width in enumerate(head):
        params += channels * width
        macs += channels * width * (side**2 if number == 0 else 1)
        channels = width
    return params, macs


def to_onnx(
    blocks: Iterable[Block],
    stem: int,
    head: Sequence[int],
    shape: Sequence[int],
    stem_stride: int = 2,
    width: float = 1,
    activation: str = "Relu",
    seed: int = 0,
) -> ModelProto:
    """The network with random weights, of images of a shape (N, C, H, W).

    Args:
        blocks: The blocks in order.
        stem: Channels after the first convolution.
        head: Channels of the layers after the last block: a convolution, then linear ones on the mean of its output.
        shape: Of the images.
        stem_stride: Of the first convolution.
        width: Factor of all channels but the last of the head.
        activation: What follows the stem and the head's layers but the last.
        seed: Of the weights.

    Raises:
        ValueError: If a size is less than 1, or the width not positive.
    """
    if not width > 0:
        raise ValueError(f"width is {width!r}; it must be positive")
    layers = Layers(shape, seed)
    x = layers.activation(layers.conv(layers.images, _scaled(stem, width), 3, stem_stride), activation)
    for block in blocks:
        x = _block_layers(layers, x, block, _scaled(block.channels, width))
    first, *others, classes = head
    x = layers.activation(layers.conv(x, _scaled(first, width), 1), activation)
    x = layers.flat(layers.global_average(x))
    for features in others:
        x = layers.activation(layers.linear(x, _scaled(features, width)), activation)
    return layers.model(layers.linear(x, classes))


def _scaled(channels: int, width: float) -> int:
    """Channels times a width, even, as groups of 2 need."""
    return channels if width == 1 else max(2, 2 * round(channels * width / 2))


def _block_layers(layers: Layers, x: Tensor, block: Block, channels: int) -> Tensor:
    """An inverted bottleneck; what is skipped is a 1x1 convolution where the shape changes."""
    same = (x.channels, block.stride) == (channels, 1)
    if not block.kernel:
        return x if same else layers.conv(x, channels, 1, block.stride)
    y = x
    if block.expansion > 1:
        y = layers.activation(layers.conv(x, x.channels * block.expansion, 1, groups=block.groups), block.activation)
    y = layers.activation(layers.depthwise(y, block.kernel, block.stride), block.activation)
    y = _squeezed(layers, y) if block.squeeze else y
    y = layers.conv(y, channels, 1, groups=block.groups)
    return layers.add([y, x]) if same else y


def _squeezed(layers: Layers, x: Tensor) -> Tensor:
    """Squeeze and excitation (Hu et al. 2018, arXiv:1709.01507)."""
    inner = layers.relu(layers.conv(layers.global_average(x), max(1, x.channels // 4), 1))
    return layers.scaled(x, layers.activation(layers.conv(inner, x.channels, 1), "HardSigmoid"))


def _block(block: Block, channels: int, side: int) -> tuple[int, int, int]:
    """Weights and multiply-accumulates of a block, and the side of its output."""
    after = -(-side // block.stride)
    if not block.kernel:
        moved = channels * block.channels if (channels, block.stride) != (block.channels, 1) else 0
        return moved, moved * after**2, after
    inner = channels * block.expansion
    expand = channels * inner // block.groups if block.expansion > 1 else 0
    depth, contract = inner * block.kernel**2, inner * block.channels // block.groups
    squeeze = 2 * inner * max(1, inner // 4) if block.squeeze else 0
    macs = expand * side**2 + (depth + contract) * after**2 + squeeze
    return expand + depth + contract + squeeze, macs, after
