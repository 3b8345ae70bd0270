"""Texts of other notations as words and ``name=value``, so that what they state can be counted.

JSON, YAML, options of a command, a call, a row of a table, the source of a program: whatever number stands in one gets
the name before it, and a second number after the same name the number of its turn.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
"""A pattern."""

_OTHER = re.compile(r"""["'\[\];\t]|(?<=\S)[{}]|[{}](?=\S)|\w\(|[:,]\s|(?:^|\s)-|^[^=<,]*+,[^=<]*+$|=[^=<\s]*,\w+=""")
_TOKEN = re.compile(rf"(?<![\w.])(?P<number>{NUMBER})(?![\w.])|[^\W\d][\w.-]*")
_TELLS = re.compile(r"[:=\t]")  # between a name and its value


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """A text in words and ``name=value``; as it is if it is written so, as those of all spaces are."""
    return " ".join(_words(text)) if _OTHER.search(text) else text


def _words(text: str) -> Iterator[str]:
    name, end, option, turns = "", 0, False, Counter[str]()
    for token in _TOKEN.finditer(text):
        between, end = text[end : token.start()], token.end()
        if token["number"]:
            turn = turns[name]
            turns[name] += 1
            yield f"{name}#{turn}={token['number']}" if turn else f"{name}={token['number']}"
        else:
            told = name and (_TELLS.search(between) or (option and between == " "))
            yield f"{name}={token[0]}" if told else token[0]
            name, option = token[0], between.endswith("-")
