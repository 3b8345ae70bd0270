"""Kernels and networks on a device never read: zero-shot, and after a few measurements on it.

python benchmarks/unseen_devices.py [--checkpoints FOLDER]

Each case names a checkpoint that has read the space on other devices but not on this one (`make leave-out`; the
packaged one has read nothing that was measured on a TITAN RTX). n random candidates are measured on the device and all
are ranked, those that ran on it and on at least one other. Baselines: the mean logarithm of the measured values over
the other devices where a candidate ran, each device's less their mean; ridge regression on these values, with that mean
where there is none; a random forest and a Gaussian process on the numbers of the text. The first two take every
candidate to have been measured elsewhere. slowdown@10 is the best of the ten ranked first over the best of all.
*Interleaved*: what was learnt pooled with what the model says alone, and that alone, name the next candidate in turn
(`rank` with `pooled_value` and `unadapted_value`).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from few_shot import FewShot, draw, interleaved, reliability, unmeasured
from intervals import interval, shown
from leave_out import command_line
from measured_tables import accel_nasbench_rows, kernel_frame
from numpy.typing import NDArray
from ranks import rank
from tables import show
from tabular_models import fitted, forest, gaussian_process, plain, ridge

from prerank.search_spaces import accel_nasbench, kernel_configs
from prerank.surrogate.metrics import slowdown_at
from prerank.surrogate.problem import Question

Floats = NDArray[np.float64]

SAMPLES = (10, 50)
CANDIDATES = 2_000
PACKAGED = ""
KERNELS = (
    ("cells_201", "dedispersion_kernel", "NVIDIA RTX A4000"),
    ("cells_201", "Xgemm", "NVIDIA GeForce RTX 3060 Laptop GPU"),
    ("macro_graph", "convolution_kernel", "AMD Instinct MI250X"),
    ("macro_graph", "dedispersion_kernel", "AMD Radeon PRO W7800"),
    (PACKAGED, "convolution_kernel", "NVIDIA TITAN RTX"),
    (PACKAGED, "Xgemm", "NVIDIA TITAN RTX"),
)
"""Checkpoint, kernel, device."""
NETWORKS = (("cells_201", "3090"), ("macro_graph", "tpuv3"))
"""Checkpoint, device, as Accel-NASBench names it."""


@dataclass(frozen=True)
class Case:
    """Candidates of a space on a device that a checkpoint has not read.

    Args:
        name: The space and the device.
        checkpoint: Name of the checkpoint.
        problem: What is asked.
        texts: The candidates, N of them.
        values: What was measured on the device, (N,).
        elsewhere: What was measured on the other devices, nan where it failed, at least one of each row, (N, others).
    """

    name: str
    checkpoint: str
    problem: Question
    texts: list[str]
    values: Floats
    elsewhere: Floats


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    cases = [*kernels(arguments.data), *networks(arguments.data)]
    results = [result for case in cases for result in measured(case, arguments)]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    return command_line(__doc__, __file__, seeds=10).parse_args()


def kernels(data: Path) -> Iterator[Case]:
    """Configurations that run on the device and on at least one other."""
    frame = kernel_frame(data)
    for checkpoint, kernel, device in KERNELS:
        own = frame[(frame["kernel"] == kernel) & frame["ms"].notna()]
        (problem,) = own[own["device"] == device]["problem"].unique()
        times: Any = own.pivot_table(index="config", columns="device", values="ms").dropna(subset=[device])
        others = times.drop(columns=device).dropna(axis=1, how="all").dropna(how="all")
        times = times.loc[others.index].sample(min(CANDIDATES, len(others)), random_state=0)
        texts = [kernel_configs.to_text(kernel_configs.from_record(config)) for config in times.index]
        question = kernel_configs.problem(kernel, device, problem, "latency_ms")
        columns = times[device].to_numpy(), others.loc[times.index].dropna(axis=1, how="all").to_numpy()
        yield Case(f"{kernel}, {device}", checkpoint, question, texts, *columns)


def networks(data: Path) -> Iterator[Case]:
    """Throughputs of networks."""
    rows = [measured.row for measured in accel_nasbench_rows(data, np.random.default_rng(0))]
    for checkpoint, device in NETWORKS:
        question = accel_nasbench.problem("throughput", device)
        metrics = {name for row in rows for name in row.values if name.startswith("throughput")} - {question.metric}
        known = [row for row in rows if question.metric in row.values and metrics & row.values.keys()][:CANDIDATES]
        values = np.array([row.values[question.metric] for row in known])
        elsewhere = np.array([[row.values.get(metric, np.nan) for metric in sorted(metrics)] for row in known])
        yield Case(
            f"Accel-NASBench, {device}", checkpoint, question, [row.texts[0] for row in known], values, elsewhere
        )


def measured(case: Case, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """All models on one case, at all sample sizes."""
    mean, elsewhere = others(case)
    yield summary(case, "mean over other devices", 0, [mean])
    draws = [draw(len(case.texts), len(case.texts), seed) for seed in range(arguments.seeds)]
    columns = plain(case.texts)
    models = (("random forest on numbers", forest, columns), ("Gaussian process on numbers", gaussian_process, columns))
    for n in SAMPLES:
        for name, model, known in (*models, ("ridge on other devices", ridge, elsewhere)):
            yield summary(case, name, n, [fitted(model(), known, np.log(case.values), rows[:n]) for rows in draws])
    yield from surrogate(case, arguments)


def others(case: Case) -> tuple[Floats, Floats]:
    """Mean logarithm over the other devices, (N,), and the logarithms, (N, others), that mean where there is none."""
    logarithms = np.log(case.elsewhere) - np.nanmean(np.log(case.elsewhere), axis=0)
    mean = np.nanmean(logarithms, axis=1)
    return mean, np.where(np.isfinite(logarithms), logarithms, mean[:, None])


def surrogate(case: Case, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The surrogate without measurements and after n of them."""
    read = FewShot(folder_of(case, arguments.checkpoints), case.problem, case.texts, case.values)
    yield summary(case, "prerank", 0, [read.prior.mean]) | reliability([(read.prior, case.values)])
    for n in SAMPLES:
        after = list(read.after(n, arguments.seeds))
        predictions = [prediction for prediction, _ in after]
        held = reliability(unmeasured(after, case.values))
        yield held | summary(case, "prerank", n, [prediction.mean for prediction in predictions])
        sign = sign_of(case)
        yield summary(case, "interleaved", n, [sign * interleaved(prediction, sign) for prediction in predictions])


