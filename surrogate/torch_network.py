"""The model as torch runs it; see `network`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .attention import KeysValues, Memory
from .encoder import EncoderTokenizer, PretrainedEncoder
from .model import RLM
from .network import Bools, Floats, Ids, Rows


class TorchNetwork:
    """A model on the device where it lies.

    Args:
        model: The language model.
    """

    def __init__(self, model: RLM) -> None:
        self.model = model.eval()

    @property
    def tokenizer(self) -> EncoderTokenizer | None:
        """What splits contexts, of a pretrained encoder."""
        encoder = self.model.encoder
        return encoder.tokenizer if isinstance(encoder, PretrainedEncoder) else None

    @torch.inference_mode()
    def words(self, pieces: Ids) -> Tensor:
        embedded: Tensor = self.model.words(_tensor(self.model, pieces))
        return embedded

    @torch.inference_mode()
    def encode(self, pieces: Ids, index: Ids) -> Memory:
        return self.model.encode(_tensor(self.model, pieces), _tensor(self.model, index))

    @torch.inference_mode()
    def read(self, words: Tensor, index: Ids, contexts: Iterable[tuple[Rows, Memory]]) -> Memory:
        parts = [
            (rows, self.model.read_candidates(words, _tensor(self.model, index[rows]), context))
            for rows, context in contexts
        ]
        order = np.concatenate([rows for rows, _ in parts]).argsort()
        return Memory.joined([memory for _, memory in parts], _tensor(self.model, order))

    @torch.inference_mode()
    def embed(self, words: Tensor, index: Ids) -> Tensor:
        return self.model.embed_metrics(words, _tensor(self.model, index))

    def write(self, metrics: Tensor, candidates: Memory) -> TorchWriter:
        return TorchWriter(self.model, metrics, candidates)


class TorchWriter:
    """Numbers of candidates in the making.

    Args:
        model: The language model.
        metrics: Embedded metrics, (M, D).
        candidates: What the reader made of n candidates.
    """

    def __init__(self, model: RLM, metrics: Tensor, candidates: Memory) -> None:
        self._model, self._metrics, self._candidates = model, metrics, candidates
        self._past: list[KeysValues] | None = None
        self._position = 0

    @torch.inference_mode()
    def start(self, allowed: Bools, first: int = 0) -> tuple[Floats, Floats]:
        count, size = self._candidates.mask.shape[0], len(self._metrics)
        apart = torch.eye(size, dtype=torch.bool, device=self._metrics.device)
        states = self._write(self._metrics.expand(count, -1, -1), apart[None])
        scores = self._model.logits(states, 0).masked_fill(~_tensor(self._model, allowed), -1e4)
        return _probabilities(scores[..., first:]), states.double().cpu().numpy()

    @torch.inference_mode()
    def grow(self, tokens: Ids, visible: Bools, first: int = 0) -> Floats:
        self._position += 1
        states = self._write(
            self._model.tokens(_tensor(self._model, tokens)), _tensor(self._model, visible).unsqueeze(1)
        )
        return _probabilities(self._model.logits(states, self._position)[..., first:])

    @torch.inference_mode()
    def of(self, rows: Rows) -> TorchWriter:
        if len(rows) == len(self._candidates.mask):
            return self
        chosen = _tensor(self._model, rows)
        some = TorchWriter(self._model, self._metrics, self._candidates.of(chosen))
        some._past = [past.of(chosen) for past in self._past] if self._past else None
        some._position = self._position
        return some

    def _write(self, x: Tensor, mask: Tensor) -> Tensor:
        states, self._past = self._model.write(x, mask, self._candidates, self._past)
        return states


def _probabilities(scores: Tensor) -> Floats:
    return scores.double().softmax(dim=-1).cpu().numpy()


def _tensor(model: RLM, array: NDArray[Any]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(model.order.device)
