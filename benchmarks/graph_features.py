"""Neural graph features: counts of operations; ways and degrees by all sets of operations.

After Kadlecova et al. 2024, "Surprisingly Strong Performance Prediction with Neural Graph Features" (arXiv:2404.16551).
Graphs carry an operation on each edge and run from the node "input" to the node "output".

Shapes: N graphs, F features.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from functools import cache, partial
from itertools import combinations
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from prerank.search_spaces import nas_bench_201, nas_bench_graph, nas_bench_macro

NO_WAY = 20.0
"""Length where there is no way."""
PLAIN = ""
"""Operation of an edge that only joins."""


def cell_201(cell: nas_bench_201.Cell) -> Any:
    """A cell of NAS-Bench-201."""
    nodes = ("input", 1, 2, "output")
    edges = zip(nas_bench_201.EDGES, cell.ops, strict=True)
    return _graph([(nodes[u], nodes[v], operation) for (u, v), operation in edges if operation != "zero"])


def architecture(found: nas_bench_graph.Architecture) -> Any:
    """An architecture of NAS-Bench-Graph: nodes become the edges that lead to them."""
    nodes = ["input", 1, 2, 3, 4]
    edges: list[tuple[Any, Any, str]] = [
        (nodes[source], place, operation)
        for place, (source, operation) in enumerate(zip(found.link, found.ops, strict=True), start=1)
    ]
    return _graph([*edges, *((leaf, "output", PLAIN) for leaf in range(1, 5) if leaf not in found.link)])


def network(found: nas_bench_macro.Network) -> Any:
    """A network of NAS-Bench-Macro: a chain, whose blocks are told apart by their stage too."""
    nodes = ["input", *range(1, 8), "output"]
    stages = [f"{choice} in stage {place // 3}" for place, choice in enumerate(found.choices)]
    return _graph(list(zip(nodes[:-1], nodes[1:], stages, strict=True)))


def features(graphs: Sequence[Any]) -> NDArray[np.float64]:
    """Features of graphs, (N, F); what two columns say alike is said once."""
    operations = sorted({name for graph in graphs for *_, name in graph.edges(data="operation")} - {PLAIN})
    sizes = range(1, len(operations) + 1)
    sets = [frozenset(chosen) for size in sizes for chosen in combinations(operations, size)]
    counts = [[_count(graph, name) for name in operations] for graph in graphs]
    return np.unique(np.hstack([counts, [_of_all(graph, sets) for graph in graphs]]), axis=1)


def _graph(edges: list[tuple[Any, Any, str]]) -> Any:
    graph = nx.DiGraph()
    graph.add_nodes_from(["input", "output"])
    graph.add_edges_from((source, end, {"operation": operation}) for source, end, operation in edges)
    return graph


def _count(graph: Any, operation: str) -> float:
    return float(sum(name == operation for *_, name in graph.edges(data="operation")))


def _of(graph: Any, operations: Set[str]) -> list[float]:
    """Shortest and longest way from input to output through some operations alone, degrees of both in them."""
    allowed = operations | {PLAIN}
    part = nx.DiGraph([(u, v) for u, v, name in graph.edges(data="operation") if name in allowed])
    part.add_nodes_from(["input", "output"])
    degrees = [float(part.out_degree("input")), float(part.in_degree("output"))]
    if not nx.has_path(part, "input", "output"):
        return [NO_WAY, 0.0, *degrees]
    between = part.subgraph((nx.descendants(part, "input") & nx.ancestors(part, "output")) | {"input", "output"})
    shortest = nx.shortest_path_length(part, "input", "output")
    return [float(shortest), float(nx.dag_longest_path_length(between)), *degrees]


def _of_all(graph: Any, sets: Sequence[frozenset[str]]) -> list[float]:
    """The same of all sets; those that differ in what the graph lacks are alike."""
    own = frozenset(name for *_, name in graph.edges(data="operation"))
    of = cache(partial(_of, graph))
    return [number for chosen in sets for number in of(chosen & own)]
