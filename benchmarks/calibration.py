"""Whether predicted intervals hold as often as they say, at every level.

python benchmarks/calibration.py [--checkpoint FOLDER]

The packaged checkpoint on rows that it never read: test cells of NAS-Bench-101, test shapes of Inductor's mm, cells of
NAS-Bench-201 on a device never seen after 10 and 30 measurements of it. Reliability is the share of the measured values
that lie in the central interval of a level; calibrated when it equals the level.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from intervals import interval, shown
from measured_tables import FOLDER, kernel_frame
from tables import show

from prerank.search_spaces import kernel_configs, nas_bench_101, nas_bench_201
from prerank.surrogate import Prediction, RLMSurrogate
from prerank.surrogate.metrics import coverage

LEVELS = tuple(round(level, 2) for level in np.linspace(0.1, 0.95, 18).tolist())
SHOWN = (0.5, 0.8, 0.9)
SHAPES = 100
CELLS = 1_000
DEVICE = "titan_rtx_256"

Answer = tuple[Prediction, Any]
"""A prediction, and the values that were measured."""


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    surrogate = RLMSurrogate.load(arguments.checkpoint)
    answers: dict[str, Iterator[Answer]] = {
        "NAS-Bench-101, accuracy, test cells": cells(surrogate, arguments.data),
        "Inductor mm, slowdown, test shapes": shapes(surrogate, arguments.data),
        "NAS-Bench-201, latency, unseen device, 10 measured": device(surrogate, arguments.data, 10),
        "NAS-Bench-201, latency, unseen device, 30 measured": device(surrogate, arguments.data, 30),
    }
    results = [reliability(protocol, own) for protocol, own in answers.items()]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=FOLDER)
    parser.add_argument("--checkpoint", type=Path, help="default: the packaged one")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "calibration.json")
    return parser.parse_args()


def cells(surrogate: RLMSurrogate, data: Path) -> Iterator[Answer]:
    """Final accuracies of the test cells."""
    frame: Any = pd.read_json(data / "nas" / "nas_bench_101.jsonl.gz", lines=True).query("split == 'test'")
    texts = [nas_bench_101.to_text(nas_bench_101.from_record(record)) for record in frame.to_dict("records")]
    yield surrogate.predict(nas_bench_101.problem(), texts), frame["val_acc_108"].to_numpy()


def shapes(surrogate: RLMSurrogate, data: Path) -> Iterator[Answer]:
    """Slowdowns of the configurations of each test shape."""
    frame = kernel_frame(data)
    rows = frame[frame["kernel"].eq("triton_mm") & frame["device"].eq("NVIDIA A100") & frame["split"].eq("test")]
    for problem, own in list(rows[rows["ms"].notna()].groupby("problem"))[:SHAPES]:
        texts = [kernel_configs.to_text(kernel_configs.from_record(config)) for config in own["config"]]
        asked = kernel_configs.problem("triton_mm", "NVIDIA A100", problem)
        yield surrogate.predict(asked, texts), own["ms"].to_numpy() / own["ms"].min()


def device(surrogate: RLMSurrogate, data: Path, measured: int, seeds: int = 10) -> Iterator[Answer]:
    """Latencies on a device never seen, after a few random ones; one answer a seed."""
    frame: Any = pd.read_csv(data / "nas" / "nas_bench_201.csv.gz").sample(CELLS, random_state=0)
    texts = [nas_bench_201.to_text(nas_bench_201.from_record(cell)) for cell in frame["arch"]]
    latency, problem = frame[f"latency_ms_{DEVICE}"].to_numpy(), nas_bench_201.problem("latency_ms", device=DEVICE)
    for seed in range(seeds):
        order, learnt = np.random.default_rng(seed).permutation(len(texts)).tolist(), surrogate.fork()
        learnt.observe(problem, [texts[row] for row in order[:measured]], latency[order[:measured]])
        yield learnt.predict(problem, [texts[row] for row in order[measured:]]), latency[order[measured:]]


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
    return {"Share of measured values inside the predicted intervals": pd.DataFrame(lines)}


def plot(results: list[dict[str, Any]], axes: Any) -> None:
    """Reliability over the level."""
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", label="calibrated")
    for result in results:
        axes.plot(LEVELS, [result[str(level)]["mean"] for level in LEVELS], marker=".", label=result["protocol"])
    axes.set(xlabel="level of the central interval", ylabel="share of values inside", title="Reliability")
    axes.legend(fontsize="small")


if __name__ == "__main__":
    main()
