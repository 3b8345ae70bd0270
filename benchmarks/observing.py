"""Whether measurements ever make the ranking worse: `observe` against ignoring it, at one measurement and at a hundred.

python benchmarks/observing.py [--checkpoints FOLDER]

Cases of the other benchmarks, each a draw of 400 of its candidates: networks and kernels on devices never read, in
spaces never read, a kernel never read (where what is measured is of the nearest other size), ONNX networks of families
never read and under other conditions. n random candidates are measured; Spearman over the rest, of what the model alone
says and of what it says after it has observed these n. A draw loses if the second is lower by more than .01.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import help_latency
import numpy as np
import pandas as pd
import unseen_devices
import unseen_families
import unseen_kernel
import unseen_spaces
from few_shot import FewShot, draw
from leave_out import command_line
from measured_networks import NETWORKS
from measured_rows import table_file
from measured_tables import kernel_frame
from numpy.typing import NDArray
from ranks import rank
from rich.progress import track
from tables import show

from prerank.surrogate import Problem
from prerank.surrogate.measured import read
from prerank.surrogate.problem import Question

Floats = NDArray[np.float64]

SAMPLES = (1, 2, 3, 5, 8, 10, 20, 50, 100)
CANDIDATES = 400
LOST = 0.01
"""Rank correlation by which a draw must be worse to have lost."""


@dataclass(frozen=True)
class Case:
    """Candidates that are measured, and those that are asked.

    Args:
        protocol: The benchmark that it is of.
        measured: The candidates of which some are measured.
        asked: Those that are ranked: the same, or others of the same family.
        values: What those that are asked would measure, (N,).
    """

    protocol: str
    measured: FewShot
    asked: FewShot
    values: Floats


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    results = list(summaries(cases(arguments), arguments.seeds))
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    return command_line(__doc__, __file__, seeds=3).parse_args()


def cases(arguments: argparse.Namespace) -> Iterator[Case]:
    """All cases."""
    yield from devices(arguments)
    yield from spaces(arguments)
    yield from kernel_sizes(arguments)
    yield from families()


def devices(arguments: argparse.Namespace) -> Iterator[Case]:
    """Latencies of HELP's unseen devices, then kernels and networks on devices that a checkpoint has not read."""
    for space, file, _, unseen in help_latency.SPACES.values():
        frame: Any = pd.read_csv(table_file(arguments.data, f"nas/{file}")).sample(CANDIDATES, random_state=0)
        texts = help_latency.texts_of(space, frame)
        for device in unseen:
            problem, values = space.problem("latency_ms", device=device), frame[f"latency_ms_{device}"].to_numpy()
            yield case("help_latency", None, problem, texts, values)
    for found in (*unseen_devices.kernels(arguments.data), *unseen_devices.networks(arguments.data)):
        folder = unseen_devices.folder_of(found, arguments.checkpoints)
        yield case("unseen_devices", folder, found.problem, found.texts, found.values)


def spaces(arguments: argparse.Namespace) -> Iterator[Case]:
    """Spaces that a checkpoint has not read."""
    for task in unseen_spaces.tasks(arguments.data):
        folder = arguments.checkpoints / task.checkpoint
        yield case("unseen_spaces", folder, task.problem, task.texts, task.values)


def kernel_sizes(arguments: argparse.Namespace) -> Iterator[Case]:
    """Sizes of a kernel that a checkpoint has not read, each with the nearest other one, which is measured."""
    folder = arguments.checkpoints / "cells_201"
    frame = unseen_kernel.tutorial(kernel_frame(arguments.data))
    groups = frame.groupby("problem")
    sizes = [
        unseen_kernel.size_of(problem, rows.sample(CANDIDATES, random_state=0), folder) for problem, rows in groups
    ]
    for size in sizes:
        if size.size in unseen_kernel.SIZES:
            other = unseen_kernel.nearest(size, sizes)
            yield Case("unseen_kernel", other.read["latency_ms"], size.read["latency_ms"], size.times)


def families() -> Iterator[Case]:
    """ONNX networks of families never read, and of known ones under other conditions."""
    rows = [row for row in read(NETWORKS) if np.isfinite(row.value)]
    for _, _, own in unseen_families.cases(rows):
        problem, values = Problem(own[0].context, own[0].metric), np.array([row.value for row in own])
        yield case("unseen_families", None, problem, [row.candidate for row in own], values)


def case(protocol: str, checkpoint: Path | None, question: Question, texts: Sequence[str], values: Floats) -> Case:
    """A fixed draw of the candidates, which are measured and asked."""
    places: list[int] = draw(len(texts), CANDIDATES, 0).tolist()
    drawn = [texts[place] for place in places]
    read = FewShot(checkpoint, question, drawn, values[places])
    return Case(protocol, read, read, values[places])


def summaries(found: Iterable[Case], seeds: int) -> Iterator[dict[str, Any]]:
    """Each protocol at each sample size: rank correlations before and after, the draws that lose, the most lost."""
    pairs: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for own in track(found, "cases"):
        for n in SAMPLES:
            for pair in before_and_after(own, n, seeds):
                pairs.setdefault((own.protocol, n), []).append(pair)
    for (protocol, n), ranks in pairs.items():
        before, after = np.array(ranks).T
        told = {"before": before.mean(), "after": after.mean()}
        told |= {"losing": np.mean(before - after > LOST), "most lost": max(np.max(before - after), 0.0)}
        figures = {name: round(float(value), 4) for name, value in told.items()}
        yield {"protocol": protocol, "samples": n, "draws": len(ranks)} | figures


def before_and_after(own: Case, n: int, seeds: int) -> Iterator[tuple[float, float]]:
    """Rank correlations over what is not measured, one pair a seed; none where that would be less than half."""
    if 2 * n > len(own.values):
        return
    for learnt, seen in own.measured.after(n, seeds, own.asked):
        rest = ~seen if own.asked is own.measured else np.ones(len(own.values), dtype=np.bool_)
        yield rank(own.asked.prior.mean[rest], own.values[rest]), rank(learnt.mean[rest], own.values[rest])


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as a titled data frame of text."""
    lines = [
        {
            "protocol": result["protocol"],
            "measured": str(result["samples"]),
            "draws": str(result["draws"]),
            "Spearman before": f"{result['before']:.3f}",
            "after": f"{result['after']:.3f}",
            "draws that lose": f"{result['losing']:.0%}",
            "most lost": f"{result['most lost']:.3f}",
        }
        for result in results
    ]
    return {f"Ignoring the measurements, and observing them; a draw that loses has {LOST} less": pd.DataFrame(lines)}


if __name__ == "__main__":
    main()
