"""The networks of the spaces as ONNX: valid, run by ONNX Runtime, with the totals of the spaces' own texts."""

from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from prerank.search_spaces import fbnet, nas_bench_101, nas_bench_201, nas_bench_macro, nds, ofa, onnx_graph
from prerank.search_spaces.nas_bench_201 import Cell
from prerank.surrogate.metrics import spearman

SMALL: dict[Any, dict[str, Any]] = {
    nas_bench_101: {"resolution": 8, "channels": 8, "cells": 1},
    nas_bench_201: {"resolution": 8, "channels": 4, "cells": 1},
    nas_bench_macro: {"resolution": 8, "width": 0.25},
    fbnet: {"resolution": 32, "width": 0.25},
    ofa: {"resolution": 32, "width": 0.25},
    nds: {"resolution": 8, "width": 4, "depth": 4},
}
each_space = pytest.mark.parametrize("space", SMALL, ids=lambda space: space.__name__.rpartition(".")[2])


def run(model: onnx.ModelProto) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    images = np.random.default_rng(0).standard_normal(session.get_inputs()[0].shape, dtype=np.float32)
    return session.run(None, {"images": images})[0]


@each_space
def test_small_networks_are_valid_and_run(space: Any) -> None:
    for place, candidate in enumerate(space.sample(np.random.default_rng(0), 6)):
        model = space.to_onnx(candidate, **SMALL[space] | {"batch": 1 + place % 2})
        onnx.checker.check_model(model, full_check=True)
        found = run(model)
        assert len(found) == 1 + place % 2
        assert np.isfinite(found).all()
        assert found.std() > 0 or "depth=0" in space.to_text(candidate)


@pytest.mark.parametrize("name", nds.SPACES)
def test_every_space_of_nds_runs(name: str) -> None:
    for genotype in nds.sample(np.random.default_rng(1), 4, name):
        model = nds.to_onnx(genotype, **SMALL[nds] | {"depth": 5})
        onnx.checker.check_model(model, full_check=True)
        assert run(model).shape == (1, 10)


@each_space
def test_the_same_candidate_has_the_same_weights(space: Any) -> None:
    candidate = space.sample(np.random.default_rng(0), 1)[0]
    first, second, other = (space.to_onnx(candidate, **SMALL[space], seed=seed) for seed in (0, 0, 1))
    assert first.SerializeToString() == second.SerializeToString() != other.SerializeToString()
    text = onnx_graph.to_text(onnx_graph.from_record(first))
    assert text == onnx_graph.to_text(onnx_graph.from_record(other))


@pytest.mark.parametrize(
    "space", [nas_bench_201, nas_bench_macro, fbnet, ofa], ids=lambda space: space.__name__.rpartition(".")[2]
)
def test_totals_are_those_of_the_cell_text(space: Any) -> None:
    """Both texts of a candidate say the same size, so that they rank alike where size decides."""
    pairs: list[tuple[float, float]] = []
    for candidate in space.sample(np.random.default_rng(2), 8):
        text = space.to_text(candidate)
        words = dict(word.split("=") for word in text.split() if "=" in word)
        graph = onnx_graph.from_record(space.to_onnx(candidate))
        assert graph.macs / 1e6 == pytest.approx(float(words["macs_m"]), rel=0.01)
        if "!" not in text:  # dead edges, which have parameters, are no part of the graph
            assert graph.params / 1e6 == pytest.approx(float(words["params_m"]), rel=0.02)
        pairs.append((graph.macs, float(words["macs_m"])))
    assert spearman(*np.array(pairs).T) > 0.99


@each_space
def test_equal_texts_are_equal_work(space: Any) -> None:
    found: dict[str, tuple[int, ...]] = {}
    for candidate in space.sample(np.random.default_rng(3), 40):
        graph = onnx_graph.from_record(space.to_onnx(candidate, **SMALL[space]))
        work = graph.macs, graph.params, graph.activation_bytes, graph.peak_bytes
        assert found.setdefault(onnx_graph.to_text(graph), work) == work
    assert len(found) > 30


def test_parameters_of_nas_bench_101() -> None:
    """Of the table: a cell of one 3x3 convolution and one of three."""
    cell = nas_bench_101.Cell(((0, 1, 0), (0, 0, 1), (0, 0, 0)), ("input", "conv3x3", "output"))
    graph = onnx_graph.from_record(nas_bench_101.to_onnx(cell))
    # Stem, projections and convolutions of three stages; batch normalisation has another bias each, left out here.
    stages = [(128, 128), (128, 256), (256, 512)]
    expected = 27 * 128 + 128
    for before, width in stages:
        expected += (before + 2 * width) * width + 3 * width + 3 * (9 * width * width + width)
    assert graph.params == expected + 512 * 10 + 10


def test_a_cell_without_a_live_path_is_zero() -> None:
    cell = Cell(("zero",) * 6)
    assert (run(nas_bench_201.to_onnx(cell, resolution=8)) == 0).all()


def test_sizes_that_make_no_network_are_named() -> None:
    cell = nas_bench_201.Cell(("skip",) * 6)
    with pytest.raises(ValueError, match="0"):
        nas_bench_201.to_onnx(cell, batch=0)
    with pytest.raises(ValueError, match="width is 0"):
        fbnet.to_onnx(fbnet.sample(np.random.default_rng(0), 1)[0], width=0)


@pytest.mark.parametrize("size", ["channels", "stages", "cells", "classes"])
@pytest.mark.parametrize("space", [nas_bench_101, nas_bench_201])
def test_a_network_of_nothing_is_refused(space: Any, size: str) -> None:
    (cell,) = space.sample(np.random.default_rng(0), 1)
    with pytest.raises(ValueError, match=f"{size} is 0; it must be at least 1"):
        space.to_onnx(cell, **{size: 0})


@pytest.mark.parametrize("size", ["width", "depth", "classes"])
def test_a_genotype_of_nothing_is_refused(size: str) -> None:
    (genotype,) = nds.sample(np.random.default_rng(0), 1)
    with pytest.raises(ValueError, match=f"{size} is 0"):
        nds.to_onnx(genotype, **{size: 0})
