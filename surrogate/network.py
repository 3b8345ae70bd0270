"""What inference asks of a model, whatever runs it: arrays in, and arrays out where they are read.

What `words`, `encode`, `read` and `embed` return goes back in as it came; only who made it reads it.

Shapes: U distinct words, P contexts of S words, n candidates of L words, M metrics, B branches a candidate, D the
width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .tokenizer import Words

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ids = NDArray[np.int64]
Rows = NDArray[np.intp]

CONTEXT_WORDS = 512
CANDIDATE_WORDS = 256
METRIC_WORDS = 16


class Splits(Protocol):
    """A tokenizer."""

    def __call__(self, texts: Sequence[str], limit: int) -> Words: ...


class Writer(Protocol):
    """Writes numbers of n candidates token by token, over the keys and values of what it wrote before."""

    def start(self, allowed: Bools, first: int = 0) -> tuple[Floats, Floats]:
        """Write the metrics.

        Args:
            allowed: Heads that the number of each metric may have, (M, HEADS).
            first: Heads before this one are left out.

        Returns:
            Probabilities of the heads from the first one on, (n, M, heads), and the states before them, (n, M, D).
        """
        ...

    def grow(self, tokens: Ids, visible: Bools, first: int = 0) -> Floats:
        """Write another token of B branches.

        Args:
            tokens: The tokens, (n, B).
            visible: What each of them sees of all that was written, themselves last, (n, B, positions).
            first: Digits before this one are left out.

        Returns:
            Probabilities of the digits that follow, from the first one on, (n, B, digits).
        """
        ...

    def of(self, rows: Rows) -> Writer:
        """What goes on writing for some of the candidates, each named once, in their order."""
        ...


class Network(Protocol):
    """A regression language model."""

    @property
    def tokenizer(self) -> Splits | None:
        """What splits contexts, of a pretrained encoder; None: what splits candidates."""
        ...

    def words(self, pieces: Ids) -> Any:
        """Embed words, (U, PLACES)."""
        ...

    def encode(self, pieces: Ids, index: Ids) -> Any:
        """Read contexts, words and index (P, S)."""
        ...

    def read(self, words: Any, index: Ids, contexts: Iterable[tuple[Rows, Any]]) -> Any:
        """Read candidates, index (n, L): the rows named with each encoded context, in equal groups."""
        ...

    def embed(self, words: Any, index: Ids) -> Any:
        """Embed metrics, index (M, at most METRIC_WORDS) -> an array of the runtime's own kind, (M, D)."""
        ...

    def write(self, metrics: Any, candidates: Any) -> Writer:
        """What writes numbers of the metrics side by side, of all candidates that were read."""
        ...
