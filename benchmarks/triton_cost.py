"""What rlm_prune takes: a launch of many configurations, one that was decided before, the first of a process.

python benchmarks/triton_cost.py [--rounds 7]

Milliseconds of the processor on one thread, the median of a few sizes of a matrix product for an A100, none of them
decided before; the first of a process also by the clock, on top of importing torch and triton.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tables import show
from threadpoolctl import threadpool_limits

COUNTS = (100, 5_000)
DEVICE = "nvidia-a100"
BLOCKS, WARPS, STAGES = (16, 32, 48, 64, 80, 96, 112, 128, 192, 256), (1, 2, 4, 8), (1, 2, 3, 4, 5)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--first", action="store_true", help="measure the first launch of this process alone")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    threadpool_limits(1)  # a second thread of BLAS would wait busily
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PRERANK_CACHE"] = folder
        if arguments.first:
            print(json.dumps(first()))
            return
        results = measured(arguments.rounds)
    results |= {"first": np.median([apart() for _ in range(arguments.rounds)], axis=0).tolist()}
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def measured(rounds: int) -> dict[str, Any]:
    """Costs of launches in a process that has decided one."""
    pruned(COUNTS[0], size=512)
    new = {str(count): [pruned(count, 1024 + 64 * n) for n in range(rounds)] for count in COUNTS}
    again = [pruned(COUNTS[0], 1024 + 64 * n) for n in range(rounds)]
    return {"new": {count: float(np.median(own)) for count, own in new.items()}, "decided": float(np.median(again))}


def apart() -> tuple[float, float]:
    """The first launch of a new process: of the processor, and by the clock."""
    line = [sys.executable, __file__, "--first"]
    return tuple(json.loads(subprocess.run(line, check=True, capture_output=True, text=True).stdout))


def first() -> tuple[float, float]:
    """The first launch of this process, with all that it imports and loads beside torch and triton."""
    configurations(1)
    start = time.perf_counter()
    return pruned(COUNTS[0], size=512), (time.perf_counter() - start) * 1e3


def pruned(count: int, size: int) -> float:
    """Milliseconds of the processor that choosing among so many configurations takes, at first with the imports."""
    configs, arguments = configurations(count), tensors(size)
    start = time.process_time()
    kept = pruner().prune(configs, arguments)
    milliseconds = (time.process_time() - start) * 1e3
    if len(kept) != 10:  # it keeps all where it fails
        raise RuntimeError(f"{len(kept)} of {count} configurations were kept")
    return milliseconds


@cache
def pruner() -> Any:
    """The pruner of a kernel."""
    from triton_products import matmul_kernel

    from prerank.integrations.triton import rlm_prune

    prune = rlm_prune(device=DEVICE, top_k=10)
    prune.attach(matmul_kernel)
    return prune


def configurations(count: int) -> list[Any]:
    """So many of a product, drawn once."""
    import triton

    every = list(product(BLOCKS, BLOCKS, BLOCKS, WARPS, STAGES))
    places = np.random.default_rng(0).permutation(len(every))[:count].tolist()
    names = ("BLOCK_M", "BLOCK_N", "BLOCK_K")
    return [
        triton.Config(dict(zip(names, blocks, strict=True)), num_warps=warps, num_stages=stages)
        for *blocks, warps, stages in map(every.__getitem__, places)
    ]


def tensors(size: int) -> dict[str, Any]:
    """Arguments of a product of square matrices of 16 bits, which take no memory."""
    matrix = torch.empty((size, size), dtype=torch.float16, device="meta")
    return {"x_ptr": matrix, "w_ptr": matrix, "y_ptr": matrix, "M": size, "N": size}


def tables(results: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """The results as a titled data frame of text."""
    rows = [
        *([f"{int(count):,} configurations, a new size", f"{own:.0f}", ""] for count, own in results["new"].items()),
        [f"{COUNTS[0]} configurations, decided before", f"{results['decided']:.2f}", ""],
        [f"{COUNTS[0]} configurations, the first of a process", *(f"{own:.0f}" for own in results["first"])],
    ]
    return {"rlm_prune": pd.DataFrame(rows, columns=["launch of", "ms of the processor", "ms by the clock"])}


if __name__ == "__main__":
    main()
