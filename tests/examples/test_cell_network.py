"""The network of a cell, and its accuracy on digits."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prerank.search_spaces import nas_bench_101
from prerank.search_spaces.nas_bench_101 import Cell

sys.path.append(str(Path(__file__).parents[2] / "examples"))  # scripts import their neighbours by bare name
network = importlib.import_module("cell_network")

CELLS = nas_bench_101.sample(np.random.default_rng(0), 200)
cells = st.sampled_from(CELLS)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    """More threads than free cores make networks this small a hundred times slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def parameters(cell: Cell, **size: int) -> int:
    module = network.cell_network(cell, image_channels=3, classes=10, **size)
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("edges", "ops", "published"),
    [
        (
            [(0, 1), (0, 2), (0, 5), (1, 3), (2, 5), (3, 4), (3, 6), (4, 5), (5, 6)],
            ["conv3x3", "conv3x3", "maxpool3x3", "conv3x3", "conv1x1"],
            8_555_530,
        ),
        (
            [(0, 1), (1, 2), (2, 3), (3, 4), (3, 5), (3, 6), (4, 5), (5, 6)],
            ["conv1x1", "conv1x1", "conv3x3", "conv1x1", "conv3x3"],
            5_878_154,
        ),
    ],
)
def test_full_size_has_as_many_parameters_as_nas_bench_101_says(
    edges: list[tuple[int, int]], ops: list[str], published: int
) -> None:
    adjacency = np.zeros((7, 7), dtype=int)
    adjacency[tuple(np.transpose(edges))] = 1
    assert parameters(Cell(tuple(map(tuple, adjacency.tolist())), ("input", *ops, "output"))) == published


@given(cells, st.integers(1, 3), st.integers(7, 12))
@settings(max_examples=30)
def test_a_forward_pass_of_any_cell_scores_every_class(cell: Cell, cells_per_stage: int, channels: int) -> None:
    module = network.cell_network(
        cell, image_channels=2, classes=5, channels=channels, stages=2, cells_per_stage=cells_per_stage
    )
    assert module(torch.randn(3, 2, 8, 8)).shape == (3, 5)


@given(cells)
@settings(max_examples=30)
def test_the_gradient_reaches_every_parameter(cell: Cell) -> None:
    module = network.cell_network(cell, image_channels=1, classes=10, channels=8, cells_per_stage=1)
    module(torch.randn(4, 1, 8, 8)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


@given(cells, st.integers(1, 40), st.integers(5, 40))
def test_vertices_share_the_output_channels(cell: Cell, channels_in: int, channels_out: int) -> None:
    widths = network.vertex_channels(cell, channels_in, channels_out)
    output = len(cell.ops) - 1
    last = [widths[vertex] for vertex in cell.graph.predecessors(output) if vertex > 0]
    assert (widths[0], widths[-1]) == (channels_in, channels_out)
    assert not last or (sum(last) == channels_out and max(last) - min(last) <= 1)
    assert all(widths[before] >= widths[after] for before, after in cell.graph.edges if before > 0 and after < output)


def test_the_accuracy_on_digits_is_a_function_of_cell_and_seed() -> None:
    state = torch.random.get_rng_state()
    first, again, other = (network.digits_accuracy(CELLS[0], seed) for seed in (0, 0, 1))
    assert first == again != other
    assert 0 <= first <= 1
    assert torch.equal(state, torch.random.get_rng_state())


def test_no_image_is_both_for_training_and_for_validation() -> None:
    images, labels = network.digits()
    assert images.shape == (1797, 1, 8, 8)
    assert len(labels) == 1797 >= network.TRAINING_IMAGES + network.VALIDATION_IMAGES
