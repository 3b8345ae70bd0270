"""Texts of other notations as words and ``name=value``, so that what they state can be counted.

JSON, YAML, XML, options of a command, a call, a row of a table, the source of a program: whatever number stands in one
gets the name before it, and a second number after the same name the number of its turn. So do those of a ``tile=16x8``,
and a name that occurs twice. Its words count with the number of their turn and without, and so do those of a list, for
which operation is in which stage matters, and how often it occurs. Units stay with their numbers; one that does not
scale its number is a word after the same name, so that ``5m`` and ``5s`` differ: ``wait=5m wait=m``. A number before a
colon is a name. The parts of a text without blanks, ``conv3x3|skip|conv1x1``, are words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from .pairs import apart
from .quantities import NUMBER, UNIT, united, unknown_unit
from .remembered import remembered

_OTHER = re.compile(r"""["'\[\];\t]|(?<=\S)[{}]|[{}](?=\S)|\w\(|[:,]\s|(?:^|\s)-|^[^=<,]*+,[^=<]*+$|=[^=<\s]*,\w+=""")
_BARE = re.compile(rf"(?<!\S){NUMBER}(?!\S)")
_UNITED = re.compile(rf"""(?<![^\s("'\[]){NUMBER}{UNIT}(?![^\s)"'\],;/|])""")
_STATED = re.compile(rf"={NUMBER}{UNIT}(?!\S)")
_PART = r"\d+(?:\.\d+)?"  # a number of several in one word
_SEVERAL = re.compile(rf"""(?<![^\s=("'\[]){_PART}(?:(?:[x×*/|:,~-]|\.\.){_PART})+(?![^\s)"'\],;])""")
_TOKEN = re.compile(rf"(?<![\w.])(?P<number>{NUMBER}{UNIT}?)(?!\w|\.\w)|[^\W\d][\w.-]*")
_ELEMENT = re.compile(r"<([^\W\d][\w.-]*+)([^<>]*+)>\s*+([^<>\s][^<>]*+)</\1\s*+>")
_JOINTS = re.compile(r"-*[|+/~>;&]+|(?<=\w)-+(?=[^\W\d])")  # between parts of a text that is one word
_FEWEST_JOINTS = 2
_TELLS = re.compile(r"[:=\t]")  # between a name and its value
_OPENS = re.compile(r"""["']?\s*[:=]\s*(?:[\[(]|\n\s*-\s)\s*["']?""")  # between a name and the first of a list
_NEXT = re.compile(r"""["']?\s*(?:,|\n\s*-\s)\s*["']?""")  # between two of a list


@remembered
def plain(text: str) -> str:
    """A text in words and ``name=value``; as it is if it is written so, as those of all spaces are."""
    text = apart(united(_ELEMENT.sub(r"\2 \1: \3 ", _unjoined(text))))  # an element's attributes, then its content
    if any(form.search(text) for form in (_OTHER, _BARE, _SEVERAL, _UNITED)):
        return " ".join(_words(_SEVERAL.sub(_numbers, text)))
    names = [word.partition("=")[0] for word in text.split() if "=" in word]
    return " ".join(_numbered(text)) if len({*names}) < len(names) or _STATED.search(text) else text


def _unjoined(text: str) -> str:
    """The parts of a text that is one word, ``conv3x3|skip|conv1x1``, as words."""
    joined = len(text.split()) == 1 and "<" not in text and len(_JOINTS.findall(text)) >= _FEWEST_JOINTS
    return _JOINTS.sub(" ", text) if joined else text


def _numbers(several: re.Match[str]) -> str:
    """Numbers of one word, as of ``16x8``, as so many words."""
    return " ".join(re.findall(_PART, several[0]))


def _numbered(text: str) -> Iterator[str]:
    """Words, those of a name that occurred before with the number of its turn."""
    turns = Counter[str]()
    for word in text.split():
        name, told, value = word.partition("=")
        yield from _assigned(name, value, turns) if told else [word]


def _assigned(name: str, value: str, turns: Counter[str]) -> Iterator[str]:
    """A value and its unit after its name, and after the number of its turn if the name occurred before."""
    turn = turns[name]
    turns[name] += 1
    own = f"{name}#{turn}" if turn else name
    yield f"{own}={value}"
    if unit := unknown_unit(value):
        yield f"{own}={unit}"


def _words(text: str) -> Iterator[str]:
    name, owner, end, option, turns, first = "", "", 0, False, Counter[str](), dict[str, str]()
    for token in _TOKEN.finditer(text):
        between, end = text[end : token.start()], token.end()
        if token["number"] and text[end : end + 1] == ":":
            name, owner = token["number"], ""  # of a layer, say, which is told next
        elif token["number"]:
            yield from _assigned(name, token["number"], turns)
        else:
            told = name and (_TELLS.search(between) or (option and between == " "))
            owner = (name if _OPENS.fullmatch(between) else "") if told else owner if _NEXT.fullmatch(between) else ""
            of = owner or (name if told else "")
            yield from _told(of, token[0], turns, first) if of else [token[0]]
            name, option = token[0], between.endswith("-")


def _told(name: str, word: str, turns: Counter[str], first: dict[str, str]) -> Iterator[str]:
    """A word after its name, and once more with the number of its turn, as the first one too if another follows."""
    turn = turns[f"{name}="]
    turns[f"{name}="] += 1
    yield f"{name}={word}"
    if turn == 1:
        yield f"{name}#0={first[name]}"
    if turn:
        yield f"{name}#{turn}={word}"
    first.setdefault(name, word)
