"""What can be counted in a candidate's text without a model: the features of a plain model.

``name=number``, with a unit or without, is the logarithm of the number, in bytes or seconds where the unit says so (see
`quantities`), of a list the sum, too; any other word is counted, whole and by its beginnings, so that ``conv3x3<0,2``
is a ``conv3x3`` too and ``mbconv5x5e6c40`` an ``mbconv5x5e6``, and a word that several names have, also without them:
``op0=skip op1=skip`` are two ``skip``. Other notations are read as these (`plain`). Where words stand counts in
short texts (`Layout`), and among those that have the same words, as orders of passes have.

Shapes: n texts, F features.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray

from .layout import Layout
from .plain_text import plain
from .quantities import number
from .remembered import remembered

Floats = NDArray[np.float64]
Counted = Callable[[str], Mapping[str, float]]

_BEGINNING = re.compile(r"(?<=\d)(?=\D)|(?=<)")
_LONGEST = 64  # a longer word is no field
_MOST = 500  # features
_FAR = 256  # words whose places are looked at; of more it is a program
_TURN = re.compile(r"#|^\d+:|^@")  # of a name, or of a place, beside which the word counts by itself
_THIRD = "#2="  # behind the name of a third number, which those of a list have
_TOLD_APART = 0.8  # share of texts that differ in their counts, below which places are looked at


@remembered
def numbers(text: str) -> Mapping[str, float]:
    """Numbers that a text states, by ``name=``, which no counted word is."""
    found: dict[str, float] = {}
    for word in plain(text).split():
        if (value := number(word)) is not None:
            found["".join(word.partition("=")[:2])] = value
    return found


@remembered
def words_and_numbers(text: str) -> Mapping[str, float]:
    """Features of a text, both kinds."""
    features: Counter[str] = Counter()
    for word in plain(text).split():
        if is_word(word):
            features.update({word, *(word[: end.start()] for end in _BEGINNING.finditer(word))})
    return {**features, **numbers(text)}


@remembered
def words_and_places(text: str) -> Mapping[str, float]:
    """The same, with what the word at each place is, and the first place of each word."""
    features = dict(words_and_numbers(text))
    for place, word in enumerate(islice(filter(is_word, plain(text).split()), _FAR)):
        features[f"{place}:{word}"] = 1.0
        features.setdefault(f"@{word}", float(place))
    return features


def is_word(word: str) -> bool:
    """Whether a word is counted, neither a number nor too long."""
    return len(word) <= _LONGEST and number(word) is None


class Fields:
    """Features that vary among some texts; where there are very many, as of programs, those that vary most.

    A number is the binary logarithm of 1 more, counted in the least one where that is smaller than 1: learning rates of
    1e-5 and 1e-3 are as far apart as sizes of 1 and 100.

    Args:
        texts: The texts whose features count.
        counted: Text -> its features; those that it has none of are 0. None: words and numbers, with the places of
            words if these do not tell the texts apart.
    """

    def __init__(self, texts: Sequence[str], counted: Counted | None = None) -> None:
        self._counted = counted or _telling(texts)
        self._layout = Layout(texts if self._counted is words_and_numbers else ())
        told = [self._told(text) for text in texts]
        self._lists, self._shared = _lists(told), _shared(told)
        rows = [self._summed(own) for own in told]
        varied = _varied(rows)
        most = sorted(varied, key=lambda name: (-varied[name], name))[:_MOST]
        self.names = sorted(name for name in most if varied[name])
        """Of the features; those of numbers end in ``=``."""
        self._least: dict[str, float] = {}  # least size of each number, 1 at most
        for name, value in chain.from_iterable(row.items() for row in rows):
            if name.endswith("="):
                self._least[name] = min(self._least.get(name, 1.0), abs(value) or 1.0)

    def __call__(self, texts: Sequence[str]) -> Floats:
        """Features of texts, (n, F)."""
        rows = [self._summed(self._told(text)) for text in texts]
        counts = np.array([[row.get(name, 0.0) for name in self.names] for row in rows], dtype=np.float64)
        return self._scaled(counts.reshape(len(rows), len(self.names)))

    def _told(self, text: str) -> Mapping[str, float]:
        """Features of a text by itself."""
        return self._layout(self._counted(text), text)

    def _summed(self, own: Mapping[str, float]) -> Mapping[str, float]:
        """The same, with the sums of its lists, and the words that stand after several names."""
        sums = dict[str, float]()
        if not self._lists and not self._shared:
            return own
        for name, value in own.items():
            if name.endswith("=") and (of := name[:-1].partition("#")[0]) in self._lists:
                sums[f"{of}+="] = sums.get(f"{of}+=", 0.0) + value
            elif (word := name.partition("=")[2]) in self._shared:
                sums[f"={word}"] = sums.get(f"={word}", 0.0) + value
        return {**own, **sums}

    def _scaled(self, columns: Floats) -> Floats:
        for place, name in enumerate(self.names):
            if name in self._least:
                own, least = columns[:, place], self._least[name]
                columns[:, place] = np.sign(own) * (np.log2(least + np.abs(own)) - np.log2(least))
        return columns


def _lists(rows: Iterable[Mapping[str, float]]) -> set[str]:
    """Names that some row has a third number of."""
    return {name.removesuffix(_THIRD) for row in rows for name in row if name.endswith(_THIRD)}


def _shared(rows: Sequence[Mapping[str, float]]) -> set[str]:
    """Words that stand after several names, as operations in ``op0=skip op1=skip`` do; none of programs."""
    if max(map(len, rows), default=0) > _FAR:
        return set()
    names: dict[str, set[str]] = {}
    for name in {name for row in rows for name in row}:
        of, _, word = name.partition("=")
        if word and _TURN.search(of) is None:
            names.setdefault(word, set()).add(of)
    return {word for word, of in names.items() if len(of) > 1}


def _telling(texts: Sequence[str]) -> Counted:
    distinct = {*texts}
    told = {frozenset(words_and_numbers(text).items()) for text in distinct}
    return words_and_numbers if len(told) > _TOLD_APART * len(distinct) else words_and_places


def _varied(rows: Sequence[Mapping[str, float]]) -> dict[str, int]:
    """Feature -> rows that have another value than the most frequent one."""
    values: dict[str, Counter[float]] = {}
    for row in rows:
        for name, value in row.items():
            values.setdefault(name, Counter())[value] += 1
    absent = {name: len(rows) - own.total() for name, own in values.items()}
    return {name: len(rows) - max(absent[name], *own.values()) for name, own in values.items()}
