"""What each choice in the model is worth: the same small training, with one thing changed at a time.

python benchmarks/ablations.py [--steps N] [VARIANT ...]

Three tables (NAS-Bench-101, NAS-Bench-201, Inductor's mm), their training rows alone; rank correlation on validation
rows, a mean over metrics, and minutes. The first variant is trained with three seeds: what differs by less than they do
says nothing. *Two digits*: values are rounded to two. *Opaque metrics*: each metric is a word that does not say what it
means. *Joint*: every candidate is read by the encoder, after its context, and a step has a quarter of the candidates.
Finished variants are kept in the output file, those of other --steps too; interrupt it at will.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zlib import crc32

import numpy as np
import pandas as pd
from intervals import interval, shown
from measured_rows import FOLDER, Measured
from measured_tables import kernel_rows, nas_bench_101_rows, nas_bench_201_rows
from tables import show
from train_checkpoint import computes_in_bfloat16, divided, vocabulary_texts

from prerank.surrogate import RLMSurrogate, Row, Training, inference, table
from prerank.surrogate.network import CANDIDATE_WORDS

LINES: tuple[str, ...] = ("nas_bench_101", "nas_bench_201", "triton matmul")


@dataclass(frozen=True)
class Variant:
    """What is changed.

    Args:
        rows: Rows -> rows, of training and validation alike.
        shape: Arguments of `RLMSurrogate.untrained`.
        training: Arguments of `Training`.
        seeds: How often it is trained.
        joint: Every text of more than one word counts as long.
    """

    rows: Callable[[Row], Row] = lambda row: row
    shape: dict[str, Any] = field(default_factory=dict[str, Any])
    training: dict[str, Any] = field(default_factory=dict[str, Any])
    seeds: int = 1
    joint: bool = False


def valued(values: Callable[[dict[str, float]], dict[str, float]]) -> Callable[[Row], Row]:
    """Rows with other values."""
    return lambda row: Row(row.context, row.texts, values(dict(row.values)))


def opaque(values: dict[str, float]) -> dict[str, float]:
    """Every metric under a name that says nothing."""
    return {f"metric{crc32(name.encode())}": value for name, value in values.items()}


def two_digits(values: dict[str, float]) -> dict[str, float]:
    """Values, or their distance from 1 where the codec writes that, rounded to two digits."""
    return {
        name: 1 - float(f"{1 - value:.1e}") if 0.9 < value < 1 else float(f"{value:.1e}")
        for name, value in values.items()
    }


def less(metric: str) -> Callable[[dict[str, float]], dict[str, float]]:
    """Values without one metric of kernels."""
    return lambda values: {name: value for name, value in values.items() if name != metric}


VARIANTS: dict[str, Variant] = {
    "as shipped": Variant(seeds=3),
    "one order of each text": Variant(lambda row: Row(row.context, row.texts[:1], row.values)),
    "one metric of a candidate": Variant(training={"metrics": 1}),
    "opaque metrics": Variant(valued(opaque)),
    "slowdown without milliseconds": Variant(valued(less("latency_ms"))),
    "milliseconds without slowdown": Variant(valued(less("slowdown"))),
    "two digits": Variant(valued(two_digits)),
    "256 pieces": Variant(shape={"vocabulary": 256}),
    "width 64": Variant(shape={"width": 64}),
    "width 192": Variant(shape={"width": 192, "heads": 6}),
    "2 reader layers": Variant(shape={"reader_layers": 2}),
    "6 reader layers": Variant(shape={"reader_layers": 6}),
    "1 writer layer": Variant(shape={"writer_layers": 1}),
    "joint": Variant(training={"candidates": 128}, joint=True),
}


def main() -> None:
    """Train, print, write."""
    arguments = parse()
    rows = list(measured(arguments.data))
    results: list[dict[str, Any]] = json.loads(arguments.out.read_text()) if arguments.out.exists() else []
    for name in arguments.variants or VARIANTS:
        for seed in range(VARIANTS[name].seeds):
            own = {"variant": name, "seed": seed, "steps": arguments.steps}
            if not any(own.items() <= known.items() for known in results):
                results.append(own | trained(name, rows, seed, arguments.steps))
                arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    show(tables(results))


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("variants", nargs="*", help=f"default: all of {', '.join(VARIANTS)}")
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the tables")
    parser.add_argument("--steps", type=int, default=150)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    return parser.parse_args()


def measured(data: Path) -> Iterator[Measured]:
    """Training rows of three tables."""
    rng = np.random.default_rng(0)
    for read in (nas_bench_101_rows, nas_bench_201_rows, kernel_rows):
        for found in read(data, rng):
            if not found.test and found.row.context.partition("\n")[0] in LINES:
                yield found


def trained(name: str, rows: Sequence[Measured], seed: int, steps: int) -> dict[str, Any]:
    """One training of a variant, rated."""
    variant, start = VARIANTS[name], time.time()
    own, validation = ([variant.rows(row) for row in part] for part in divided(rows, np.random.default_rng(0)))
    shape: dict[str, Any] = {"vocabulary": 1024, "seed": seed} | variant.shape
    surrogate = RLMSurrogate.untrained(vocabulary_texts(own), **shape)
    options: dict[str, Any] = {"contexts": 16, "candidates": 512, "metrics": 3} | variant.training
    fast = computes_in_bfloat16()
    shares = {line: 1.0 for line in LINES}
    run = Training(steps, shares=shares, validate_every=steps, patience=1000, seed=seed, amp=fast, **options)
    longest = 1 if variant.joint else CANDIDATE_WORDS
    with patch.object(table, "CANDIDATE_WORDS", longest), patch.object(inference, "CANDIDATE_WORDS", longest):
        surrogate.fit(own, run, validation=validation)
    ranks = {line: float(np.mean(list(metrics.values()))) for line, metrics in surrogate.knowledge.items()}
    return {"minutes": (time.time() - start) / 60, "ranks": ranks}


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    return {
        f"Spearman on validation rows after {steps} steps": pd.DataFrame(
            across([result for result in results if result["steps"] == steps])
        )
        for steps in sorted({result["steps"] for result in results})
    }


def across(results: list[dict[str, Any]]) -> Iterator[dict[str, str]]:
    """A line for each variant, spaces across."""
    for name in dict.fromkeys(result["variant"] for result in results):
        own = [result for result in results if result["variant"] == name]
        ranks = {line: shown(interval(result["ranks"][line] for result in own)) for line in LINES}
        mean = shown(interval(float(np.mean(list(result["ranks"].values()))) for result in own))
        minutes = f"{np.mean([result['minutes'] for result in own]):.1f}"
        yield {"variant": name, **ranks, "mean": mean, "minutes": minutes}


if __name__ == "__main__":
    main()
