"""What the operands of a kernel's matrix products are made of, told from its source.

Names are followed through assignments, whatever their order: what a name may ever hold counts.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from .triton_kernel import Kernel


@lru_cache(maxsize=256)
def parsed(kernel: Kernel) -> ast.Module | None:
    """The kernel's source as a tree; None for a lambda, or a text within it that is not indented."""
    try:
        return ast.parse(textwrap.dedent(kernel.source))
    except SyntaxError:
        return None


def calls(tree: ast.AST, word: str) -> Iterator[ast.Call]:
    """Calls of functions and methods whose names begin with a word: ``tl.dot``, ``dot_scaled``, ``a_desc.load``."""
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call) and called(node).startswith(word))


def called(call: ast.Call) -> str:
    """The name of what is called."""
    function = call.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def operands(dot: ast.Call) -> list[ast.expr]:
    """What a product multiplies; fewer than two where they are given by name."""
    return dot.args[:2]


def operand_arguments(kernel: Kernel) -> frozenset[str]:
    """The kernel's arguments that its products' operands follow from; none if there is no product, or no tree."""
    first, second = operand_names(kernel)
    return first | second


@lru_cache(maxsize=256)
def operand_names(kernel: Kernel) -> tuple[frozenset[str], frozenset[str]]:
    """The same, of the first operands and of the second ones."""
    tree, own = parsed(kernel), frozenset(kernel.arguments)
    flow, dots = (_flow(tree), list(calls(tree, "dot"))) if tree else ({}, [])
    first, second = ([node for dot in dots for node in operands(dot)[place : place + 1]] for place in (0, 1))
    return _names(_sources(first, flow)) & own, _names(_sources(second, flow)) & own


def assigned(tree: ast.AST, name: str) -> list[ast.expr]:
    """All that is ever assigned to a name."""
    return _flow(tree).get(name, [])


@lru_cache(maxsize=256)
def operand_loads(tree: ast.AST) -> list[ast.Call]:
    """All loads that the operands of products may be made of."""
    return list(dict.fromkeys(load for source in _operand_sources(tree, _flow(tree)) for load in calls(source, "load")))


def gathers(tree: ast.AST) -> bool:
    """Whether an operand may be gathered: an address or a mask of its loads follows from a load or a product."""
    flow, loads = _flow(tree), operand_loads(tree)
    asked = [part for load in loads for part in (*load.args, *(keyword.value for keyword in load.keywords))]
    return any(any(calls(source, word)) for source in _sources(asked, flow) for word in ("load", "dot"))


def _operand_sources(tree: ast.AST, flow: Mapping[str, Sequence[ast.expr]]) -> list[ast.expr]:
    """All that the operands of products may be made of."""
    return _sources([operand for dot in calls(tree, "dot") for operand in operands(dot)], flow)


def _flow(tree: ast.AST) -> dict[str, list[ast.expr]]:
    """Name -> all that is ever assigned to it."""
    flow: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            targets, value = [node.target], node.value
        elif isinstance(node, ast.For):
            targets, value = [node.target], node.iter
        else:
            continue
        for name in _names(targets):
            flow.setdefault(name, []).append(value)
    return flow


def _sources(expressions: Sequence[ast.expr], flow: Mapping[str, Sequence[ast.expr]]) -> list[ast.expr]:
    """Expressions, and those that the names in them may hold, and so on."""
    found, seen = list(expressions), set[str]()
    for expression in found:  # which grows meanwhile
        for name in _names([expression]) - seen:
            seen.add(name)
            found += flow.get(name, [])
    return found


def _names(trees: Sequence[ast.expr]) -> frozenset[str]:
    return frozenset(node.id for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name))
