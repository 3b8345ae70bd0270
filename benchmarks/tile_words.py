"""What reading tiles is worth: the same training on matrix products, with and without them.

python benchmarks/tile_words.py [--steps N]

Training shapes of Inductor's mm and mixed_mm alone: five of six are read, the others ranked. *Tiles*: behind each
configuration stands what its blocks make of the sizes of the problem (`prerank/surrogate/tiles.py`). Weights are random
at first. Twenty minutes each on one core with BF16.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
from intervals import interval
from measured_rows import FOLDER
from measured_tables import kernel_rows
from tables import show
from train_checkpoint import computes_in_bfloat16, vocabulary_texts

from prerank.surrogate import Problem, RLMSurrogate, Row, Training, inference, table
from prerank.surrogate.metrics import slowdown_at
from prerank.surrogate.problem import below_first_line, first_line

LINES = ("triton matmul", "triton mixed matmul")
HELD_OUT = 6  # one shape in so many
FIRST = (1, 3, 5)
AS_WRITTEN: Callable[[str, str], str] = lambda context, text: text  # noqa: E731


def main() -> None:
    """Train, rank, print, write."""
    arguments = parse()
    read, asked = shapes(arguments.data)
    results = [
        {"read": name, "seed": seed, "steps": arguments.steps} | result
        for seed in range(arguments.seeds)
        for name, own in (("tiles", True), ("as written", False))
        for result in rated(read, asked, arguments.steps, seed, tiles=own)
    ]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the tables")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    return parser.parse_args()


def shapes(data: Path) -> tuple[list[Row], dict[str, list[Row]]]:
    """Rows that are read, and those of the contexts that are held out."""
    found = [own.row for own in kernel_rows(data, np.random.default_rng(0)) if not own.test]
    rows = [row for row in found if first_line(row.context) in LINES]
    contexts = sorted({row.context for row in rows})
    order = np.random.default_rng(5).permutation(len(contexts))
    held: dict[str, list[Row]] = {contexts[place]: [] for place in order[: len(contexts) // HELD_OUT].tolist()}
    for row in rows:
        held.get(row.context, []).append(row)
    return [row for row in rows if row.context not in held], held


def rated(
    read: Sequence[Row], asked: dict[str, list[Row]], steps: int, seed: int, *, tiles: bool
) -> Iterator[dict[str, Any]]:
    """One training, and how it ranks."""
    with ExitStack() as stack:
        for module in () if tiles else (inference, table):
            stack.enter_context(patch.object(module, "with_tiles", AS_WRITTEN))
        yield from lost(trained(read, steps, seed), asked)


def trained(rows: Sequence[Row], steps: int, seed: int) -> RLMSurrogate:
    """A model that was trained on rows alone."""
    surrogate = RLMSurrogate.untrained(vocabulary_texts(rows), vocabulary=1024, seed=seed)
    size: dict[str, Any] = {"contexts": 16, "candidates": 512, "metrics": 3, "dropout": 0.02, "validate_every": steps}
    fast = computes_in_bfloat16()
    surrogate.fit(rows, Training(steps, shares=dict.fromkeys(LINES, 1.0), seed=seed, amp=fast, **size))
    return surrogate


def lost(surrogate: RLMSurrogate, asked: dict[str, list[Row]]) -> Iterator[dict[str, Any]]:
    """Logarithms of the slowdown of the best of the first k, for each kernel and device."""
    found: dict[tuple[str, str], list[list[float]]] = {}
    for context, rows in asked.items():
        values = np.array([row.values.get("slowdown", np.nan) for row in rows])
        mean = surrogate.predict(Problem(context, "slowdown"), [row.texts[0] for row in rows]).mean
        runs = np.isfinite(values)
        if runs.sum() > 1:
            key = first_line(context), below_first_line(context).split()[0]
            found.setdefault(key, []).append([slowdown_at(k, mean[runs], values[runs]) for k in FIRST])
    for (kernel, device), slowdowns in sorted(found.items()):
        logs = {f"slowdown@{k}": interval(column) for k, column in zip(FIRST, np.log(slowdowns).T, strict=True)}
        yield {"kernel": kernel, "device": device, "shapes": len(slowdowns), **logs}


def tables(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The results as a titled data frame of text."""
    lines = [
        {
            "kernel": result["kernel"],
            "device": result["device"],
            "shapes": str(result["shapes"]),
            "read": result["read"],
            **{f"@{k}": f"{np.exp(result[f'slowdown@{k}']['mean']):.3f}" for k in FIRST},
        }
        for result in results
    ]
    lines.sort(key=lambda line: (line["kernel"], line["device"], line["read"]))
    return {"Slowdown of the best of the first k, geometric mean": pd.DataFrame(lines)}


if __name__ == "__main__":
    main()
