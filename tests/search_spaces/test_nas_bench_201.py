from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.search_spaces import nas_bench_201
from prerank.search_spaces.nas_bench_201 import OPERATIONS, Cell

RECORD = "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|"
cells = st.tuples(*[st.sampled_from(OPERATIONS)] * 6).map(Cell)


def test_record_of_the_benchmark() -> None:
    cell = nas_bench_201.from_record(RECORD)
    assert cell.ops == ("conv3x3", "conv3x3", "avgpool3x3", "skip", "conv3x3", "skip")
    assert nas_bench_201.to_text(cell) == (
        "conv3x3<0>1 conv3x3<0>2 avgpool3x3<1>2 skip<0>3 conv3x3<1>3 skip<2>3 depth=2 params_m=0.802 macs_m=114"
    )
    assert nas_bench_201.params(cell) == 802_426  # as the benchmark reports it


def test_dead_edges_are_marked() -> None:
    cell = Cell(("conv3x3", "zero", "zero", "skip", "zero", "conv1x1"))
    assert cell.alive == (False, False, False, True, False, False)
    assert nas_bench_201.to_text(cell).startswith("conv3x3<0>1! zero<0>2 zero<1>2 skip<0>3 zero<1>3 conv1x1<2>3!")


@given(cells)
def test_exchanging_the_inner_nodes_changes_nothing(cell: Cell) -> None:
    a, b, _, direct, c, d = cell.ops
    one, other = Cell((a, b, "zero", direct, c, d)), Cell((b, a, "zero", direct, d, c))
    assert nas_bench_201.to_text(one) == nas_bench_201.to_text(other)


@given(cells, st.integers(0, 2**32 - 1))
def test_random_orders_hold_the_same_words(cell: Cell, seed: int) -> None:
    text = nas_bench_201.to_text(cell, np.random.default_rng(seed))
    assert sorted(text.split()) == sorted(nas_bench_201.to_text(cell).split())


def test_more_cells_than_there_are_are_refused() -> None:
    with pytest.raises(ValueError, match="14125"):
        nas_bench_201.sample(np.random.default_rng(0), 14_126)


@pytest.mark.parametrize(
    "record",
    ["", "|none~0|", RECORD[:-1] + "x~3|", RECORD.replace("avg_pool", "avg_pond"), RECORD + "junk", {"arch": "x"}],
)
def test_unusable_record_is_named(record: Any) -> None:
    with pytest.raises(ValueError, match="must"):
        nas_bench_201.from_record(record)


def test_problems() -> None:
    latency = nas_bench_201.problem("latency_ms", device="titan_rtx_256")
    assert latency.metric.startswith("latency_ms batch=256 nvidia-titan-rtx")
    assert nas_bench_201.problem(dataset="cifar100").metric == "val_accuracy cifar100 200 epochs"
    assert nas_bench_201.problem(dataset="cifar10-valid") == nas_bench_201.problem()
    assert nas_bench_201.problem("energy_mj", device="eyeriss").direction == "minimize"
