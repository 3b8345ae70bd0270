from __future__ import annotations

import graph_features
import numpy as np

from prerank.search_spaces import nas_bench_201, nas_bench_graph, nas_bench_macro


def of_one(graph: object, operations: set[str]) -> list[float]:
    return graph_features._of(graph, operations)  # pyright: ignore[reportPrivateUsage]


def test_ways_and_degrees_of_a_cell() -> None:
    cell = nas_bench_201.Cell(("conv3x3", "skip", "conv3x3", "zero", "skip", "conv3x3"))
    graph = graph_features.cell_201(cell)
    assert of_one(graph, {"conv3x3"}) == [3, 3, 1, 1]
    assert of_one(graph, {"conv3x3", "skip"}) == [2, 3, 2, 2]
    assert of_one(graph, {"avgpool3x3"}) == [graph_features.NO_WAY, 0, 0, 0]


def test_nodes_of_an_architecture_lead_to_the_output_without_an_operation() -> None:
    chain = graph_features.architecture(nas_bench_graph.Architecture((0, 1, 2, 3), ("gcn", "gat", "gcn", "gat")))
    assert of_one(chain, {"gcn", "gat"}) == [5, 5, 1, 1]
    assert of_one(chain, {"gcn"})[0] == graph_features.NO_WAY
    star = graph_features.architecture(nas_bench_graph.Architecture((0, 0, 0, 0), ("gcn", "gat", "gcn", "gat")))
    assert of_one(star, {"gcn"}) == [2, 2, 2, 4]


def test_features_tell_networks_apart_and_are_finite() -> None:
    networks = [nas_bench_macro.from_record(choices) for choices in ("00000000", "01201201", "22222222")]
    found = graph_features.features([graph_features.network(network) for network in networks])
    assert found.shape[0] == 3
    assert np.isfinite(found).all()
    assert len(np.unique(found, axis=0)) == 3
    assert len(np.unique(found, axis=1).T) == found.shape[1]


def test_ways_through_three_operations_count() -> None:
    cell = nas_bench_201.Cell(("conv3x3", "zero", "conv1x1", "zero", "zero", "avgpool3x3"))
    sets = [frozenset({"conv3x3", "conv1x1", "avgpool3x3"}), frozenset({"conv3x3", "conv1x1", "skip"})]
    found = graph_features._of_all(graph_features.cell_201(cell), sets)
    assert found == [3, 3, 1, 1, graph_features.NO_WAY, 0, 1, 0]
