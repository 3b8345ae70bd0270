"""Cells of NNI's hub as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from prerank.integrations.nni import (
    nas_bench_101_text,
    nas_bench_201_text,
)
from prerank.search_spaces import nas_bench_201


def hub_cells_101() -> Iterator[tuple[dict[str, Any], str | None]]:
    chain = {"cell/num_nodes": 4, "cell/op1": "conv3x3-bn-relu", "cell/op2": "maxpool3x3", "cell/op5": "ignored"}
    yield chain | {"cell/input1": [0], "cell/input2": [1], "cell/input3": [2]}, "input conv3x3<0 maxpool3x3<1 output<2"
    yield chain | {"cell/input1": [0], "cell/input2": [1], "cell/input3": [0, 1]}, "input conv3x3<0 output<0,1"
    yield chain | {"cell/input1": [0], "cell/input2": [1], "cell/input3": []}, None


@pytest.mark.parametrize(("sample", "text"), list(hub_cells_101()))
def test_a_cell_of_nas_bench_101_is_read(sample: dict[str, Any], text: str | None) -> None:
    assert nas_bench_101_text(sample) == text


def test_a_cell_of_nas_bench_201_is_read() -> None:
    names = {"zero": "none", "skip": "skip_connect", "conv1x1": "conv_1x1", "conv3x3": "conv_3x3"}
    for cell in nas_bench_201.sample(np.random.default_rng(0), 50):
        ops = [names.get(operation, "avg_pool_3x3") for operation in cell.ops]
        sample = {f"cell/{i}_{j}": op for (i, j), op in zip(nas_bench_201.EDGES, ops, strict=True)}
        assert nas_bench_201_text(sample) == nas_bench_201.to_text(cell)


def test_another_space_is_no_cell() -> None:
    for read in (nas_bench_101_text, nas_bench_201_text):
        with pytest.raises(ValueError, match="'width'"):
            read({"width": 3})
