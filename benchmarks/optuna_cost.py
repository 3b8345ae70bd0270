"""What it costs to ask for a trial: RLMSampler beside TPE, in one process, on one thread.

python benchmarks/optuna_cost.py [--rounds 5]

Milliseconds of the processor a trial, the median of a few. *Numbers*: 20 floats, after 1,000 trials, bare. *Cells*:
NAS-Bench-201, after 100 trials, by ``to_text``. First: the first trial that a sampler is asked for, when it reads all
that was tried, and loads the weights. One: a trial after another has ended. Burst: each of 32, none of which has ended.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from tables import show
from threadpoolctl import threadpool_limits

from prerank.integrations.optuna import RLMSampler
from prerank.search_spaces import nas_bench_201

Space = dict[str, BaseDistribution]
BURST = 32
NUMBERS: Space = {f"x{k}": FloatDistribution(-5, 5) for k in range(20)}
CELLS: Space = {f"edge {k}": CategoricalDistribution(nas_bench_201.OPERATIONS) for k in range(6)}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    torch.set_num_threads(1)
    threadpool_limits(1)  # a second thread of BLAS would wait busily
    reading = RLMSampler(problem=nas_bench_201.problem(), to_text=to_text, search_space=CELLS, seed=0)
    results = {
        "Numbers": compared(NUMBERS, bowl, RLMSampler(seed=0), 1000, arguments.rounds),
        "Cells": compared(CELLS, convolutions, reading, 100, arguments.rounds),
    }
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def to_text(params: Mapping[str, Any]) -> str:
    """Text of a cell."""
    return nas_bench_201.to_text(nas_bench_201.Cell(tuple(params[name] for name in CELLS)))


def bowl(params: Mapping[str, Any]) -> float:
    """A function of numbers."""
    return -sum((k + 1) * (value - 1.3) ** 2 for k, value in enumerate(params.values()))


def convolutions(params: Mapping[str, Any]) -> float:
    """Shaped like an accuracy."""
    return 0.8 + 0.02 * list(params.values()).count("conv3x3")


def compared(
    space: Space, value: Callable[..., float], own: BaseSampler, trials: int, rounds: int
) -> dict[str, list[float]]:
    """Costs of TPE and of a sampler."""
    samplers = {"TPE": TPESampler(seed=0), "RLMSampler": own}
    return {name: costs(space, value, sampler, trials, rounds) for name, sampler in samplers.items()}


def tables(results: dict[str, dict[str, list[float]]]) -> dict[str, pd.DataFrame]:
    """The results as titled data frames of text, with how many times as much ours takes."""
    found: dict[str, pd.DataFrame] = {}
    for title, own in results.items():
        tpe, ours = own.values()
        rows = [[name, *(f"{cost:.1f}" for cost in cells)] for name, cells in own.items()]
        rows.append(["ratio", *(f"{b / a:.1f}" for a, b in zip(tpe, ours, strict=True))])
        found[title] = pd.DataFrame(rows, columns=["sampler", "first", "one", f"burst of {BURST}"])
    return found


def costs(space: Space, value: Callable[..., float], sampler: BaseSampler, trials: int, rounds: int) -> list[float]:
    """What a trial takes after so many random ones: the first, one, one of a burst."""
    study = optuna.create_study(sampler=RandomSampler(seed=0), direction="maximize")

    def asked(count: int) -> float:
        start = time.process_time()
        burst = [study.ask(space) for _ in range(count)]
        milliseconds = (time.process_time() - start) * 1e3 / count
        for trial in burst:
            study.tell(trial, value(trial.params))
        return milliseconds

    asked(trials)
    study.sampler = sampler
    rounds_of = ((1, 1), (1, rounds), (BURST, rounds))
    return [float(np.median([asked(count) for _ in range(times)])) for count, times in rounds_of]


if __name__ == "__main__":
    main()
