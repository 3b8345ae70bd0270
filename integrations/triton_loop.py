"""The loop around a matrix product, told from the kernel's source: whether Triton keeps a configuration's stages of it.

Triton pipelines an innermost ``for`` in as many stages as the configuration says. It does not so treat a ``while``, a
loop that is unrolled, one with stages of its own, loads under a condition that is known at run time only, and a loop of
one round, which is no loop once it is compiled; nor loads that are gathered or scattered, nor what has a barrier or a
print beside it, or a function that may hold one. Where the source does not show a plain loop, one stage is all that may
be counted on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from .triton_kernel import Kernel
from .triton_launch import Launch
from .triton_sources import called, calls, gathers, operands, parsed
from .triton_tiles import reads_side_by_side

_PLAIN = 3  # arguments of a range; the fourth of a `tl.range` is its number of stages
_HARMLESS = re.compile(  # of Triton and Python, but for what writes, prints, waits or is written in assembly
    "abs|advance|arange|assume|broadcast|broadcast_to|cast|cdiv|ceil|clamp|cos|cumsum|dot|erf|exp|exp2|expand_dims|fdiv|"
    "float|floor|fma|full|int|load|log|log2|max|max_constancy|max_contiguous|maximum|min|minimum|multiple_of|permute|"
    "program_id|range|rsqrt|sigmoid|sin|split|sqrt|static_assert|static_print|sum|to|trans|where|zeros|zeros_like"
)


def pipelined(launch: Launch, fields: Sequence[Mapping[str, Any]], descriptors: bool = False) -> list[bool]:
    """Of each configuration, whether Triton surely pipelines the product in the stages that it says.

    Args:
        launch: The launch.
        fields: Name -> value of each, as `kernel_configs.field` spells the names.
        descriptors: Whether the device copies what descriptors describe.
    """
    plain = has_plain_loop(launch.kernel) and reads_side_by_side(launch, fields, False, descriptors)
    k = _compiled_k(launch)
    return [plain and not _is_one_round(k, own) for own in fields]


@lru_cache(maxsize=256)
def has_plain_loop(kernel: Kernel) -> bool:
    """Whether all loops are over a bare range, and each product in an innermost one that loads both of its operands.

    Such a loop does nothing but read and compute.
    """
    tree = parsed(kernel)
    if tree is None or gathers(tree):
        return False
    loops = [node for node in ast.walk(tree) if isinstance(node, ast.For | ast.While)]
    dots = set(calls(tree, "dot"))
    plain = [loop for loop in loops if _decides_nothing(loop, kernel.constants) and _is_harmless(loop)]
    inside = {dot for loop in plain for dot in calls(loop, "dot") if _loads_operands(loop, dot)}
    return bool(dots) and dots == inside and all(map(_is_plain, loops))


def _is_plain(loop: ast.For | ast.While) -> bool:
    over = loop.iter if isinstance(loop, ast.For) else None
    return isinstance(over, ast.Call) and called(over) == "range" and len(over.args) <= _PLAIN and not over.keywords


def _decides_nothing(loop: ast.For | ast.While, constants: Sequence[str]) -> bool:
    """Whether a loop holds no other one, and decides nothing at run time."""
    inner = [node for node in ast.walk(loop) if node is not loop]
    tests = [node.test for node in inner if isinstance(node, ast.If | ast.IfExp)]
    names = {node.id for test in tests for node in ast.walk(test) if isinstance(node, ast.Name)}
    nested = any(isinstance(node, ast.For | ast.While) for node in inner)
    return not nested and names <= set(constants)


def _is_harmless(loop: ast.AST) -> bool:
    """Whether all that a loop calls is known to order no accesses to memory."""
    return all(_HARMLESS.fullmatch(called(call)) for call in calls(loop, ""))


def _loads_operands(loop: ast.AST, dot: ast.Call) -> bool:
    """Whether both operands of a product are loaded in each round of its loop."""
    loaded = _loaded(loop)
    return len(dot.args) > 1 and all(_is_loaded(operand, loaded) for operand in operands(dot))


def _loaded(loop: ast.AST) -> set[str]:
    """Names that a loop gives what it loads, or what is made of that; names of addresses of loads are none."""
    loaded = set[str]()
    for node in ast.walk(loop):  # from the outside in, in the order of the source
        if isinstance(node, ast.Assign) and _is_loaded(node.value, loaded):
            loaded |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return loaded


def _is_loaded(value: ast.AST, loaded: set[str]) -> bool:
    """Whether an expression loads, or reads what was loaded."""
    names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
    return bool(names & loaded) or any(calls(value, "load"))


def _compiled_k(launch: Launch) -> int | None:
    """K where Triton compiles it in; None: it is known at run time."""
    own = [(name, value) for name, value in launch.scalars.items() if name.lower() == "k" and type(value) is int]
    return next((value for name, value in own if name in launch.kernel.constants or value == 1), None)


def _is_one_round(k: int | None, fields: Mapping[str, Any]) -> bool:
    """Whether a block, or the blocks side by side of a split K, are all of K."""
    block, split = fields.get("block_k"), fields.get("split_k", 1)
    return k is not None and isinstance(block, int) and isinstance(split, int) and k <= block * split
