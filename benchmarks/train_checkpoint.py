"""Train the packaged checkpoint on all measured tables.

python benchmarks/train_checkpoint.py --out surrogate/weights

Rows of test splits and of the unseen devices are never read. Interrupt it at will: the same command goes on where it
was. On a GPU: --device cuda --steps 40000 --draws 8 --candidates 1024. On several, each with draws of its own:

accelerate launch --multi_gpu --num_processes 8 benchmarks/train_checkpoint.py --device cuda
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from mean_weights import mean_of
from measured_rows import FOLDER, Measured
from measured_tables import read
from taught_networks import taught

from prerank.surrogate import Problem, RLMSurrogate, Row, Training
from prerank.surrogate.checkpoint import describe
from prerank.surrogate.problem import first_line
from prerank.surrogate.processes import Processes
from prerank.surrogate.table import by_space
from prerank.surrogate.training_run import STATE

SHARES = {
    "nas_bench_101": 3.5,
    "nas_bench_201": 2.5,
    "fbnet": 1.2,
    "ofa": 0.6,
    "accel_nasbench": 0.8,
    "nas_bench_macro": 0.4,
    "nas_bench_graph": 0.8,
    "triton matmul": 5.0,
    "triton mixed matmul": 3.0,
    "triton flex attention": 0.6,
    "triton matmul tutorial fp16": 1.5,
    "convolution kernel": 0.8,
    "dedispersion kernel": 0.6,
    "xgemm": 0.8,
    "onnx_graph": 1.0,
}
"""Weights of the draws: there are 17,000 small problems of compiled matrix products, and five large ones by hand."""
VALIDATION_SEED = 8  # the same rows in every run, so that the mean of several has read none of them
VALIDATED = 150  # candidates of each context of a space that choose the weights, if it has no more than
VALIDATED_CONTEXTS = 6  # of them; as many in all where it has more
LEAST_GROUPS = 3  # groups that these are of at least, if a space has small ones


def main() -> None:
    """Read the tables, train, save."""
    arguments = parse()
    rows = [measured for measured in read(arguments.data) if not measured.test]
    train(without(rows, arguments.leave_out), arguments)


def train(rows: Sequence[Measured], arguments: argparse.Namespace) -> None:
    """Train on rows, save, print what the model knows."""
    start, processes = time.time(), Processes.launched(arguments.device)
    own, validation = divided(rows, np.random.default_rng(VALIDATION_SEED))
    own += (more := taught(own, arguments.taught))
    print(f"{len(own)} rows, {len(more)} of them taught, {len(validation)} for validation", flush=True)
    surrogate = started(own, arguments)
    lines = by_space(own)
    shares = {line: share for line, share in (SHARES | arguments.share).items() if line in lines}
    training = Training(
        arguments.steps,
        draws=arguments.draws,
        contexts=16,
        candidates=arguments.candidates,
        metrics=3,
        shares=shares,
        validate_every=500,
        patience=1000,
        rate=arguments.rate,
        adam_rate=0.3 * arguments.rate,
        dropout=arguments.dropout,
        seed=arguments.seed,
        folder=arguments.run,
        of=told(arguments),
        amp=arguments.device != "cpu" or computes_in_bfloat16(),
        processes=processes,
    )
    surrogate.fit(own, training, validation=validation)
    if not processes.main:
        return
    surrogate.provenance = {
        "data": "NAS-Bench-101 and thirteen more tables, ONNX networks; see MODEL_CARD.md",
        "before": surrogate.provenance["before"],
        "rows": len(own),
        "taught rows": len(more),
        "validation rows": len(validation),
        "shares": shares,
        "steps": arguments.steps,
        "candidates a step": processes.count * arguments.draws * arguments.candidates,
        "left out": arguments.leave_out,
        "minutes": round((time.time() - start) / 60, 1),
    }
    surrogate.save(arguments.out)
    (arguments.run / STATE).unlink()  # what is done is not gone on with
    if not describe(arguments.out)["encoder"]:  # the first prediction writes the graphs that are shipped
        RLMSurrogate.load(arguments.out, backend="onnxruntime").predict(Problem("", "params"), [""])
    print(json.dumps(surrogate.knowledge, indent=1))


def computes_in_bfloat16() -> bool:
    """Whether this processor multiplies matrices of bfloat16 faster than others."""
    return bool(torch.cpu.get_capabilities().get("avx512_bf16"))


def told(arguments: argparse.Namespace) -> dict[str, str]:
    """What a run is of, so that another one does not go on with its weights."""
    return {name: str(own) for name, own in vars(arguments).items() if name not in ("data", "out", "run", "device")}


def parse(line: Sequence[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder of the tables")
    parser.add_argument("--out", type=Path, default=Path("runs/checkpoint"), help="folder of the checkpoint")
    parser.add_argument("--run", type=Path, default=Path("runs/training"), help="folder of the log and resumable state")
    parser.add_argument("--steps", type=int, default=4600)
    parser.add_argument("--draws", type=int, default=2, help="batches a step")
    parser.add_argument("--candidates", type=int, default=512, help="candidates a batch")
    parser.add_argument("--vocabulary", type=int, default=1024)
    parser.add_argument("--leave-out", nargs="*", default=[], help=without.__doc__)
    parser.add_argument("--share", nargs="*", type=share, default=[], help="weights of draws, as in nas_bench_101=8")
    parser.add_argument(
        "--taught", type=int, default=4500, help="unmeasured ONNX networks to read (taught_networks.py)"
    )
    parser.add_argument(
        "--start",
        type=Path,
        nargs="+",
        help="checkpoint to start from, or several, whose mean is; default: random weights",
    )
    parser.add_argument("--encoder", help="folder or hub name of a T5Gemma model whose encoder reads the contexts")
    parser.add_argument("--train-encoder", action="store_true", help="train that encoder too; default: it is frozen")
    parser.add_argument("--rate", type=float, default=0.01, help="peak learning rate")
    parser.add_argument("--dropout", type=float, default=0.1, help="share of a layer's output that is left out")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(line)
    arguments.share = dict(arguments.share)
    return arguments


def started(rows: Sequence[Row], arguments: argparse.Namespace) -> RLMSurrogate:
    """The model to train: random weights, or those of checkpoints."""
    if arguments.start:
        return mean_of(arguments.start, arguments.device)
    return RLMSurrogate.untrained(
        vocabulary_texts(rows),
        vocabulary=arguments.vocabulary,
        encoder=arguments.encoder,
        frozen=not arguments.train_encoder,
        seed=arguments.seed,
        device=arguments.device,
    )


def without(rows: Sequence[Measured], left_out: Sequence[str]) -> list[Measured]:
    """Rows less those of a first context line, as in nas_bench_201, or of a device, as in "xgemm: nvidia-t4"."""
    lines = [(line.strip(), words.strip()) for line, _, words in (item.partition(":") for item in left_out)]
    kept: list[Measured] = []
    for measured in rows:
        row = measured.row
        words = [words for line, words in lines if line == first_line(row.context)]
        if any(word in row.context for word in words):  # no word at all is in every context
            continue
        values = {metric: value for metric, value in row.values.items() if not any(word in metric for word in words)}
        if values:
            kept.append(replace(measured, row=replace(row, values=values)))
    return kept


def share(text: str) -> tuple[str, float]:
    """A first context line and the weight of its draws."""
    line, weight = text.rsplit("=", 1)
    return line, float(weight)


def divided(rows: Iterable[Measured], rng: np.random.Generator) -> tuple[list[Row], list[Row]]:
    """Rows to train on, and rows that choose the weights: whole groups, in random order until they are enough.

    A group that alone would be most of them, as the cells of NAS-Bench-201 are that do nothing, tells little: where a
    space has smaller ones, these are taken.
    """
    train: list[Row] = []
    validation: list[Row] = []
    for groups in grouped(rows):
        contexts = {row.context for own in groups for row in own}
        wanted, kept = VALIDATED * min(len(contexts), VALIDATED_CONTEXTS), 0
        most = max(wanted // LEAST_GROUPS, min(map(len, groups)))
        for place in rng.permutation(len(groups)).tolist():
            own = groups[place]
            part = validation if kept < wanted and len(own) <= most else train
            part += own
            kept += len(own) if part is validation else 0
    return train, validation


def grouped(rows: Iterable[Measured]) -> list[list[list[Row]]]:
    """The groups of each space."""
    spaces: dict[str, dict[str, list[Row]]] = {}
    for measured in rows:
        groups = spaces.setdefault(first_line(measured.row.context), {})
        groups.setdefault(measured.group or measured.row.texts[0], []).append(measured.row)
    return [list(groups.values()) for groups in spaces.values()]


def vocabulary_texts(rows: Sequence[Row]) -> list[str]:
    """A sample of all that the model reads, every space alike, for the pieces of words."""
    return [
        text
        for own in by_space(rows).values()
        for row in own[:: -(-len(own) // 2000)]
        for text in (row.context, row.texts[0], *row.values)
    ]


if __name__ == "__main__":
    main()
