from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from prerank.surrogate.contents import KERNELS, ContentKernel, Contents, operations
from prerank.surrogate.gaussian_processes import GaussianProcesses
from prerank.surrogate.metrics import spearman
from prerank.surrogate.reading import Reading

Floats = NDArray[np.float64]

COSTS = {"zero": 0.0, "skip": 0.1, "conv1x1": 1.0, "avgpool3x3": 2.0, "conv3x3": 4.0}
EDGES = ("<0>1", "<0>2", "<1>2", "<0>3", "<1>3", "<2>3")


def cells(count: int, seed: int = 0) -> tuple[list[str], Floats]:
    """Cells that state a number besides, and what their operations cost."""
    rng = np.random.default_rng(seed)
    chosen = rng.choice(list(COSTS), (count, len(EDGES)))
    texts = [" ".join(f"{name}{edge}" for name, edge in zip(row, EDGES, strict=True)) for row in chosen.tolist()]
    return texts, np.array([sum(map(COSTS.__getitem__, row)) for row in chosen.tolist()])


def reading(texts: list[str]) -> Reading:
    nothing = np.zeros((len(texts), 1))
    return Reading(texts, nothing[:, 0], nothing[:, 0], nothing[:, 0], nothing, nothing)


@pytest.mark.parametrize(
    ("text", "counted"),
    [
        ("conv3x3<0>1 zero<0>2 conv3x3<1>2 params_m=3", {"conv3x3": 2}),
        ("input conv3x3<0 conv3x3<0,1 output<2", {"conv3x3": 2}),
        ("skip mbconv3x3e3c64 skip params_m=2", {"skip": 2, "mbconv3x3e3c64": 1}),
        ("block_m=64", {}),
    ],
)
def test_operations_are_those_of_the_graph_or_words(text: str, counted: dict[str, int]) -> None:
    assert operations(text) == counted


def test_costs_that_add_up_are_learnt_from_few() -> None:
    (known, y), (new, values) = cells(16), cells(200, seed=1)
    process = GaussianProcesses(Contents(known), (y - y.mean()) / y.std(), KERNELS)
    mean, variance = process(reading(new))
    assert spearman(mean, values) > 0.97
    inside = np.abs(mean * y.std() + y.mean() - values) < 1.645 * np.sqrt(variance) * y.std()
    assert inside.mean() > 0.85


def test_numbers_are_followed_where_nothing_is_counted() -> None:
    sizes = np.array([1, 4, 16, 64, 256, 1024])
    texts = [f"size={size} depth=3" for size in sizes.tolist()]
    process = GaussianProcesses(Contents(texts), np.log2(sizes) - 5, KERNELS)
    mean, _ = process(reading(["size=2", "size=32", "size=512"]))
    assert mean == pytest.approx([-4, 0, 4], abs=0.7)


def test_one_operation_more_weighs_the_same_however_rare_it_is() -> None:
    texts = ["often"] * 8 + ["often rare"] + ["often often"] * 8
    parts = Contents(texts).among(np.arange(17))
    same = ContentKernel(1.0, 0.1, 0.0)(parts)
    once, rare, twice = 0, 8, 16
    assert same[once, once] - same[once, rare] - same[once, rare] + same[rare, rare] == pytest.approx(
        same[once, once] - 2 * same[once, twice] + same[twice, twice]
    )


@pytest.mark.parametrize("texts", [["a", "a", "a"], ["", "", ""], ["x=1", "x=1", "x=1"]])
def test_candidates_alike_give_finite_predictions(texts: list[str]) -> None:
    process = GaussianProcesses(Contents(texts), np.array([-1.0, 0.0, 1.0]), KERNELS)
    mean, variance = process(reading(["a", "b x=2", ""]))
    assert np.isfinite(mean).all()
    assert (variance > 0).all()
    assert np.isfinite(process.left_out).all()


def test_no_candidates_no_predictions() -> None:
    texts, y = cells(6)
    assert GaussianProcesses(Contents(texts), y, KERNELS)(reading([]))[0].shape == (0,)
