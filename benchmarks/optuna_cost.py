"""What it costs to ask for a trial: RLMSampler beside TPE, in one process, on one thread.

python benchmarks/optuna_cost.py [--rounds 5]

Milliseconds of the processor a trial, the median of a few. *Numbers*: 20 floats, after 1,000 trials, bare. *Cells*:
NAS-Bench-201, after 100 trials, by ``to_text``. First: the first trial that a sampler is asked for, when it reads all
that was tried, and loads the weights. One: a trial after another has ended. Burst: each of 32, none of which has ended.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from tables import show

from prerank.integrations.optuna import RLMSampler
from prerank.search_spaces import nas_bench_201

Space = dict[str, BaseDistribution]
BURST = 32
NUMBERS: Space = {f"x{k}": FloatDistribution(-5, 5) for k in range(20)}
CELLS: Space = {f"edge {k}": CategoricalDistribution(nas_bench_201.OPERATIONS) for k in range(6)}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    torch.set_num_threads(1)
    reading = RLMSampler(problem=nas_bench_201.problem(), to_text=to_text, search_space=CELLS, seed=0)
    show({
        "Numbers": compared(NUMBERS, bowl, RLMSampler(seed=0), 1000, rounds),
        "Cells": compared(CELLS, convolutions, reading, 100, rounds),
    })  # fmt: skip


def to_text(params: Mapping[str, Any]) -> str:
    """Text of a cell."""
    return nas_bench_201.to_text(nas_bench_201.Cell(tuple(params[name] for name in CELLS)))


def bowl(params: Mapping[str, Any]) -> float:
    """A function of numbers."""
    return -sum((k + 1) * (value - 1.3) ** 2 for k, value in enumerate(params.values()))


def convolutions(params: Mapping[str, Any]) -> float:
    """Shaped like an accuracy."""
    return 0.8 + 0.02 * list(params.values()).count("conv3x3")


def compared(space: Space, value: Callable[..., float], own: BaseSampler, trials: int, rounds: int) -> Any:
    """A table of TPE, of a sampler, and of how many times as much it takes."""
    tpe, ours = (costs(space, value, sampler, trials, rounds) for sampler in (TPESampler(seed=0), own))
    ratios = [f"{b / a:.1f}" for a, b in zip(tpe, ours, strict=True)]
    rows = [["TPE", *(f"{cost:.1f}" for cost in tpe)], ["RLMSampler", *(f"{cost:.1f}" for cost in ours)]]
    return pd.DataFrame([*rows, ["ratio", *ratios]], columns=["sampler", "first", "one", f"burst of {BURST}"])


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
