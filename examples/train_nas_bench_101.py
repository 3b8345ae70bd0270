"""Train a checkpoint on a table of NAS-Bench-101 alone; benchmarks/train_checkpoint.py trains the packaged one.

python examples/train_nas_bench_101.py nas_bench_101.jsonl.gz --out runs/nas_bench_101

Rows with ``split`` other than ``train`` are never read. Interrupt it at will: the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import gzip
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from prerank.search_spaces import nas_bench_101
from prerank.surrogate import RLMSurrogate, Row, Training

COLUMNS = {
    nas_bench_101.problem("val_accuracy", epochs=4).metric: "val_acc_4",
    nas_bench_101.problem("val_accuracy", epochs=12).metric: "val_acc_12",
    nas_bench_101.problem("val_accuracy", epochs=36).metric: "val_acc_36",
    nas_bench_101.problem("val_accuracy", epochs=108).metric: "val_acc_108",
    nas_bench_101.problem("params").metric: "params",
    nas_bench_101.problem("train_seconds").metric: "train_seconds_108",
}
"""Metric -> column of the table."""
CHEAP = ("val_acc_4", "val_acc_12", "params")
ORDERS = 12  # topological orders of a cell that training may draw
VALIDATION = 1000


def main() -> None:
    """Read the table, train, save."""
    arguments = parse()
    rng = np.random.default_rng(arguments.seed)
    columns = {metric: name for metric, name in COLUMNS.items() if not arguments.cheap or name in CHEAP}
    rows = read(arguments.table, columns, rng)
    rng.shuffle(rows)  # type: ignore[arg-type]
    texts = [rows[0].context, *columns, *(text for row in rows for text in row.texts[:2])]
    surrogate = RLMSurrogate.untrained(texts, seed=arguments.seed)
    training = Training(arguments.steps, contexts=1, seed=arguments.seed, folder=arguments.run)
    start = time.time()
    surrogate.fit(rows[VALIDATION:], training, validation=rows[:VALIDATION])
    surrogate.provenance = {
        "data": "NAS-Bench-101 (Ying et al. 2019, Apache-2.0), a uniform sample of 16,000 cells",
        "rows": len(rows) - VALIDATION,
        "validation rows": VALIDATION,
        "metrics": list(columns),
        "command": f"examples/train_nas_bench_101.py --steps {arguments.steps} --seed {arguments.seed}"
        + (" --cheap" if arguments.cheap else ""),
        "minutes": round((time.time() - start) / 60, 1),
    }
    surrogate.save(arguments.out)
    print(json.dumps(surrogate.knowledge, indent=1))


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, help="JSON lines, gzipped: adjacency, ops, split and the metrics")
    parser.add_argument("--out", type=Path, default=Path("runs/nas_bench_101"), help="folder of the checkpoint")
    parser.add_argument("--run", type=Path, default=Path("runs/training"), help="folder of the log and resumable state")
    parser.add_argument("--steps", type=int, default=700, help="batches of 256 cells")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cheap", action="store_true", help=f"learn from {', '.join(CHEAP)} alone")
    arguments = parser.parse_args()
    if not arguments.table.is_file():
        parser.error(f"{arguments.table} is no file; name the table of NAS-Bench-101")
    return arguments


def read(table: Path, columns: dict[str, str], rng: np.random.Generator) -> list[Row]:
    """The training rows of the table; a line that is none is named."""
    rows: list[Row] = []
    with gzip.open(table, "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            try:
                record = json.loads(line)
                if record["split"] == "train":
                    rows.append(row(record, columns, rng))
            except (ValueError, KeyError, TypeError) as error:
                remedy = f"a line is a JSON object with adjacency, ops, split and {', '.join(columns.values())}"
                raise ValueError(f"{table}, line {number}: {error!r}; {remedy}") from error
    return rows


def row(record: dict[str, Any], columns: dict[str, str], rng: np.random.Generator) -> Row:
    """One cell with its metrics and some of its topological orders."""
    cell = nas_bench_101.from_record(record)
    orders = dict.fromkeys([nas_bench_101.to_text(cell), *(nas_bench_101.to_text(cell, rng) for _ in range(ORDERS))])
    values = {metric: float(record[name]) for metric, name in columns.items()}
    return Row(nas_bench_101.problem().context, tuple(orders), values)


if __name__ == "__main__":
    main()
