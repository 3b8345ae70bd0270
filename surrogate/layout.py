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
        rows = [plain(text).split() for text in {*texts}]
        self._number = _numbered if _are_alike(rows) else _chained
        self._named, self._places = frozenset[str](), dict[str, frozenset[str]]()
        if self._tells(rows) and not are_graphs(texts):
            self._named = _named(texts)
            self._places = _ambiguous(map(self._number, rows), self._named)
        if len({name for row in rows for name in self._placed(row)}) > _MOST:
            self._places = {}
        self._names = frozenset(name for names in self._places.values() for name in names)

    def __call__(self, features: Mapping[str, float], text: str) -> Mapping[str, float]:
        """Features of a text with those of its places, without numbers whose names do not tell them.

        ``@2=conv`` is 1 where that word is at place 2, ``@3=`` the number at place 3.
        """
        if not self._places:
            return features
        kept = {name: value for name, value in features.items() if name not in self._names}
        return kept | self._placed(plain(text).split())

    def _tells(self, rows: Sequence[Sequence[str]]) -> bool:
        """Whether texts are short, and in chains all numbers those of words before them."""
        short = max(map(len, rows), default=0) <= _LONGEST
        return short and (self._number == _numbered or all(number(row[0]) is None for row in rows if row))

    def _placed(self, words: Sequence[str]) -> dict[str, float]:
        """Features of the places."""
        found: dict[str, float] = {}
        for place, word in self._number(words) if self._places else ():
            if place in self._places and _own(word, self._named):
                value = number(word)
                found |= {f"@{place}={word}": 1.0} if value is None else {f"@{place}=": value}
        return found


def _are_alike(rows: Sequence[Sequence[str]]) -> bool:
    """Whether nearly all texts have equally many words."""
    return max(Counter(map(len, rows)).values(), default=0) >= _ALIKE * len(rows)


def _numbered(words: Sequence[str]) -> list[Placed]:
    """Words with their places, from 0 on."""
    return [(str(place), word) for place, word in enumerate(words)]


def _chained(words: Sequence[str]) -> list[Placed]:
    """Words with their places among those that state nothing; what states something counts from the one before it."""
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
