"""What stands at each place of short texts, as the stages of a network or the columns of a row.

``attn 3 conv 2`` and ``conv 1 attn 4`` consist of the same words and differ in which stage has which. What has a name
of its own, as in ``blocks=3``, has it wherever it stands. Of texts of several lengths, as of chains of layers, each of
which begins with a word, a place is that of a word and what follows it: those of ``attn w=48 conv`` are 0, 0.1 and 1.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from .plain_text import plain
from .quantities import number
from .text_graph import are_graphs

_LONGEST = 64  # words of a text; longer ones are programs
_ALIKE = 0.9  # share of texts that have equally many words, where places are theirs
_NAMED = re.compile(r"""([^\W\d][\w.-]*)["']?\s*[=:]|-([^\W\d][\w.-]*)|([^\W\d][\w.-]*)\t""")
_MOST = 100  # features; of more, a few observations cannot tell which ones matter

Placed = tuple[str, str]
"""A place and the word there."""


class Layout:
    """Places of some texts at which different words stand, or numbers of different names.

    Args:
        texts: The texts.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        distinct = {*texts}
        rows = [plain(text).split() for text in distinct]
        self._named, self._chains = _named(distinct), not _are_alike(rows)
        short = max(map(len, rows), default=0) <= _LONGEST and not are_graphs(texts)
        told = short and not (self._chains and any(number(row[0]) is not None for row in rows if row))
        placed = [_chained(row) if self._chains else _numbered(row) for row in rows]
        self._places = _ambiguous(placed, self._named) if told else {}
        if len({name for text in distinct for name in self({}, text)}) > _MOST:
            self._places = {}
        self._names = frozenset(name for names in self._places.values() for name in names)

    def __call__(self, features: Mapping[str, float], text: str) -> dict[str, float]:
        """Features of a text with those of its places, without numbers whose names do not tell them.

        ``@2=conv`` is 1 where that word is at place 2, ``@3=`` the number at place 3.
        """
        if not self._places:
            return dict(features)
        found = {name: value for name, value in features.items() if name not in self._names}
        words = plain(text).split()
        for place, word in _chained(words) if self._chains else _numbered(words):
            if place in self._places:
                found |= self._placed(place, word)
        return found

    def _placed(self, place: str, word: str) -> dict[str, float]:
        own, value = _own(word, self._named), number(word)
        return {} if not own else {f"@{place}={word}": 1.0} if value is None else {f"@{place}=": value}


def _are_alike(rows: Sequence[Sequence[str]]) -> bool:
    """Whether nearly all texts have equally many words."""
    return max(Counter(map(len, rows)).values(), default=0) >= _ALIKE * len(rows)


def _numbered(words: Sequence[str]) -> list[Placed]:
    """Words after the numbers of their places."""
    return [(str(place), word) for place, word in enumerate(words)]


def _chained(words: Sequence[str]) -> list[Placed]:
    """Words after their numbers, without those that state something; what states something after that, and its own."""
    found, place, after = list[Placed](), -1, 0
    for word in words:
        place, after = (place, after + 1) if "=" in word else (place + 1, 0)
        found.append((f"{place}.{after}" if after else str(place), word))
    return found


def _named(texts: Iterable[str]) -> frozenset[str]:
    """Names that are given as such, ``lr=0.1``, ``lr: 0.1`` or ``--lr 0.1``."""
    return frozenset(name for text in texts for found in _NAMED.findall(text) for name in found if name)


def _own(word: str, named: Collection[str]) -> str:
    """A word, or the name of a number, ``attn=``, that its place may tell; empty of what has a name of its own."""
    name, told, _ = word.partition("=")
    if name.partition("#")[0] in named or (told and number(word) is None):
        return ""
    return f"{name}=" if told else word


def _ambiguous(rows: Iterable[Sequence[Placed]], named: Collection[str]) -> dict[str, frozenset[str]]:
    """Places of words that stand at others too, and of numbers of different names; the names of the numbers there."""
    places, found = defaultdict[str, set[str]](set), defaultdict[str, set[str]](set)
    for row in rows:
        for place, word in row:
            if own := _own(word, named):
                places[own].add(place)
                found[place].add(own)
    names = {place: frozenset(word for word in own if word.endswith("=")) for place, own in found.items()}
    apart = {place for place, own in found.items() if len(own) > 1 and any(len(places[word]) > 1 for word in own)}
    apart |= {place for place, own in names.items() if len(own) > 1}
    untold = frozenset(name for place in apart for name in names[place])
    return {place: own for place, own in names.items() if place in apart or own & untold}
