"""Networks of inverted bottlenecks (Sandler et al. 2018, arXiv:1801.04381), as text shared by the spaces made of them.

One word a block: ``mbconv5x5e6c40s2se`` is a 5x5 depthwise convolution with expansion 6, 40 output channels, stride 2
and squeeze-and-excitation; ``g2`` marks pointwise convolutions in 2 groups; ``skip`` is no block at all. Two words of
totals follow, since size alone explains most of a latency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


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
    """

    kernel: int
    expansion: int
    channels: int
    stride: int = 1
    squeeze: bool = False
    groups: int = 1

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
