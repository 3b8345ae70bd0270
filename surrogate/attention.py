"""Attention, and the memory that it attends to.

Shapes
    n rows of a batch, or m rows that n / m consecutive ones share; D the width, H heads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class KeysValues(NamedTuple):
    """Projected memory of one attention: keys and values, (batch, H, length, D / H) each."""

    keys: Tensor
    values: Tensor

    def followed_by(self, later: KeysValues) -> KeysValues:
        """This memory and a later one, end to end."""
        return KeysValues(*(torch.cat(pair, dim=2) for pair in zip(self, later, strict=True)))

    def of(self, rows: Tensor) -> KeysValues:
        """Those of some rows of the batch."""
        return KeysValues(self.keys[rows], self.values[rows])


@dataclass(frozen=True)
class Memory:
    """What the layers of a stage attend to: keys and values for each layer, and which positions hold words.

    Args:
        layers: One `KeysValues` a layer.
        mask: True where there is a word, (batch, 1, 1, length).
    """

    layers: list[KeysValues]
    mask: Tensor

    def of(self, rows: Tensor) -> Memory:
        """That of some rows of the batch."""
        return Memory([layer.of(rows) for layer in self.layers], self.mask[rows])

    @staticmethod
    def joined(parts: Sequence[Memory], order: Tensor) -> Memory:
        """Memories of one length, one below the other, and then their rows in an order, (n,); one alone is in it."""
        if len(parts) == 1:
            return parts[0]
        layers = [
            KeysValues(*(torch.cat(tensors)[order] for tensors in zip(*layer, strict=True)))
            for layer in zip(*(part.layers for part in parts), strict=True)
        ]
        return Memory(layers, torch.cat([part.mask for part in parts])[order])


class Attention(nn.Module):
    """Multi-head attention whose keys and values are projected apart, so that they can be kept and shared."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        nn.init.zeros_(self.out.weight)

    def project(self, memory: Tensor) -> KeysValues:
        """Keys and values of a memory, (batch, length, D)."""
        return KeysValues(self._split(self.key(memory)), self._split(self.value(memory)))

    def forward(self, x: Tensor, memory: KeysValues, mask: Tensor | None) -> Tensor:
        """Attend from x (n, q, D) to a memory of n rows, or of m rows that n / m consecutive rows of x share."""
        shared = x.reshape(memory.keys.shape[0], -1, x.shape[-1])
        attended = self._attend(self._split(self.query(shared)), memory, mask)
        out: Tensor = self.out(attended.transpose(1, 2).reshape(x.shape))
        return out

    def _attend(self, query: Tensor, memory: KeysValues, mask: Tensor | None) -> Tensor:
        """Attention, of many short rows by hand: torch's softmax and fused kernel are slow at them, on a processor.

        ONNX Runtime's softmax is not, but its choice between numbers is slower than their sum.
        """
        if query.is_cuda or mask is None or len(memory.keys) == 1:
            return F.scaled_dot_product_attention(query, *memory, attn_mask=mask)
        scores = (query * query.shape[-1] ** -0.5) @ memory.keys.transpose(-1, -2)
        if torch.onnx.is_in_onnx_export():
            return (scores - 1e4 * ~mask).softmax(dim=-1) @ memory.values
        scores = scores.float().masked_fill_(~mask, -1e4)  # of half precision, as softmax does
        weights = scores.sub_(scores.detach().amax(dim=-1, keepdim=True)).exp_()
        attended: Tensor = (weights.to(memory.values.dtype) @ memory.values) / weights.sum(dim=-1, keepdim=True)
        return attended

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, x.shape[-1] // self.heads).transpose(1, 2)
