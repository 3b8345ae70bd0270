"""Text to words, words to bags of pieces.

A *word* (what whitespace separates) takes one position of the model, however many *pieces* it has: its embedding is the
sum of its pieces', each bound to its place in the word. A cell of seven vertices is thus seven positions, not thirty.
Pieces are byte-level BPE (any text is accepted) and never join digits, so that a number never seen is digits seen.
A word longer than `PLACES` pieces goes on in the next position.

Shapes: N texts, L positions (the longest text of the batch, at least 1), U distinct words, `PLACES` pieces a word.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

PLACES = 16
PAD = 0
DIGIT_ZERO, POINT = 16, 14
"""The pieces "0", to which "1" to "9" are next, and ".": the alphabet of bytes comes right after the padding."""
_KEPT = 64  # characters of a word whose positions are kept: a program without blanks would fill the memory
_LONGEST_PIECE = 16  # characters; bounds the work on a long run without whitespace
_NAMED = 60  # characters of a text that a warning shows

Ids = NDArray[np.int64]


class TruncationWarning(UserWarning):
    """A text was longer than the model reads; its end was left out."""


@dataclass(frozen=True)
class Words:
    """Texts as positions in a table of distinct words.

    Args:
        pieces: The distinct words' pieces, (U, PLACES), padded with `PAD`; row 0 is the padding word.
        index: Words of the texts as rows of `pieces`, (N, L), padded with 0.
    """

    pieces: Ids
    index: Ids


class Tokenizer:
    """Byte-level pieces of words, trained by `Tokenizer.train`.

    Args:
        serialized: JSON of a `tokenizers.Tokenizer`, as `Tokenizer.to_json` returns it.
    """

    def __init__(self, serialized: str) -> None:
        from tokenizers import Tokenizer as Pieces

        self._pieces: Any = Pieces.from_str(serialized)
        self._pieces.encode_special_tokens = True  # a word that reads like padding is a word
        self.vocabulary: int = self._pieces.get_vocab_size()
        if [self._pieces.token_to_id(text) for text in ".09"] != [POINT, DIGIT_ZERO, DIGIT_ZERO + 9]:
            raise ValueError("the tokenizer's digits are not where the model reads them; use Tokenizer.train")
        self._cached = lru_cache(maxsize=100_000)(self._split_word)

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int = 512) -> Tokenizer:
        """Learn the pieces of texts; 257 of the vocabulary are the padding and the bytes."""
        from tokenizers import Tokenizer as Pieces
        from tokenizers import models, pre_tokenizers, trainers

        pieces: Any = Pieces(models.BPE())
        pieces.pre_tokenizer = pre_tokenizers.Sequence([
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ])  # fmt: skip
        trainer: Any = trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=["<pad>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            max_token_length=_LONGEST_PIECE,
            show_progress=False,
        )
        pieces.train_from_iterator((_encodable(text) for text in texts), trainer)
        return cls(pieces.to_str())

    def __reduce__(self) -> tuple[type[Tokenizer], tuple[str]]:
        return Tokenizer, (self.to_json(),)

    def to_json(self) -> str:
        """The whole tokenizer as JSON."""
        return json.dumps(json.loads(self._pieces.to_str()), separators=(",", ":"))

    def __call__(self, texts: Sequence[str], limit: int) -> Words:
        """Encode texts, at most limit positions each; a cut text is reported by a `TruncationWarning`."""
        return as_words(texts, [self._positions(text, limit + 1) for text in texts], limit, (PAD,) * PLACES)

    def exceeds(self, text: str, limit: int) -> bool:
        """Whether a text has more positions than limit."""
        # A position takes a character at least, so that most texts need not be split to know.
        return len(text) > limit and len(self._positions(text, limit + 1)) > limit

    def _positions(self, text: str, limit: int) -> list[tuple[int, ...]]:
        """The first positions of a text, at most limit."""
        positions: list[tuple[int, ...]] = []
        for word in text.split(maxsplit=limit)[:limit]:
            positions += self._split(word[: limit * PLACES * _LONGEST_PIECE])
            if len(positions) >= limit:
                break
        return positions[:limit]

    def _split(self, word: str) -> list[tuple[int, ...]]:
        return self._cached(word) if len(word) <= _KEPT else self._split_word(word)

    def _split_word(self, word: str) -> list[tuple[int, ...]]:
        """Positions of one word, each padded to `PLACES` pieces."""
        pieces: list[int] = self._pieces.encode(_encodable(word)).ids
        parts = [pieces[start : start + PLACES] for start in range(0, len(pieces), PLACES)]
        return [(*part, *[PAD] * (PLACES - len(part))) for part in parts]


def as_words(
    texts: Sequence[str], rows: Sequence[Sequence[tuple[int, ...]]], limit: int, padding: tuple[int, ...]
) -> Words:
    """Texts whose words, or the first of them, are known; those of more words than limit are cut and reported."""
    cut = [text for text, row in zip(texts, rows, strict=True) if len(row) > limit]
    if cut:
        warnings.warn(
            f"{len(cut)} of {len(texts)} texts exceed {limit} words and are cut there, the first one being "
            f"{cut[0][:_NAMED]!r}... ({len(cut[0])} characters); shorten what to_text or the context says",
            TruncationWarning,
            stacklevel=4,
        )
    table = {padding: 0}
    index = np.zeros((len(rows), max((min(len(row), limit) for row in rows), default=0) or 1), dtype=np.int64)
    for number, row in enumerate(rows):
        index[number, : min(len(row), limit)] = [table.setdefault((*word,), len(table)) for word in row[:limit]]
    return Words(np.array(list(table), dtype=np.int64), index)


def _encodable(text: str) -> str:
    """The text with lone surrogates, which no UTF-8 has, written out as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
