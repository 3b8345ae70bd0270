"""Checkpoints that have not seen what the protocols ask them about: spaces, kernels, devices.

python benchmarks/leave_out.py [NAME ...]

Interrupt it at will. On one busy core without AVX-512 the first took an hour and a half; on one with BF16 all three
took 45 minutes at twice the candidates a step. They are for the benchmarks of this folder alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from help_latency import SOURCE_ARCHITECTURES, SOURCES, SPACES
from measured_rows import FOLDER, Measured
from measured_tables import read
from train_checkpoint import parse, train, without

CHECKPOINTS = Path(__file__).parents[1] / "runs" / "leave_out"
LEFT_OUT = {
    "cells_201": (
        "nas_bench_201",
        "onnx_graph",
        "triton matmul tutorial fp16",
        "dedispersion kernel: nvidia-rtx-a4000",
        "convolution kernel: nvidia-rtx-a4000",
        "xgemm: nvidia-rtx-3060-laptop",
        "convolution kernel: nvidia-rtx-3060-laptop",
        "accel_nasbench: nvidia-rtx-3090",
    ),
    "macro_graph": (
        "nas_bench_macro",
        "nas_bench_graph",
        "onnx_graph",
        "convolution kernel: amd-mi250x",
        "dedispersion kernel: amd-w7800",
        "accel_nasbench: tpu-v3",
    ),
}
"""Name of a checkpoint -> what it has not seen (see `train_checkpoint.without`), as ONNX graphs neither."""
STEPS = {"cells_201": 1500, "macro_graph": 800, "help": 500}
"""Name of a checkpoint -> steps; the one named help reads source devices alone."""


def main() -> None:
    """Train those that are named, or all."""
    for name in sys.argv[1:] or STEPS:
        if (CHECKPOINTS / name / "checkpoint.json").exists():
            print(f"{name} is trained; remove {CHECKPOINTS / name} to train it anew")
            continue
        rows = [measured for measured in read() if not measured.test]
        rows = list(of_help(rows)) if name == "help" else without(rows, LEFT_OUT[name])
        folders = ["--out", str(CHECKPOINTS / name), "--run", str(CHECKPOINTS / f"{name}_run")]
        size = ["--steps", str(STEPS[name]), "--draws", "1"]
        train(rows, parse([*size, *folders, "--leave-out", *LEFT_OUT.get(name, ())]))


def command_line(about: str | None, file: str, *, seeds: int) -> argparse.ArgumentParser:
    """What the benchmarks that ask these checkpoints have in common.

    Args:
        about: The benchmark's docstring.
        file: The benchmark's file.
        seeds: Draws that it makes unless told otherwise.
    """
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the tables")
    parser.add_argument("--checkpoints", type=Path, default=CHECKPOINTS, help="folder of the leave-out checkpoints")
    parser.add_argument("--seeds", type=int, default=seeds, help="draws of the candidates that are measured")
    parser.add_argument("--out", type=Path, default=Path(file).with_suffix(".json"))
    return parser


def of_help(rows: Sequence[Measured]) -> Iterator[Measured]:
    """Latencies on the source devices of a sample of the architectures of two spaces, and nothing else."""
    rng = np.random.default_rng(0)
    for space, _, last, _ in SPACES.values():
        metrics = {space.problem("latency_ms", device=device).metric for device in (*SOURCES, last)}
        known = [measured for measured in rows if measured.row.context == space.problem().context]
        for place in rng.permutation(len(known))[:SOURCE_ARCHITECTURES].tolist():
            row = known[place].row
            values = {metric: value for metric, value in row.values.items() if metric in metrics}
            yield replace(known[place], row=replace(row, values=values))


if __name__ == "__main__":
    main()