def folder_of(case: Case, checkpoints: Path) -> Path | None:
    """The checkpoint that is asked."""
    return checkpoints / case.checkpoint if case.checkpoint != PACKAGED else None


def sign_of(case: Case) -> int:
    """1 where less is better, else -1."""
    return -1 if case.problem.direction == "maximize" else 1


def summary(case: Case, model: str, n: int, scores: list[Floats]) -> dict[str, Any]:
    """One line of the results: rankings, one a seed."""
    sign = sign_of(case)
    found = {"case": case.name, "model": model, "samples": n}
    ranks = interval(rank(score, case.values) for score in scores)
    best = interval(slowdown_at(10, sign * score, case.values**sign) for score in scores)
    return found | {"spearman": ranks, "slowdown@10": best}


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text: cases down, models across."""
    models = list(dict.fromkeys((result["model"], result["samples"]) for result in results))
    return {
        f"Devices never read: {title}": pd.DataFrame([line(results, case, models, key) for case in cases_of(results)])
        for title, key in (("Spearman", "spearman"), ("slowdown@10", "slowdown@10"))
    }


def cases_of(results: list[dict[str, Any]]) -> list[str]:
    """Names of the cases."""
    return list(dict.fromkeys(result["case"] for result in results))


def line(results: list[dict[str, Any]], case: str, models: list[tuple[str, int]], key: str) -> dict[str, str]:
    """One case, with the trust and coverage of the surrogate."""
    own = {(result["model"], result["samples"]): result for result in results if result["case"] == case}
    cells = {f"{model}, {n}": shown(own[model, n][key], 2) for model, n in models}
    zero, most = own["prerank", 0], own["prerank", SAMPLES[-1]]
    trust = f"{zero['trust']['mean']:.2f} / {most['trust']['mean']:.2f}"
    held = f"{zero['covered90']['mean']:.2f} / {most['covered90']['mean']:.2f}"
    return {"case": case, **cells, f"trust 0 / {SAMPLES[-1]}": trust, "90 % hold": held}


if __name__ == "__main__":
    main()
