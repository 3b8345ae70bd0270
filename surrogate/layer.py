"""A layer of the model's reader and of its writer, and the dropout in it.

Shapes
    n rows of a batch, q positions a row, D the width.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import Attention, KeysValues


class Dropout(nn.Module):
    """Dropout whose mask costs one random byte a number; torch's own takes a seventh of a training step on a CPU."""

    dropped = 0
    """Of 256 numbers, those that are left out (see `RLM.drop`)."""

    def forward(self, x: Tensor) -> Tensor:
        """Leave numbers out in training and scale up the rest."""
        if not self.training or not self.dropped:
            return x
        words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device).random_(-(2**63), None)
        kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= self.dropped
        return x * kept * (256 / (256 - self.dropped))


class Layer(nn.Module):
    """Attention among the own positions, attention to a memory, a squared-ReLU network; each on a normalised input."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.own = Attention(width, heads)
        self.memory = Attention(width, heads)
        self.expand = nn.Linear(width, 4 * width, bias=False)
        self.contract = nn.Linear(4 * width, width, bias=False)
        self.norms = nn.ModuleList(nn.RMSNorm(width) for _ in range(3))
        self.dropout = Dropout()
        nn.init.zeros_(self.contract.weight)

    def forward(
        self, x: Tensor, own_mask: Tensor, memory: KeysValues, memory_mask: Tensor, past: KeysValues | None = None
    ) -> tuple[Tensor, KeysValues]:
        """Positions (n, q, D) -> the same shape, and the keys and values of all own positions, those of past first."""
        normed = self.norms[0](x)
        own = self.own.project(normed)
        own = past.followed_by(own) if past else own
        x = x + self.dropout(self.own(normed, own, own_mask))
        x = x + self.dropout(self.memory(self.norms[1](x), memory, memory_mask))
        raised = F.relu(self.expand(self.norms[2](x)), inplace=True)
        squared = raised.square() if raised.requires_grad else raised.square_()
        return x + self.dropout(self.contract(squared)), own
