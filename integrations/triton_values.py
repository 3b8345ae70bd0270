"""Values of arguments and configurations: as words, where they have some, and whether two are equal.

Nothing of Triton is imported here: a type and a constant are known by their names, which have been the same from
Triton 3.2 to 3.9.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from numbers import Integral, Real
from typing import Any, cast

from .triton_kernel import function_word, unwrapped

_ADDRESS = re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE)  # it is another one in each process


def elements(given: Mapping[str, Any]) -> dict[str, Any]:
    """Values by name; what a `tl.constexpr` holds instead of it, and the elements of a tuple or a list."""
    found: dict[str, Any] = {}
    for name, value in given.items():
        if type(value) is int:  # nearly all of a launch's
            found[name] = value
            continue
        value = unwrapped(value)
        if isinstance(value, (tuple, list)):
            items = enumerate(cast("tuple[Any, ...]", value))
            found |= elements({f"{name}.{place}": item for place, item in items})
        else:
            found[name] = value
    return found


def words(given: Mapping[str, Any]) -> dict[str, int | float | str]:
    """Those values that have a word, by name."""
    return {name: own for name, value in given.items() if (own := word(value)) is not None}


def word(value: Any) -> int | float | str | None:
    """A number, a switch or a word as it is, a type of Triton or torch or a function as a word; None: anything else."""
    if isinstance(value, (int, float, str)):
        return value
    if isinstance(value, Real):  # numpy's
        return int(value) if isinstance(value, Integral) else float(value)
    return str(value).removeprefix("torch.") if type(value).__name__ == "dtype" else function_word(value)


def tuned_word(value: Any) -> int | float | str | None:
    """The same of a value that is tuned, which may be of any kind: an enum's name, else how Python writes it.

    None: no two processes write it alike, since it holds an address; or it is None.
    """
    found = word(value)
    if found is not None or value is None:
        return found
    written = f"{type(value).__name__}.{value.name}" if isinstance(value, Enum) else repr(value)
    return None if _ADDRESS.search(written) else written


def are_equal(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether the same names have equal values; what cannot be compared (a tensor) is equal to itself alone."""
    return one.keys() == other.keys() and all(_is_equal(value, other[name]) for name, value in one.items())


def _is_equal(one: Any, other: Any) -> bool:
    one, other = unwrapped(one), unwrapped(other)
    try:
        return one is other or (type(one) is type(other) and bool(one == other))
    except Exception:  # whatever the user's own comparison raises
        return False
