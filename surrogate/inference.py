"""Asking a trained model: texts in batches, each context read once.

Shapes: n texts, D the width of the model, K the metrics that the model knows of a context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .adaptation import Reading
from .decoding import Leaves, decode, outline
from .encoder import EncoderTokenizer, PretrainedEncoder
from .joint import JOINT_WORDS, batches, joint
from .knowledge import Knowledge
from .model import CANDIDATE_WORDS, CONTEXT_WORDS, METRIC_WORDS, RLM, Memory
from .prediction import Prediction, concatenate
from .problem import Problem
from .tokenizer import Tokenizer

Floats = NDArray[np.float64]

_CHUNK = 256  # texts decoded together
_CONTEXTS = 16  # contexts kept encoded


class Inference:
    """A model with its tokenizer and what it is known to know.

    Args:
        model: The language model, on the device where it shall run.
        tokenizer: What splits texts for it.
        knowledge: What it was trained on.
    """

    def __init__(self, model: RLM, tokenizer: Tokenizer, knowledge: Knowledge) -> None:
        self.model = model.eval()
        self.tokenizer = tokenizer
        self.knowledge = knowledge
        self._encoded: dict[str, Memory] = {}

    @property
    def device(self) -> torch.device:
        """Where the model runs."""
        return self.model.order.device

    @property
    def context_tokenizer(self) -> Tokenizer | EncoderTokenizer:
        """What splits contexts."""
        encoder = self.model.encoder
        return encoder.tokenizer if isinstance(encoder, PretrainedEncoder) else self.tokenizer

    def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
        """Distribution of the problem's metric for each text, by the model alone."""
        answer = self._answer(problem)
        return self._prediction(problem, [answer(memory) for memory in self._read(problem, texts)])

    def read(self, problem: Problem, texts: Sequence[str]) -> tuple[Prediction, Reading]:
        """The same, with what the model makes of each text besides: for the metric asked, then for all it knows.

        Outlines are of the metrics of one word alone, where there are any: sizes and accuracies say little of a latency
        that latencies on other devices do not, and a few observations could not tell which of them to follow.
        """
        names = [problem.metric, *self.knowledge.metrics(problem.context)]
        known = {problem.metric, *self.knowledge.alike(problem)}
        alike = [len(known) == 1 or name in known for name in names]
        metrics = self._metrics(names)
        heads = np.stack([self.knowledge.heads(Problem(problem.context, name)) for name in names])
        answer, decoded = self._answer(problem), list[tuple[Leaves, Floats]]()
        outlines, states = [np.empty((0, sum(alike)))], [np.empty((0, metrics.numel()))]
        for memory in self._read(problem, texts):
            decoded.append(answer(memory))
            means, before = outline(self.model, metrics, memory, heads)
            outlines.append(means[:, alike])
            states.append(before.reshape(len(before), -1))
        prediction = self._prediction(problem, decoded)
        both = np.concatenate(outlines), np.concatenate(states)
        return prediction, Reading(texts, prediction.mean, prediction.std, prediction.p_fail, *both)

    def forget_contexts(self) -> None:
        """Encode contexts anew, after the weights have changed."""
        self._encoded.clear()

    def _answer(self, problem: Problem) -> Callable[[Memory], tuple[Leaves, Floats]]:
        """What turns memories into leaves and probabilities of failure: of all metrics that answer the question."""
        shares, heads = self.knowledge.answering(problem), self.knowledge.heads(problem)
        metrics = self._metrics(list(shares))

        def answer(memory: Memory) -> tuple[Leaves, Floats]:
            return _mixed([decode(self.model, metric, memory, heads) for metric in metrics], list(shares.values()))

        return answer

    def _prediction(self, problem: Problem, decoded: list[tuple[Leaves, Floats]]) -> Prediction:
        trust, knows = self.knowledge.trust(problem), bool(self.knowledge.alike(problem))
        empty = np.empty((0, 1))
        nothing = Prediction(empty, empty, empty, np.empty(0), np.empty(0))
        # Where nothing like it was measured, what looks like a failure is a reading of unknown words.
        columns = ((leaves, knows * p_fail, np.full(len(p_fail), trust)) for leaves, p_fail in decoded)
        prediction = concatenate([nothing, *(Prediction(*leaves, *others) for leaves, *others in columns)])
        error = self.knowledge.scale_error(problem)
        return prediction.rescaled(error) if error else prediction

    def _read(self, problem: Problem, texts: Sequence[str]) -> Iterator[Memory]:
        """Memories of the texts, a batch at a time."""
        long = np.array([self.tokenizer.exceeds(text, CANDIDATE_WORDS) for text in texts], dtype=np.bool_)
        short = ["" if apart else text for text, apart in zip(texts, long, strict=True)]
        words = self.tokenizer(short, CANDIDATE_WORDS)
        with torch.inference_mode():
            embedded, index = self.model.words(self._tensor(words.pieces)), self._tensor(words.index)
        shared = self.knowledge.read_as(problem.context)
        for start in range(0, len(texts), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            with torch.inference_mode():
                read = [
                    (rows, self.model.read_candidates(embedded, index[chunk][rows], context))
                    for rows, context in self._contexts(shared, texts[chunk], long[chunk])
                ]
                order = torch.cat([rows for rows, _ in read]).argsort()
                memory = Memory.joined([memory for _, memory in read], order)
            yield memory

    def _contexts(self, context: str, texts: Sequence[str], long: NDArray[np.bool_]) -> Iterator[tuple[Tensor, Memory]]:
        """Rows of texts, with the encoded contexts in which they are read: one for all short ones, one a long one."""
        if not long.all():
            yield self._tensor(np.flatnonzero(~long)), self._context(context)
        if not long.any():
            return
        apart = [joint(context, texts[row]) for row in np.flatnonzero(long).tolist()]
        words = self.context_tokenizer(apart, JOINT_WORDS)
        pieces, index = self._tensor(words.pieces), self._tensor(words.index)
        lengths = (words.index > 0).sum(axis=1)
        for batch in batches(lengths):
            encoded = self.model.encode(pieces, index[batch, : lengths[batch].max()])
            yield self._tensor(np.flatnonzero(long)[batch]), encoded

    def _context(self, context: str) -> Memory:
        """The context as the reader's memory, encoded once."""
        if context not in self._encoded:
            words = self.context_tokenizer([context], CONTEXT_WORDS)
            encoded = self.model.encode(self._tensor(words.pieces), self._tensor(words.index))
            self._encoded = dict(list(self._encoded.items())[1 - _CONTEXTS :]) | {context: encoded}
        return self._encoded[context]

    @torch.inference_mode()
    def _metrics(self, metrics: Sequence[str]) -> Tensor:
        """Embedded metrics, (M, D)."""
        words = self.tokenizer(metrics, METRIC_WORDS)
        return self.model.embed_metrics(self.model.words(self._tensor(words.pieces)), self._tensor(words.index))

    def _tensor(self, array: NDArray[np.int64]) -> Tensor:
        return torch.from_numpy(array).to(self.device)


def _mixed(decoded: Sequence[tuple[Leaves, Floats]], shares: Sequence[float]) -> tuple[Leaves, Floats]:
    """Distributions side by side, each by its share."""
    lower, upper = (np.concatenate([leaves[end] for leaves, _ in decoded], axis=1) for end in (0, 1))
    mass = np.concatenate([share * leaves[2] for (leaves, _), share in zip(decoded, shares, strict=True)], axis=1)
    p_fail: Floats = sum((share * p for (_, p), share in zip(decoded, shares, strict=True)), np.zeros(len(mass)))
    return (lower, upper, mass), p_fail
