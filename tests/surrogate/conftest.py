"""A tiny model with random weights, whose answers mean nothing but must obey every rule."""

from __future__ import annotations

import pytest
import torch

from prerank.surrogate import RLMSurrogate
from prerank.surrogate.inference import Inference

TEXTS = ["input conv3x3<0 output<1", "a b c d e f", "", "BLOCK_M=64 num_warps=8", "b a"]


@pytest.fixture
def texts() -> list[str]:
    return list(TEXTS)


@pytest.fixture
def surrogate() -> RLMSurrogate:
    small = RLMSurrogate.untrained(
        TEXTS, vocabulary=300, width=16, heads=2, encoder_layers=1, reader_layers=2, writer_layers=2
    )
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in small._inference.model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
        small._inference.model.words.sizes.weight.mul_(0.1)  # a word may have dozens of such features
        small._inference.model.words.pieces.weight[0] = 0  # padding stays nothing, as it does in training
    return small


@pytest.fixture
def inference(surrogate: RLMSurrogate) -> Inference:
    return surrogate._inference
