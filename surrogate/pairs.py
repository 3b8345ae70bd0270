"""Names with their numbers glued to them: ``m512_b3_c20``, as runs and kernels are called, and ``Fe20 Cr18 800C``.

Where a name occurs twice, as in ``op3 op1 op2``, its numbers tell things apart and are no sizes. So they may be in a
word without separators: ``mbconv5x5e6c40`` is an operation.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from .quantities import UNIT, UNSIGNED

_NAME = r"[^\W\d_]++"
_VALUE = rf"{UNSIGNED}{UNIT}?"
_PAIR = re.compile(rf"({_NAME})({_VALUE})")
_PART = re.compile(rf"{_NAME}(?:{_VALUE})?")
_SIZED = rf"{_NAME}\d++x\d++"  # an operation and its kernel, ``conv3x3``
_AFTER = r"(?!\S|\s+[=:\d])"  # before a value stands a name
_JOINED = re.compile(rf"(?<!\S){_PART.pattern}(?:[_-]{_PART.pattern})++{_AFTER}")
_OPERATION = re.compile(rf"(?<!\S)({_SIZED})((?:[_-]{_PART.pattern})++){_AFTER}")
_DECIMAL = re.compile(rf"(?<!\S)({_NAME})(\d++\.\d++)(?!\S)")  # no operation is called by a fraction
_BETWEEN = re.compile(r"[\s,;]+")
_WORD = rf"(?:{_NAME})?{_VALUE}"
_ALL = re.compile(rf"\s*+{_WORD}(?:{_BETWEEN.pattern}{_WORD})++\s*+")


def apart(text: str) -> str:
    """A text with ``name=number`` for such words, of which it consists, that join several, or that are no integers."""
    if _ALL.fullmatch(text):
        return _assigned(_BETWEEN.split(text.strip()), fewest=1) or text
    names = [pair[1] for pair in _DECIMAL.finditer(text)]
    if len({*names}) == len(names):
        text = _DECIMAL.sub(r"\1=\2", text)
    text = _OPERATION.sub(_with_pairs, text)
    return _JOINED.sub(lambda joined: _assigned(_PART.findall(joined[0]), fewest=2) or joined[0], text)


def _with_pairs(operation: re.Match[str]) -> str:
    """An operation and what is joined to it, ``conv3x3_w48``; as it is if these are no pairs."""
    pairs = _assigned(_PART.findall(operation[2]), fewest=1)
    return f"{operation[1]} {pairs}" if pairs else operation[0]


def _assigned(words: Sequence[str], fewest: int) -> str | None:
    """Words, the pairs among them as assignments; None if there are too few or a name has several numbers."""
    pairs = [_PAIR.fullmatch(word) for word in words]
    names = [pair[1] for pair in pairs if pair]
    if len(names) < fewest or len({*names}) < len(names):
        return None
    return " ".join(f"{pair[1]}={pair[2]}" if pair else word for pair, word in zip(pairs, words, strict=True))
