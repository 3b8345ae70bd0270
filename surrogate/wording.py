"""The words of questions: names in contexts and metrics, and how much those of two questions have in common.

Shapes: N texts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from .problem import below_first_line

_SAYS_LITTLE = frozenset({"kernel", "triton"})  # words that do not make two first lines alike


def likeness(line: str, other: str) -> float:
    """Share of words that two first lines have in common, with or without those that say little; 0 if no other is."""
    words, others = ({*text.split()} for text in (line, other))
    telling = words - _SAYS_LITTLE, others - _SAYS_LITTLE
    return max(similarity(words, others), similarity(*telling)) if set.intersection(*telling) else 0.0


def context_names(context: str) -> frozenset[str]:
    """Names in a context below its first line: devices, fields, data types, operations; their numbers left out."""
    return names_in(below_first_line(context))


def names_in(text: str) -> frozenset[str]:
    """Names in a text; the numbers of assignments left out."""
    return _named(re.sub(r"=-?\d+(\.\d+)?([eE][-+]?\d+)?\b", "=", text).split())


def vocabulary(text: str) -> frozenset[str]:
    """Words of a candidate: kinds of operations, names of fields; their numbers left out."""
    return frozenset(re.findall(r"[^\W\d_]{2,}", text))


def newness(texts: Sequence[str], read: frozenset[str]) -> NDArray[np.float64]:
    """Share of each text's words that are not among those that were read, (N,); 0 if none were.

    A text without a word is all new.
    """
    own = [vocabulary(text) if read else read for text in texts]
    new = [len(each - read) / len(each) if each else float(bool(read)) for each in own]
    return np.array(new, dtype=np.float64)


def strangeness(new: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far texts are any candidate, (N,), of the shares of their words that are new: at half of them altogether."""
    return np.minimum(2 * new, 1)


def metric_names(metric: str) -> frozenset[str]:
    """Names in a metric: devices and data sets, not their numbers."""
    return _named(word for word in metric.split()[1:] if "=" not in word)


def metric_pieces(metric: str) -> set[str]:
    """Words of a metric, names split at hyphens: an unlisted ``nvidia-rtx-4080`` is like other cards."""
    return {piece for word in metric.split() for piece in ([word] if "=" in word else word.split("-"))}


def name_parts(metric: str) -> set[str]:
    """Pieces of the names in a metric."""
    return {piece for name in metric_names(metric) for piece in name.split("-") if re.search(r"[^\W\d]", piece)}


def metric_numbers(metric: str) -> dict[str, str]:
    """Numbers in a metric by name, of the batch say."""
    return dict(word.split("=", 1) for word in metric.split()[1:] if "=" in word)


def unnumbered(metric: str) -> str:
    """A metric without its named numbers."""
    return " ".join(word for word in metric.split() if "=" not in word)


def familiar(metric: str, alike: Sequence[str], read: frozenset[str]) -> bool:
    """Whether all names that tell a metric from those alike were read; none that has no name.

    Of the name of another processor nobody saw what it does, though the runtime's was in every metric.
    """
    names = metric_names(metric)
    shared = frozenset[str].intersection(*map(metric_names, alike)) if alike else frozenset[str]()
    return bool(names) and names - shared <= read


def varies_first(metric: str, known: Sequence[str]) -> bool:
    """Whether a metric has a number that differs from that of all known ones, which have the same: two threads, say."""
    others = [metric_numbers(other) for other in known]
    pairs = [(number, {own[name] for own in others if name in own}) for name, number in metric_numbers(metric).items()]
    return any(len(seen) == 1 and number not in seen for number, seen in pairs)


def _named(words: Iterable[str]) -> frozenset[str]:
    """Those words that are no mere numbers."""
    return frozenset(word for word in words if re.search(r"[^\W\d]", word))


def similarity(words: set[str], others: set[str]) -> float:
    """Jaccard's: shared words over all words; of nothing with nothing 1."""
    return len(words & others) / len(words | others) if words | others else 1.0
