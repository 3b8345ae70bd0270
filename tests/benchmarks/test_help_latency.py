"""Plain models of latencies on devices never read."""

from __future__ import annotations

import help_latency
import numpy as np
import pandas as pd
import pytest

from prerank.search_spaces import nas_bench_201
from prerank.surrogate.metrics import spearman


def test_totals_are_read_off_a_text() -> None:
    texts = ["conv3x3<0 depth=2 params_m=1.5 macs_m=20", "skip<0 depth=0 params_m=0.1 macs_m=3"]
    assert help_latency.total(texts, "params_m").tolist() == [1.5, 0.1]
    assert help_latency.total(texts, "macs_m").tolist() == [20, 3]


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    names = ["none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"]
    ops = rng.choice(names, (60, 6))
    archs = [f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|" for a, b, c, d, e, f in ops]
    cost = (ops == "nor_conv_3x3").sum(axis=1) * 2.0 + (ops == "nor_conv_1x1").sum(axis=1) + 1.0
    return pd.DataFrame({"arch": archs, "latency_ms_1080ti_1": cost, "latency_ms_pixel3": 10 * cost})


def test_trees_learn_an_order_from_other_devices(table: pd.DataFrame) -> None:
    texts, latency = help_latency.texts_of(nas_bench_201, table), table["latency_ms_pixel3"].to_numpy() * 3
    predict = help_latency.sourced(nas_bench_201, table, ("1080ti_1", "pixel3"), "raspi4", texts, latency)
    assert spearman(predict(np.array([0, 1, 2])), latency) > 0.8
