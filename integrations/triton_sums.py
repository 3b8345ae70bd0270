"""How many bytes a sum of a kernel's matrix products takes, told from its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from .triton_kernel import Kernel
from .triton_launch import Launch
from .triton_sources import assigned, calls, parsed

_USUAL, _NARROW = 4, 2  # bytes
_TYPES_PLACE = {"dot": 6, "zeros": 1, "full": 2}  # of the type among the arguments
_BITS = re.compile(r"(?:float|fp|int)(\d+)")


def sum_size(launch: Launch, words: Sequence[Mapping[str, Any]]) -> int:
    """Least bytes of a sum: those of 32 bits, unless the source names a type for it that may be narrower.

    Args:
        launch: The launch.
        words: Names and values of its configurations.
    """
    given = [launch.scalars, *words]
    types = [_types(launch.kernel, name, given) for name in _named(launch.kernel)]
    return min([_USUAL, *(_bytes(own) for found in types for own in found)])


@lru_cache(maxsize=256)
def _named(kernel: Kernel) -> tuple[ast.expr, ...]:
    """What the source says of the types of products and of tiles that are filled with a number."""
    tree = parsed(kernel)
    return tuple(_asked(tree)) if tree else ()


def _asked(tree: ast.AST) -> Iterator[ast.expr]:
    for word, place in _TYPES_PLACE.items():
        for call in calls(tree, word):
            named = {keyword.arg: keyword.value for keyword in call.keywords}
            asked = named.get(
                "out_dtype" if word == "dot" else "dtype", call.args[place] if call.args[place:] else None
            )
            if asked is not None and (word == "dot" or _is_tile(call.args[0] if call.args else named.get("shape"))):
                yield asked


def _is_tile(shape: ast.expr | None) -> bool:
    """Whether a shape may be that of sums: two lengths neither of which is written as a number."""
    lengths = shape.elts if isinstance(shape, ast.Tuple | ast.List) else []
    return not lengths or (len(lengths) == 2 and not any(isinstance(length, ast.Constant) for length in lengths))


def _types(kernel: Kernel, asked: ast.expr, given: Sequence[Mapping[str, Any]]) -> list[str]:
    """All types that an expression may name; one that is not told is ""."""
    if isinstance(asked, ast.Attribute):
        return [asked.attr]
    if not isinstance(asked, ast.Name):
        return [""]
    passed = [str(own[asked.id]) for own in given if asked.id in own]
    tree = parsed(kernel)
    own = assigned(tree, asked.id) if tree else []
    return passed + [node.attr if isinstance(node, ast.Attribute) else "" for node in own] or [""]


def _bytes(name: str) -> int:
    bits = _BITS.search(name)
    return int(bits[1]) // 8 if bits else _NARROW
