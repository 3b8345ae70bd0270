"""Values of a record as Python's own: of what numpy, pandas and JSON make of a table, 6.0 is 6 and np.True_ is True."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, TypeVar

Chosen = TypeVar("Chosen")


def loaded(record: Any) -> Any:
    """A record, or what its JSON says.

    Raises:
        ValueError: If it is a text and no JSON.
    """
    if not isinstance(record, str):
        return record
    try:
        return json.loads(record)
    except ValueError as error:
        raise ValueError(f"the record is {record!r}; it must be JSON ({error})") from error


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
