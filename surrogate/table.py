"""Measured candidates, as a user has them and as the training loop wants them.

Shapes: R rows, V texts a row, L words a text, M metrics, T = codec.LENGTH tokens a number, S words a context.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .codec import LENGTH, encode
from .joint import JOINT_WORDS, TOGETHER, batches, joint
from .network import CANDIDATE_WORDS, CONTEXT_WORDS, METRIC_WORDS, Splits
from .problem import first_line
from .tiles import with_tiles
from .tokenizer import Tokenizer, Words

_READ_AT_ONCE = 16_384  # words; 512 candidates of most spaces are fewer


@dataclass(frozen=True)
class Row:
    """One measured candidate.

    Args:
        context: What it shares with others (see `Problem`).
        texts: One or several equivalent texts of it; training draws one of them each time it meets the row.
        values: Metric -> measured value, of a metric in one unit in all rows; nan or infinite: the candidate failed.

    Raises:
        ValueError: If there is no text or no value, or one is none.
    """

    context: str
    texts: tuple[str, ...]
    values: Mapping[str, float]

    def __post_init__(self) -> None:
        if isinstance(self.texts, str):
            raise ValueError(f"texts is the single string {self.texts[:60]!r}; give a tuple of texts")
        object.__setattr__(self, "texts", tuple(self.texts))
        for text in (self.context, *self.texts):
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ValueError(f"a row has {text!r:.60}, a {type(text).__name__}, where a text belongs")
        if not self.texts:
            raise ValueError(f"a row of {self.context[:60]!r} has no text; give at least one")
        if not self.values:
            raise ValueError(f"the row {self.texts[0][:60]!r} has no value; give at least one metric")
        for metric, value in self.values.items():
            if not isinstance(value, Real):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ValueError(f"the row {self.texts[0][:60]!r} has {metric} {value!r:.60}; give a number")


def by_space(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """First context line -> the rows whose contexts begin with it."""
    spaces: dict[str, list[Row]] = {}
    for row in rows:
        spaces.setdefault(first_line(row.context), []).append(row)
    return spaces


@dataclass(frozen=True)
class Batch:
    """Candidates of P contexts, C of each, every one with K metrics; the tensors of one training step.

    Args:
        context_pieces: Distinct words of the contexts as the encoder's tokenizer has them, (U', its pieces a word).
        contexts: Words of the contexts, (P, S).
        pieces: Distinct words of candidates and metrics, (U, PLACES).
        candidates: Words of the candidates, (P * C, L).
        metrics: Words of all metrics, (M, words).
        asked: Metrics of each candidate as rows of `metrics`, (P * C, K).
        tokens: Tokens of the values, (P * C, K, T).
        present: Which of the values were measured, (P * C, K).
    """

    context_pieces: Tensor
    contexts: Tensor
    pieces: Tensor
    candidates: Tensor
    metrics: Tensor
    asked: Tensor
    tokens: Tensor
    present: Tensor

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        return Batch(*(tensor.to(device) for tensor in vars(self).values()))


class Table:
    """Rows encoded once, from which training steps draw batches; every batch is of one *space*, a first context line.

    Args:
        rows: Measured candidates.
        tokenizer: What splits their texts.
        shares: First context line -> weight of its draws; a line that is not named has the square root of its rows.
        context_tokenizer: What splits their contexts; None: the same.

    Raises:
        ValueError: If there are no rows, or the shares are of others or weigh nothing.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        tokenizer: Tokenizer,
        shares: Mapping[str, float] | None = None,
        context_tokenizer: Splits | None = None,
    ) -> None:
        if not rows:
            raise ValueError("there are no rows to train on; give at least one Row")
        spaces, shares = by_space(map(_as_read, rows)), shares or {}
        if unknown := sorted(shares.keys() - spaces.keys()):
            raise ValueError(f"shares names {unknown}; the rows' contexts begin with {sorted(spaces)}")
        self._spaces: list[_Space] = []
        weights: list[float] = []
        for line, own in spaces.items():
            weight, routes = shares.get(line, math.sqrt(len(own))), _routes(own, tokenizer)
            for kind, part in routes.items():
                self._spaces.append(kind(part, tokenizer, context_tokenizer or tokenizer))
                weights.append(weight * len(part) / sum(map(len, routes.values())))
        if not sum(weights) > 0 or min(weights) < 0:
            raise ValueError(f"shares are {dict(shares)}; give weights of at least 0, not all of them 0")
        self._shares = np.array(weights) / np.sum(weights)

    def __len__(self) -> int:
        return sum(len(space) for space in self._spaces)

    @property
    def metrics(self) -> list[str]:
        """All metrics of all spaces."""
        return list(dict.fromkeys(metric for space in self._spaces for metric in space.metrics))

    def draw(self, rng: np.random.Generator, contexts: int, candidates: int, metrics: int) -> Batch:
        """A random batch: a space by its share, contexts by their rows, then candidates, one text of each, metrics.

        Args:
            rng: Where the draws come from.
            contexts: Contexts; a space may have fewer, and takes more where one has few candidates.
            candidates: Candidates of all contexts together, as nearly as their number divides it; long ones, each of
                which has a context of its own, as many as fit in memory.
            metrics: Most metrics of a candidate.
        """
        space = self._spaces[int(rng.choice(len(self._spaces), p=self._shares))]
        return space.draw(rng, contexts, candidates, metrics)


