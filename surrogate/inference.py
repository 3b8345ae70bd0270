"""Asking a trained model: texts in batches, each context read once.

Shapes: n texts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import belief
from .decoding import Leaves, decode, outline
from .joint import JOINT_WORDS, batches, joint
from .knowledge import Knowledge
from .network import CANDIDATE_WORDS, CONTEXT_WORDS, METRIC_WORDS, Bools, Floats, Network, Rows, Splits
from .prediction import Prediction, concatenate
from .problem import Problem
from .reading import Reading
from .tiles import with_tiles
from .tokenizer import Tokenizer
from .wording import strangeness

if TYPE_CHECKING:
    from .model import RLM

_CHUNK = 512  # texts decoded together
_CONTEXTS = 16  # contexts kept encoded
_LARGER = 0.3  # share of the trust that candidates far larger than all that were read have not
_NOVELTY_ERROR = 0.5  # of the logarithm of a value whose text has no known word, as of a device that is not known


class Inference:
    """A model, its tokenizer and its `Knowledge`.

    Args:
        network: The language model, as torch or another runtime has it.
        tokenizer: What splits texts for it.
        knowledge: What it was trained on.
    """

    def __init__(self, network: Network, tokenizer: Tokenizer, knowledge: Knowledge) -> None:
        self.network = network
        self.tokenizer = tokenizer
        self.knowledge = knowledge
        self._encoded: dict[str, Any] = {}

    @property
    def model(self) -> RLM:
        """The weights, to train and to save."""
        from .torch_network import TorchNetwork

        if not isinstance(self.network, TorchNetwork):
            raise TypeError(f"a {type(self.network).__name__} has no weights of torch")
        return self.network.model

    @property
    def context_tokenizer(self) -> Splits:
        """What splits contexts."""
        return self.network.tokenizer or self.tokenizer

    def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
        """Distribution of the problem's metric for each text, by the model alone."""
        answer = self._answer(problem)
        return self._prediction(problem, texts, [answer(memory) for memory in self._read(problem, texts)])

    def read(self, problem: Problem, texts: Sequence[str]) -> tuple[Prediction, Reading]:
        """The same, with what the model makes of each text besides.

        Outlines are of the metric asked and of the other known ones of its word; where there are none, of all that are
        known. Sizes and accuracies say little of a latency that latencies on other devices do not, and a few
        observations could not tell which of them to follow.
        """
        asked, alike = problem.metric, self.knowledge.alike(problem)
        known = alike if {*alike} - {asked} else self.knowledge.metrics(problem.context)
        # In a space that is not known, even the same word is another metric.
        names = [asked, *(name for name in known if name != asked or not alike)]
        answer, decoded = self._answer(problem), list[tuple[Leaves, Floats]]()
        metrics = self._metrics(names)
        heads = np.stack([self.knowledge.heads(Problem(problem.context, name)) for name in names])
        outlines, states = [np.empty((0, len(names)))], [np.empty((0, math.prod(metrics.shape)))]
        for memory in self._read(problem, texts):
            decoded.append(answer(memory))
            means, before = outline(self.network.write(metrics, memory), heads)
            outlines.append(means)
            states.append(before.reshape(len(before), -1))
        prediction = self._prediction(problem, texts, decoded)
        both = np.concatenate(outlines), np.concatenate(states)
        return prediction, Reading(texts, prediction.mean, prediction.std, prediction.p_fail, *both)

    def forget_contexts(self) -> None:
        """Encode contexts anew, after the weights have changed."""
        self._encoded.clear()

    def _answer(self, problem: Problem) -> Callable[[Any], tuple[Leaves, Floats]]:
        """What turns memories into leaves and probabilities of failure: of all metrics that answer the question."""
        shares, heads = self.knowledge.answering(problem), self.knowledge.heads(problem)
        metrics = self._metrics(list(shares))
        alone = [metrics[number : number + 1] for number in range(len(shares))]

        def answer(memory: Any) -> tuple[Leaves, Floats]:
            decoded = [decode(self.network.write(metric, memory), heads) for metric in alone]
            return _mixed(decoded, list(shares.values()))

        return answer

    def _prediction(
        self, problem: Problem, texts: Sequence[str], decoded: Sequence[tuple[Leaves, Floats]]
    ) -> Prediction:
        knowledge, empty = self.knowledge, np.empty((0, 1))
        knows, novelty = bool(knowledge.alike(problem)), belief.novelty(knowledge, problem, texts)
        nothing = Prediction(empty, empty, empty, np.empty(0), np.empty(0))
        # Where nothing like it was measured, what looks like a failure is a reading of unknown words.
        columns = ((leaves, knows * p_fail, np.empty(len(p_fail))) for leaves, p_fail in decoded)
        prediction = concatenate([nothing, *(Prediction(*leaves, *others) for leaves, *others in columns)])
        trusted = replace(prediction, trust=belief.trust(knowledge, problem) * (1 - novelty))
        error, law = belief.error(knowledge, problem) + _NOVELTY_ERROR * novelty, knowledge.law(problem)
        if law is None:
            return trusted.rescaled(error)
        costs, beyond = law(texts)
        levelled = _levelled(trusted, costs, np.maximum(beyond, strangeness(novelty)))
        less = replace(levelled, trust=trusted.trust * (1 - _LARGER * beyond))
        return less.rescaled(np.hypot(error, law.error_of(beyond)))

    def _read(self, problem: Problem, texts: Sequence[str]) -> Iterator[Any]:
        """Memories of the texts, a batch at a time."""
        shared = self.knowledge.read_as(problem.context)
        texts = [with_tiles(shared, text) for text in texts]
        long = np.array([self.tokenizer.exceeds(text, CANDIDATE_WORDS) for text in texts], dtype=np.bool_)
        short = ["" if apart else text for text, apart in zip(texts, long, strict=True)]
        words = self.tokenizer(short, CANDIDATE_WORDS)
        embedded = self.network.words(words.pieces)
        for start in range(0, len(texts), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            yield self.network.read(embedded, words.index[chunk], self._contexts(shared, texts[chunk], long[chunk]))

    def _contexts(self, context: str, texts: Sequence[str], long: Bools) -> Iterator[tuple[Rows, Any]]:
        """Rows of texts, with the encoded contexts in which they are read: one for all short ones, one a long one."""
        if not long.all():
            yield np.flatnonzero(~long), self._context(context)
        if not long.any():
            return
        apart = [joint(context, texts[row]) for row in np.flatnonzero(long).tolist()]
        words = self.context_tokenizer(apart, JOINT_WORDS)
        lengths = (words.index > 0).sum(axis=1)
        for batch in batches(lengths):
            encoded = self.network.encode(words.pieces, words.index[batch, : lengths[batch].max()])
            yield np.flatnonzero(long)[batch], encoded

    def _context(self, context: str) -> Any:
        """The context as the reader's memory, encoded once."""
        encoded = self._encoded.get(context)
        if encoded is None:
            words = self.context_tokenizer([context], CONTEXT_WORDS)
            encoded = self.network.encode(words.pieces, words.index)
            self._encoded = dict(list(self._encoded.items())[1 - _CONTEXTS :]) | {context: encoded}
        return encoded  # not from the dict, which another thread may have exchanged

    def _metrics(self, metrics: Sequence[str]) -> Any:
        """Embedded metrics, M of them."""
        words = self.tokenizer(metrics, METRIC_WORDS)
        return self.network.embed(self.network.words(words.pieces), words.index)


def _levelled(prediction: Prediction, costs: Floats, share: Floats) -> Prediction:
    """The same, between its own level and that of a law's costs: as near to these as each one's share, (n,)."""
    tiny = np.finfo(np.float64).tiny
    factor = ((np.maximum(costs, tiny) / np.maximum(prediction.mean, tiny)) ** share)[:, None]
    return replace(prediction, lower=factor * prediction.lower, upper=factor * prediction.upper)


def _mixed(decoded: Sequence[tuple[Leaves, Floats]], shares: Sequence[float]) -> tuple[Leaves, Floats]:
    """Distributions side by side, each by its share."""
    lower, upper = (np.concatenate([leaves[end] for leaves, _ in decoded], axis=1) for end in (0, 1))
    mass = np.concatenate([share * leaves[2] for (leaves, _), share in zip(decoded, shares, strict=True)], axis=1)
    p_fail: Floats = sum((share * p for (_, p), share in zip(decoded, shares, strict=True)), np.zeros(len(mass)))
    return (lower, upper, mass), p_fail
