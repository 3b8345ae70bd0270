"""Text of a directed acyclic graph: one word a vertex, in a topological order.

A *word* is a vertex's operation and the positions of its predecessors in the order, as in ``conv3x3<0,2``. Vertices are
given by their operations and by the sets of their predecessors, in any order, (V,) each.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


def least_order(ops: Sequence[str], predecessors: Sequence[frozenset[int]]) -> list[int]:
    """The order whose text is the least, which isomorphic graphs share."""
    return least(predecessors, lambda order: _word(ops, predecessors, order))


def least(predecessors: Sequence[frozenset[int]], last: Callable[[Sequence[int]], Any]) -> list[int]:
    """The topological order that is the least when written vertex by vertex.

    Args:
        predecessors: Of each vertex, (V,).
        last: What the last vertex of an order is written as; it must be comparable.
    """
    orders: list[list[int]] = [[]]
    for _ in predecessors:
        # Only the orders that are the least so far can be the least.
        grown = [[*order, vertex] for order in orders for vertex in ready(predecessors, order)]
        written = [last(order) for order in grown]
        smallest = min(written)
        orders = [order for order, word in zip(grown, written, strict=True) if word == smallest]
    return orders[0]


def random_order(rng: np.random.Generator, predecessors: Sequence[frozenset[int]]) -> list[int]:
    """Any topological order."""
    order: list[int] = []
    for draw in rng.random(len(predecessors)).tolist():
        candidates = ready(predecessors, order)
        order.append(candidates[int(draw * len(candidates))])
    return order


def ready(predecessors: Sequence[frozenset[int]], order: Sequence[int]) -> list[int]:
    """Vertices that may come next: not placed yet, all predecessors placed."""
    placed = set(order)
    return [v for v, before in enumerate(predecessors) if v not in placed and before <= placed]


def words(ops: Sequence[str], predecessors: Sequence[frozenset[int]], order: Sequence[int]) -> str:
    """The text of an order."""
    return " ".join(_word(ops, predecessors, order[: place + 1]) for place in range(len(order)))


def _word(ops: Sequence[str], predecessors: Sequence[frozenset[int]], order: Sequence[int]) -> str:
    """Word of an order's last vertex."""
    vertex = order[-1]
    before = sorted(order.index(other) for other in predecessors[vertex])
    return f"{ops[vertex]}<{','.join(map(str, before))}" if before else ops[vertex]
