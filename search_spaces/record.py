"""Values of a record as Python's own: of what numpy, pandas and JSON make of a table, 6.0 is 6 and np.True_ is True."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, TypeVar, cast

import numpy as np

Chosen = TypeVar("Chosen")
_NUMBER = re.compile(r"[-+]?(\d+\.\d*|\.\d+|\d+(?=e))(e[-+]?\d+)?", re.IGNORECASE)


def plain(given: Any) -> Any:
    """A value as Python's own: of a text the number, switch or list that it writes, a list as a tuple."""
    if isinstance(given, str):
        return _read(given.strip())
    if isinstance(given, np.ndarray):
        return plain(given.tolist())
    if isinstance(given, (list, tuple)):
        return tuple(map(plain, cast("Sequence[Any]", given)))
    if isinstance(given, (np.bool_, np.integer)):
        return cast("np.generic", given).item()
    if isinstance(given, (float, np.floating)):
        number = float(str(cast("float", given)))  # as short as numpy writes it: of 32 bits, 0.1 is 0.10000000149 in 64
        return int(number) if number.is_integer() else number
    return given


def _read(text: str) -> Any:
    """What an author wrote, as a number, a switch or a list where it is one."""
    if text in ("True", "False"):
        return text == "True"
    if text[:1] + text[-1:] in ("[]", "()"):
        return tuple(plain(item) for item in text[1:-1].split(",") if item.strip())
    if re.fullmatch(r"-?(0|[1-9]\d*)", text):
        return int(text)
    return plain(float(text)) if _NUMBER.fullmatch(text) else text


def entry(record: Any, column: str, *names: str) -> Any:
    """The record of a candidate in a whole row of a table; anything but a mapping, or a record of its own, as it is.

    Args:
        record: Either.
        column: Where a row has it.
        names: What the record of a candidate has, if that is a mapping, too.

    Raises:
        ValueError: If a mapping has neither.
    """
    if not hasattr(record, "keys"):
        return record
    if column in record:
        return record[column]
    if not any(name in record for name in names):
        either = f", or {', '.join(names)}" if names else ""
        raise ValueError(f"the record has {list(record.keys())}; give a row with {column!r}{either}")
    return record


def json_entry(record: Any, column: str, *names: str) -> Any:
    """The `entry` of a row that may be JSON, as may be the record in it.

    Raises:
        ValueError: If a text is no JSON, or a mapping has neither.
    """
    return _loaded(entry(_loaded(record), column, *names))


def _loaded(record: Any) -> Any:
    """A record, or what its JSON says."""
    if not isinstance(record, str):
        return record
    try:
        return json.loads(record)
    except ValueError as error:
        raise ValueError(f"the record is {record!r}; it must be JSON ({error})") from error


def members(record: Any, *names: str) -> tuple[Any, ...]:
    """What a record has under each of the names.

    Raises:
        ValueError: If it lacks one.
    """
    for name in names:
        if not hasattr(record, "keys") or name not in record:
            raise ValueError(f"the record {record!r} has no {name!r}; give {', '.join(names)}")
    return tuple(record[name] for name in names)


def choice(name: str, value: Any, choices: Sequence[Chosen]) -> Chosen:
    """The one of the choices that equals a value.

    Raises:
        ValueError: If none does.
    """
    if value not in choices:
        raise ValueError(f"{name} is {value!r}; it must be one of {tuple(choices)}")
    return choices[choices.index(value)]


def whole(name: str, value: Any) -> int:
    """A whole number as an int; a text may write one.

    Raises:
        ValueError: If it is none.
    """
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError):  # a list, nan, infinity
        number = None
    if number is None or value not in (number, str(number)):
        raise ValueError(f"{name} is {value!r}; it must be a whole number")
    return number
