"""What a kernel's source shows of a launch's tiles: whether they are its blocks, and whether they are copied ahead."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from ..search_spaces import kernel_configs
from .triton_evaluation import Evaluation
from .triton_kernel import Kernel
from .triton_launch import Launch
from .triton_source_values import Value, number
from .triton_sources import calls, operand_loads, parsed
from .triton_walk import walked

BLOCKS = ("block_m", "block_n", "block_k")
"""Fields of a configuration that are the lengths of a product's tiles."""

Fields = Sequence[Mapping[str, Any]]


def multiplies_blocks(launch: Launch, fields: Fields) -> bool:
    """Whether every product is surely one of tiles of block_m x block_k and block_k x block_n.

    Args:
        launch: The launch.
        fields: Name -> value of each configuration, as `kernel_configs.field` spells the names.
    """
    tree = parsed(launch.kernel)
    if tree is None:
        return False
    products, seen = set(calls(tree, "dot")), _evaluation(launch, fields, True)
    tiles = {tuple(map(kernel_configs.field, tile)) for tile in seen.products.values()}
    return tiles == {BLOCKS} and products == set(seen.products)


def reads_side_by_side(launch: Launch, fields: Fields, exact: bool, descriptors: bool) -> bool:
    """Whether all loads of a product's operands surely read several elements side by side.

    Args:
        launch: The launch.
        fields: Name -> value of each configuration.
        exact: Whether numbers count as they are; if not, all but 1 count as multiples.
        descriptors: Whether the device copies what descriptors describe.
    """
    tree, seen = parsed(launch.kernel), _evaluation(launch, fields, exact)
    loads = operand_loads(tree) if tree else []
    return all(seen.is_regular(load) or (descriptors and load in seen.described) for load in loads)


def _evaluation(launch: Launch, fields: Fields, exact: bool) -> Evaluation:
    known = tuple((name, _argument(launch, fields, name, exact)) for name in launch.kernel.arguments)
    return _seen(launch.kernel, known)


@lru_cache(maxsize=256)
def _seen(kernel: Kernel, arguments: tuple[tuple[str, Value], ...]) -> Evaluation:
    return walked(parsed(kernel) or ast.Module([], []), dict(arguments))


def _argument(launch: Launch, fields: Fields, name: str, exact: bool) -> Value:
    """What is known of an argument whatever the configuration."""
    if name in launch.tensors:
        return Value(kind="even", name=name)  # what begins between is told by `is_aligned`
    field = kernel_configs.field(name)
    values = [launch.scalars[name]] if name in launch.scalars else [own.get(field) for own in fields]
    whole = [value for value in values if type(value) is int]
    compiled = name not in launch.scalars or name in launch.kernel.constants
    found = {number(value if exact or value == 1 else 0, compiled, name) for value in {*whole}}
    return found.pop() if len(found) == 1 and len(whole) == len(values) else Value(name=name)
