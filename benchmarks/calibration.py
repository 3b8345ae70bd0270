"""Whether predicted intervals hold as often as they say, at every level.

python benchmarks/calibration.py [--checkpoint FOLDER]

The packaged checkpoint on rows that it never read: test cells of NAS-Bench-101, test shapes of Inductor's mm, cells of
NAS-Bench-201 on a device never seen after 10 and 30 measurements of it. Reliability is the share of the measured values
that lie in the central interval of a level; calibrated when it equals the level. Trust is what the surrogate says of
its own rank correlation, from the results of the other benchmarks; calibrated when both are the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from few_shot import FewShot
from intervals import interval, shown
from measured_rows import table_file
from measured_tables import kernel_frame, nas_bench_101_test_cells
from tables import show
from unseen_shapes import answer, divided
from written import measurements, written

from prerank.search_spaces import nas_bench_101, nas_bench_201
from prerank.surrogate import Prediction, RLMSurrogate
from prerank.surrogate.metrics import coverage

LEVELS = tuple(round(level, 2) for level in np.linspace(0.1, 0.95, 18).tolist())
SHOWN = (0.5, 0.8, 0.9)
KERNEL = "triton_mm", "NVIDIA A100"
SHAPES = 100
CELLS = 1_000
DEVICE = "titan_rtx_256"
SEEDS = 10
RATED = ("help_latency", "unseen_shapes", "unseen_kernel", "unseen_devices", "unseen_spaces", "unseen_families")
"""Benchmarks whose results have trust and rank correlation."""

Answer = tuple[Prediction, Any]
"""A prediction, and the values that were measured."""


def main() -> None:
    """Measure, print, write."""
    arguments = command_line(__doc__, __file__).parse_args()
    surrogate, read = RLMSurrogate.load(arguments.checkpoint), device(arguments.checkpoint, arguments.data)
    answers: dict[str, Iterator[Answer]] = {
        "NAS-Bench-101, accuracy, test cells": cells(surrogate, arguments.data),
        "Inductor mm, slowdown, test shapes": shapes(surrogate, arguments.data),
        "NAS-Bench-201, latency, unseen device, 10 measured": unmeasured(*read, 10),
        "NAS-Bench-201, latency, unseen device, 30 measured": unmeasured(*read, 30),
    }
    results = [reliability(protocol, own) for protocol, own in answers.items()]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def cells(surrogate: RLMSurrogate, data: Path) -> Iterator[Answer]:
    """Final accuracies of the test cells."""
    texts, accuracies = nas_bench_101_test_cells(data)
    yield surrogate.predict(nas_bench_101.problem(), texts), np.array(accuracies)


def shapes(surrogate: RLMSurrogate, data: Path) -> Iterator[Answer]:
    """Slowdowns of the configurations of each test shape."""
    _, found = divided(kernel_frame(data), *KERNEL)
    for shape in found[:SHAPES]:
        yield answer(surrogate, *KERNEL, shape), shape["slowdown"].to_numpy()


def device(checkpoint: Path | None, data: Path) -> tuple[FewShot, Any]:
    """Cells on a device never seen, read, and their latencies."""
    frame: Any = pd.read_csv(table_file(data, "nas/nas_bench_201.csv.gz")).sample(CELLS, random_state=0)
    texts = [nas_bench_201.to_text(nas_bench_201.from_record(cell)) for cell in frame["arch"]]
    latency = frame[f"latency_ms_{DEVICE}"].to_numpy()
    return FewShot(checkpoint, nas_bench_201.problem("latency_ms", device=DEVICE), texts, latency), latency


def unmeasured(read: FewShot, latency: Any, measured: int) -> Iterator[Answer]:
    """Latencies of the other cells after a few random ones; one answer a seed."""
    for prediction, seen in read.after(measured, SEEDS):
        yield prediction[np.flatnonzero(~seen)], latency[~seen]


def reliability(protocol: str, answers: Iterator[Answer]) -> dict[str, Any]:
    """Coverage at every level, with its interval over shapes or seeds."""
    shares = np.array([[coverage(*answer, level) for level in LEVELS] for answer in answers])
    return {"protocol": protocol} | {str(level): interval(own) for level, own in zip(LEVELS, shares.T, strict=True)}


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    lines = [
        {"protocol": result["protocol"]} | {f"{level:.0%} intervals hold": shown(result[str(level)]) for level in SHOWN}
        for result in results
    ]
    return {
        "Share of measured values inside the predicted intervals": pd.DataFrame(lines),
        "Trust and the rank correlation that it stands for": pd.DataFrame(trusts()),
    }


def trusts() -> Iterator[dict[str, str]]:
    """Trust beside the rank correlation reached, a mean over the cases of each benchmark and sample size."""
    for name in RATED:
        rated = [result for result in written(name) if "trust" in result]
        for n in sorted({measurements(result) for result in rated}):
            own = [result for result in rated if measurements(result) == n]
            trust, rank = (np.array([result[key]["mean"] for result in own]) for key in ("trust", "spearman"))
            means = {"trust": f"{trust.mean():.2f}", "Spearman": f"{rank.mean():.2f}"}
            apart = {"mean distance": f"{np.abs(trust - rank).mean():.2f}", "cases": str(len(own))}
            yield {"benchmark": name, "measured": str(n)} | means | apart


def plot(results: list[dict[str, Any]], axes: Any) -> None:
    """Reliability over the level."""
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="calibrated")
    for result in results:
        axes.plot(LEVELS, [result[str(level)]["mean"] for level in LEVELS], marker=".", label=result["protocol"])
    axes.set(xlabel="level of the central interval", ylabel="share of values inside", title="Reliability")
    axes.legend(fontsize="small")


if __name__ == "__main__":
    main()