def _as_read(row: Row) -> Row:
    """A row with its texts as the model reads them in the row's context."""
    return replace(row, texts=tuple(with_tiles(row.context, text) for text in row.texts))


class _Space:
    """Rows whose contexts begin with the same line."""

    context_words = CONTEXT_WORDS

    def __init__(self, rows: Sequence[Row], tokenizer: Tokenizer, context_tokenizer: Splits) -> None:
        contexts = {context: number for number, context in enumerate(dict.fromkeys(row.context for row in rows))}
        self.metrics = list(dict.fromkeys(metric for row in rows for metric in row.values))
        context_of = np.array([contexts[row.context] for row in rows])
        counts = np.bincount(context_of)
        ordered = np.argsort(context_of, kind="stable")
        self._rows_of: list[NDArray[np.int64]] = np.split(ordered, np.cumsum(counts)[:-1])
        self._share = counts / len(rows)
        self._contexts = context_tokenizer(list(contexts), self.context_words)
        self._metrics = tokenizer(self.metrics, METRIC_WORDS)
        self._texts, self._variants = _variants(rows, tokenizer)
        self._tokens, self._present = _values(rows, self.metrics)

    def __len__(self) -> int:
        return len(self._variants)

    def draw(self, rng: np.random.Generator, contexts: int, candidates: int, metrics: int) -> Batch:
        """A random batch (see `Table.draw`)."""
        chosen, each = self._choose(rng, contexts, candidates)
        rows = np.concatenate([self._candidates(rng, int(number), each) for number in chosen])
        variant = self._variants[rows, rng.integers(self._variants.shape[1], size=len(rows))]
        if len(chosen) == 1:
            alike = _of_like_length(rng, self._texts, variant, _READ_AT_ONCE)
            rows, variant = rows[alike], variant[alike]
        asked = _drawn_metrics(rng, self._present[rows], metrics)
        return self._batch(chosen, rows, variant, asked)

    def _choose(self, rng: np.random.Generator, contexts: int, candidates: int) -> tuple[NDArray[np.int64], int]:
        """Contexts, and how many candidates of each: more contexts where one has few, rather than one row twice."""
        small = candidates * len(self._share) // len(self)
        count = min(max(contexts, small), candidates, len(self._share))
        return rng.choice(len(self._share), size=count, replace=False, p=self._share), candidates // count

    def _candidates(self, rng: np.random.Generator, context: int, count: int) -> NDArray[np.int64]:
        """Rows of one context, without repetition where there are enough."""
        rows: NDArray[np.int64] = self._rows_of[context]
        return rng.choice(rows, count, replace=len(rows) < count)

    def _batch(
        self, chosen: NDArray[np.int64], rows: NDArray[np.int64], variant: NDArray[np.int64], asked: NDArray[np.int64]
    ) -> Batch:
        pieces, candidates, metrics = _merge([(self._texts, variant), (self._metrics, np.arange(len(self.metrics)))])
        tokens, present = self._tokens[rows[:, None], asked], self._present[rows[:, None], asked]
        arrays = (*_merge([(self._contexts, chosen)]), pieces, candidates, metrics, asked, tokens, present)
        return Batch(*(torch.from_numpy(array) for array in arrays))


