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


@lru_cache(maxsize=256)
def operand_arguments(kernel: Kernel) -> frozenset[str]:
    """The kernel's arguments that its products' operands follow from; none if there is no product, or no tree."""
    tree = parsed(kernel)
    return _names(_operand_sources(tree, _flow(tree))) & frozenset(kernel.arguments) if tree else frozenset()


def loads_side_by_side(tree: ast.AST) -> bool:
    """Whether no operand is gathered: no address and no mask of its loads follows from a load or a product.

    Nor from a multiple that is written as a number, which leaves gaps between what is loaded.
    """
    flow = _flow(tree)
    loads = [load for source in _operand_sources(tree, flow) for load in calls(source, "load")]
    asked = [part for load in loads for part in (*load.args, *(keyword.value for keyword in load.keywords))]
    return not any(_scatters(node) for source in _sources(asked, flow) for node in ast.walk(source))


def _operand_sources(tree: ast.AST, flow: Mapping[str, Sequence[ast.expr]]) -> list[ast.expr]:
    """All that the operands of products may be made of."""
    return _sources([operand for dot in calls(tree, "dot") for operand in operands(dot)], flow)


def _scatters(node: ast.AST) -> bool:
    if isinstance(node, ast.Call):
        return called(node).startswith(("load", "dot"))
    factors = (node.left, node.right) if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult) else ()
    return any(isinstance(factor, ast.Constant) for factor in factors)


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
