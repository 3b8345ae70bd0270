"""The regression language model: context, then candidate, then number.

1. A *T5Gemma encoder* reads the context, once for all its candidates. (A long candidate is part of it: see `joint`.)
2. The *reader* reads each candidate, its words attending to one another and to the context.
3. The *writer* writes the number of a metric token by token, attending to the tokens before and to the candidate.

Numbers of several metrics are written side by side: each sees the candidate and its own tokens, so that a metric asked
alone and a metric asked among others get the same answer, and every metric of a row supervises the one reading.

Shapes
    P contexts, C candidates a context, n = P * C, S words a context, L words a candidate, K metrics a candidate,
    T = codec.LENGTH tokens a number, D the width, H heads.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .attention import KeysValues, Memory
from .codec import GRAMMAR, HEAD_PRIOR, LENGTH, VOCABULARY
from .encoder import PretrainedEncoder, small_encoder
from .layer import Dropout, Layer
from .magnitude import FEATURES, features, without_long_numbers
from .network import CANDIDATE_WORDS, METRIC_WORDS
from .tokenizer import PLACES


class WordEmbedding(nn.Module):
    """Sum of a word's pieces and of the sizes of its numbers, each bound to its place in the word by a product."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.pieces = nn.Embedding(vocabulary, width, padding_idx=0)
        self.sizes = nn.Linear(FEATURES, width, bias=False)
        self.places = nn.Parameter(1 + 0.3 * torch.randn(PLACES, width))
        nn.init.normal_(self.pieces.weight[1:], std=0.4)

    def forward(self, pieces: Tensor) -> Tensor:
        """Embeddings of words, (U, PLACES) -> (U, D)."""
        spelled, sized = self.pieces(without_long_numbers(pieces)), self.sizes(features(pieces))  # (U, PLACES, D)
        embedded: Tensor = ((spelled + sized) * self.places).sum(dim=1)
        return embedded