class _JointSpace(_Space):
    """The same of rows with long texts: every text has a context of its own, which holds it."""

    context_words = JOINT_WORDS

    def __init__(self, rows: Sequence[Row], tokenizer: Tokenizer, context_tokenizer: Splits) -> None:
        apart = [Row(joint(row.context, text), ("",), row.values) for row in rows for text in row.texts]
        super().__init__(apart, tokenizer, context_tokenizer)

    def _choose(self, rng: np.random.Generator, contexts: int, candidates: int) -> tuple[NDArray[np.int64], int]:
        chosen, _ = super()._choose(rng, candidates, candidates)
        return chosen[_of_like_length(rng, self._contexts, chosen)], 1


def _of_like_length(
    rng: np.random.Generator, words: Words, texts: NDArray[np.int64], most: int = TOGETHER
) -> NDArray[np.intp]:
    """Places of some texts of about one length, which fit in memory once padded to the longest of them."""
    together = list(batches((words.index[texts] > 0).sum(axis=1), most))
    # By their sizes, so that a text's length does not decide how often it is drawn.
    sizes = np.array([len(batch) for batch in together])
    return together[rng.choice(len(together), p=sizes / sizes.sum())]


def _routes(rows: Sequence[Row], tokenizer: Tokenizer) -> dict[type[_Space], list[Row]]:
    """The rows by how their texts are read.

    Where some are long, the encoder reads the short ones too: few are not enough to learn it from.
    """
    short = [tuple(text for text in row.texts if not tokenizer.exceeds(text, CANDIDATE_WORDS)) for row in rows]
    if short == [row.texts for row in rows]:
        return {_Space: list(rows)}
    apart = [Row(row.context, texts, row.values) for row, texts in zip(rows, short, strict=True) if texts]
    return {_JointSpace: list(rows)} | ({_Space: apart} if apart else {})


def _variants(rows: Sequence[Row], tokenizer: Tokenizer) -> tuple[Words, NDArray[np.int64]]:
    """Words of all texts, and where each row's texts are among them, (R, V); rows of fewer texts repeat theirs."""
    texts = {text: number for number, text in enumerate(dict.fromkeys(text for row in rows for text in row.texts))}
    most = max(len(row.texts) for row in rows)
    places = [[texts[row.texts[place % len(row.texts)]] for place in range(most)] for row in rows]
    return tokenizer(list(texts), CANDIDATE_WORDS), np.array(places, dtype=np.int64)


def _values(rows: Sequence[Row], metrics: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Tokens of the values, (R, M, T), and which were measured, (R, M)."""
    values = np.array([[row.values.get(metric, math.nan) for metric in metrics] for row in rows])
    present = np.array([[metric in row.values for metric in metrics] for row in rows])
    return encode(values).reshape(*values.shape, LENGTH), present


def _drawn_metrics(rng: np.random.Generator, present: NDArray[np.bool_], count: int) -> NDArray[np.int64]:
    """Up to count metrics for each row, the measured ones first, in random order."""
    order = np.argsort(rng.random(present.shape) - present, axis=1)
    return order[:, :count]


def _merge(parts: list[tuple[Words, NDArray[np.int64]]]) -> list[NDArray[np.int64]]:
    """Some texts of several word tables, renumbered into one table of the words that occur: pieces, then indices."""
    offsets = np.cumsum([0] + [len(words.pieces) for words, _ in parts])
    indices = [_trim(words.index[rows]) for words, rows in parts]
    # Row 0 of every table is the padding word: keep it 0.
    shifted = [np.where(index > 0, index + offset, 0) for index, offset in zip(indices, offsets, strict=False)]
    used, inverse = np.unique(np.concatenate([[0], *(index.ravel() for index in shifted)]), return_inverse=True)
    pieces = np.concatenate([words.pieces for words, _ in parts])[used]
    ends = np.cumsum([1] + [index.size for index in shifted])
    return [pieces, *(inverse[a:b].reshape(i.shape) for a, b, i in zip(ends, ends[1:], shifted, strict=False))]


def _trim(index: NDArray[np.int64]) -> NDArray[np.int64]:
    """Texts without the columns that are padding in all of them, keeping one."""
    return index[:, : max(1, int((index > 0).any(axis=0).sum()))]
