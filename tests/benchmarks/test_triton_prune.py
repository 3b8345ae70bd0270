"""The benchmark of rlm_prune on a small table of its own."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import triton_prune
from measured_shapes import nearest_other, shapes_of

from prerank.surrogate.rlm_surrogate import PACKAGED

KERNEL, DEVICE = "triton_matmul_tutorial_fp16", "NVIDIA A100"


@pytest.fixture
def frame() -> Any:
    rows = [
        {
            "kernel": KERNEL,
            "device": DEVICE,
            "problem": f"M=N=K={size}",
            "config": f"BLOCK_SIZE_M={m} BLOCK_SIZE_N=64 BLOCK_SIZE_K={k} GROUP_SIZE_M=8 num_stages={s} num_warps=4",
            "ms": size / 1000 / m if s < 40 else np.nan,
            "compile_time": 1.0,
            "split": "train",
        }
        for size in (512, 1024, 4096)
        for m in (32, 64)
        for k in (32, 64)
        for s in (2, 3, 60)
    ]
    return pd.DataFrame(rows)


def test_a_shape_tells_what_places_lose_and_what_tuning_costs(frame: Any) -> None:
    shape = shapes_of(frame, 9.0)[0]
    assert shape.sizes == {"m": 1024, "n": 1024, "k": 1024}
    assert shape.tuning.keys == sorted(shape.tuning.keys)  # a table may be sorted by time
    assert shape.slowdown({0, 6}) == 1.0
    assert shape.slowdown({0}) == 2.0
    assert shape.slowdown({2}) == 2.0  # it does not run: as slow as the slowest that does
    assert shape.seconds({0, 1}) == pytest.approx(2.25)


def test_the_nearest_other_shape_is_another(frame: Any) -> None:
    shapes = shapes_of(frame, 9.0)
    assert {shape.problem: nearest_other(shape, shapes).problem for shape in shapes} == {
        "M=N=K=512": "M=N=K=1024",
        "M=N=K=1024": "M=N=K=512",
        "M=N=K=4096": "M=N=K=1024",
    }


@pytest.mark.slow
def test_all_models_are_measured(frame: Any, tmp_path: Path) -> None:
    arguments = argparse.Namespace(checkpoint=PACKAGED, shapes=2, data=tmp_path)
    results = list(triton_prune.measured(frame, KERNEL, DEVICE, arguments))
    found = {row["model"]: row for row in results}
    assert {"random", "first", "roofline", "best on average", "boosted trees", "rlm_prune"} < set(found)
    assert found["best on average"]["slowdown@1"]["geometric"] == 1.0
    assert found["rlm_prune, tuned shape"]["worse than default"] == 0
    assert found["rlm_prune"]["faster tuning @10"] > 0
    assert len(triton_prune.tables(results)) == 2