class RLM(nn.Module):
    """Regression language model.

    Args:
        vocabulary: Pieces that the tokenizer knows.
        width: D, a multiple of twice the heads, each of which turns pairs of numbers by their place.
        heads: H.
        encoder_layers: Layers that read the context.
        reader_layers: Layers that read a candidate.
        writer_layers: Layers that write a number.
        soft_cap: Bound of the encoder's attention scores, as in checkpoints that do not say; None trains three
            times faster on contexts of 1000 words.
        encoder: A pretrained encoder to take the small one's place.

    Raises:
        ValueError: If a size is less than 1, or the width no such multiple.
    """

    def __init__(
        self,
        vocabulary: int,
        width: int = 128,
        heads: int = 4,
        encoder_layers: int = 2,
        reader_layers: int = 4,
        writer_layers: int = 2,
        soft_cap: float | None = 50.0,
        encoder: PretrainedEncoder | None = None,
    ) -> None:
        super().__init__()
        self.shape = {
            "vocabulary": vocabulary,
            "width": width,
            "heads": heads,
            "encoder_layers": encoder_layers,
            "reader_layers": reader_layers,
            "writer_layers": writer_layers,
            "soft_cap": soft_cap,
        }
        for name, size in self.shape.items():
            if size is not None and size < 1:
                raise ValueError(f"{name} is {size}; it must be at least 1")
        if width % (2 * heads):
            raise ValueError(f"width is {width} for {heads} heads; it must be a multiple of twice as many")
        self.words = WordEmbedding(vocabulary, width)
        self.encoder = encoder or small_encoder(width, heads, encoder_layers, soft_cap)
        self.positions = nn.Parameter(0.4 * torch.randn(CANDIDATE_WORDS, width))
        self.reader = nn.ModuleList(Layer(width, heads) for _ in range(reader_layers))
        self.read = nn.RMSNorm(width)
        self.order = nn.Parameter(1 + 0.3 * torch.randn(METRIC_WORDS, width))
        self.tokens = nn.Embedding(VOCABULARY, width)
        self.writer = nn.ModuleList(Layer(width, heads) for _ in range(writer_layers))
        self.written = nn.RMSNorm(width)
        self.output = nn.Linear(width, VOCABULARY)
        nn.init.normal_(self.tokens.weight, std=0.4)
        nn.init.zeros_(self.output.weight)
        with torch.no_grad():
            self.output.bias.zero_()[GRAMMAR[0]] = torch.from_numpy(HEAD_PRIOR)

    def drop(self, share: float) -> None:
        """Leave out a share of the layers' outputs, in training alone."""
        for module in self.modules():
            if isinstance(module, Dropout):
                module.dropped = round(256 * share)

    def pretrained_parameters(self) -> list[nn.Parameter]:
        """Weights that were trained elsewhere and are trained on."""
        trained = self.encoder.trained if isinstance(self.encoder, PretrainedEncoder) else None
        return list(trained.parameters()) if trained else []

    def encode(self, pieces: Tensor, index: Tensor) -> Memory:
        """Read contexts, words as the encoder's tokenizer has them and index (P, S) -> a memory of P rows."""
        mask = _present(index)
        if isinstance(self.encoder, PretrainedEncoder):
            encoded: Tensor = self.encoder(pieces[:, 0][index], mask.long())
        else:
            embedded = self.words(pieces)[index]
            encoded = self.encoder(inputs_embeds=embedded, attention_mask=mask.long()).last_hidden_state
        return self._memory(self.reader, encoded, mask)

    def read_candidates(self, words: Tensor, index: Tensor, context: Memory) -> Memory:
        """Read candidates, words (U, D) and index (n, L) in P equal groups -> a memory of n rows for the writer."""
        mask = _present(index)
        x = words[index] + self.positions[: index.shape[1]]
        for layer, keys_values in zip(self.reader, context.layers, strict=True):
            x, _ = layer(x, mask[:, None, None], keys_values, context.mask)
        return self._memory(self.writer, self.read(x), mask)

    def embed_metrics(self, words: Tensor, index: Tensor) -> Tensor:
        """One position for a whole metric, words (U, D) and index (M, at most METRIC_WORDS) -> (M, D)."""
        return (words[index] * self.order[: index.shape[1]]).sum(dim=1)

    def write(
        self, x: Tensor, own_mask: Tensor, candidates: Memory, past: list[KeysValues] | None = None
    ) -> tuple[Tensor, list[KeysValues]]:
        """Positions of numbers (n, q, D) -> their states, and the keys and values of all positions written so far."""
        cache: list[KeysValues] = []
        for number, layer in enumerate(self.writer):
            before = past[number] if past else None
            x, own = layer(x, own_mask, candidates.layers[number], candidates.mask, before)
            cache.append(own)
        return self.written(x), cache

    def logits(self, states: Tensor, position: int) -> Tensor:
        """Scores of the tokens that the grammar allows at a position of the number."""
        allowed = GRAMMAR[position]
        return F.linear(states, self.output.weight[allowed], self.output.bias[allowed])

    def forward(self, metrics: Tensor, tokens: Tensor, candidates: Memory) -> list[Tensor]:
        """Teacher-forced scores of numbers.

        Args:
            metrics: Embedded metrics, (n, K, D).
            tokens: Tokens of the numbers, (n, K, T).
            candidates: Memory of n rows.

        Returns:
            Scores for each of the T positions, (n * K, allowed tokens).
        """
        x = torch.cat([metrics.unsqueeze(2), self.tokens(tokens[:, :, :-1])], dim=2).flatten(0, 1)  # (n * K, T, D)
        causal = torch.ones(LENGTH, LENGTH, dtype=torch.bool, device=x.device).tril()
        states, _ = self.write(x, causal, candidates)
        return [self.logits(states[:, position], position) for position in range(LENGTH)]

    @staticmethod
    def _memory(layers: Iterable[nn.Module], states: Tensor, mask: Tensor) -> Memory:
        attentions = [layer.memory for layer in layers if isinstance(layer, Layer)]
        return Memory([attention.project(states) for attention in attentions], mask[:, None, None])


def _present(index: Tensor) -> Tensor:
    """Which positions hold words, (n, L); the first one always does, so that an empty text can be attended to."""
    mask = index != 0
    mask[:, 0] = True
    return mask
