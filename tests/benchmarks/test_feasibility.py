"""The counts of what cannot run, on a small table of its own."""

from __future__ import annotations

import feasibility
import numpy as np
import pandas as pd


def test_what_is_dropped_is_counted_by_kernel_and_device() -> None:
    blocks = "BLOCK_SIZE_M=128 BLOCK_SIZE_N=256 BLOCK_SIZE_K=64 GROUP_SIZE_M=8 num_warps=8"
    product = {"kernel": "triton_matmul_tutorial_fp16", "device": "NVIDIA A100", "compile_time": 1.0}
    rows = [
        product | {"problem": f"M=N=K={size}", "config": f"{blocks} num_stages={stages}", "ms": ms}
        for size in (512, 1024)
        for stages, ms in ((2, 1.0), (3, np.nan), (6, np.nan), (7, 1.0 if size == 512 else np.nan))
    ]
    other = {"kernel": "triton_flash", "device": "NVIDIA H100", "problem": "m=1", "compile_time": 1.0}
    rows += [other | {"config": "BLOCK_M=64 num_stages=3 num_warps=4", "ms": np.nan}]
    found = list(feasibility.counted(pd.DataFrame(rows)))
    counts = ("failed", "failed, dropped", "ran", "ran, dropped")
    assert {row["kernel"]: [row[name] for name in counts] for row in found} == {
        "triton_flash": [1, 0, 0, 0],
        "triton_matmul_tutorial_fp16": [5, 3, 3, 1],
    }
    (table,) = feasibility.tables(found).values()
    assert table["share"].tolist() == ["0.0%", "60.0%"]
