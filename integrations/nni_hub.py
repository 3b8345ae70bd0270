"""Texts of the two cells in NNI's hub that the packaged weights know, from a sample of the model space.

``RLMStrategy(problem=nas_bench_201.problem(), to_text=nas_bench_201_text)`` on ``nni.nas.hub.pytorch.NasBench201``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..search_spaces import nas_bench_101, nas_bench_201

_RECORD_NAMES = {"conv_1x1": "nor_conv_1x1", "conv_3x3": "nor_conv_3x3"}


def nas_bench_101_text(sample: Mapping[str, Any]) -> str | None:
    """The cell of ``NasBench101`` or a model space with one ``NasBench101Cell``; None where it breaks a rule.

    Raises:
        ValueError: If the sample has no such cell.
    """
    choices = _choices(sample, "num_nodes")
    vertices: int = choices["num_nodes"]
    feeds = [set[int](), *(set(choices[f"input{vertex}"]) for vertex in range(1, vertices))]
    adjacency = [[int(source in feeds[target]) for target in range(vertices)] for source in range(vertices)]
    ops = ["input", *(choices[f"op{vertex}"] for vertex in range(1, vertices - 1)), "output"]
    try:
        return nas_bench_101.to_text(nas_bench_101.from_record({"adjacency": adjacency, "ops": ops}))
    except ValueError:
        return None


def nas_bench_201_text(sample: Mapping[str, Any]) -> str:
    """The cell of ``NasBench201`` or a model space with one ``NasBench201Cell`` of four nodes.

    Raises:
        ValueError: If the sample has no such cell, or an operation is not one of NAS-Bench-201's.
    """
    choices = _choices(sample, "0_1")
    chosen = {edge: choices[f"{edge[0]}_{edge[1]}"] for edge in nas_bench_201.EDGES}
    ops = {edge: _RECORD_NAMES.get(operation, operation) for edge, operation in chosen.items()}
    nodes = ["|".join(f"{ops[source, target]}~{source}" for source in range(target)) for target in range(1, 4)]
    return nas_bench_201.to_text(nas_bench_201.from_record("+".join(f"|{node}|" for node in nodes)))


def _choices(sample: Mapping[str, Any], needed: str) -> dict[str, Any]:
    """Choices without the scope of their cell."""
    choices = {name.rpartition("/")[2]: value for name, value in sample.items()}
    if needed not in choices:
        raise ValueError(f"the sample has no {needed!r}, only {sorted(sample)}; give the text of a cell of your own")
    return choices
