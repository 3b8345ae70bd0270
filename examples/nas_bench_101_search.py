"""Search NAS-Bench-101 with Optuna: prerank's sampler against the tree-structured Parzen estimator and random draws.

python examples/nas_bench_101_search.py [--trials 15] [--seeds 3]
python examples/nas_bench_101_search.py --table nas_bench_101.jsonl.gz [--budget 150] [--seeds 20]

1. Samples 1,000 cells and ranks them without training any.
2. Gives every sampler the same trials. A trial trains the cell's network, made small, on the digits that come with
   scikit-learn: a task that the surrogate, which knows cells on CIFAR-10, has never seen.
3. Prints what each sampler found and draws it beside the predictions; after Ctrl-C, of as much as was done.

With ``--table`` accuracies are looked up: those on CIFAR-10 of the rows with ``split=test``, which the packaged
checkpoint was not trained on. A draw stands for the row nearest to it; a row counts once, however often it is drawn.
It takes half a minute a seed.
"""

from __future__ import annotations

import argparse
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cell_table
import numpy as np
import optuna
import torch
from cell_network import digits_accuracy
from cell_table import CellTable
from matplotlib.figure import Figure
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import Trial, TrialState
from rich import print
from rich.progress import track
from rich.table import Table
from scipy.stats import sem, t

from prerank.integrations.optuna import RLMSampler
from prerank.search_spaces import nas_bench_101
from prerank.search_spaces.nas_bench_101 import PARAMETERS, Cell
from prerank.surrogate import RLMSurrogate, rank
from prerank.surrogate.metrics import regret, spearman

Floats = NDArray[np.float64]
Curves = dict[str, Floats]
"""Sampler -> a value after each evaluation, one row a seed, (S, T)."""

# Of the accuracies that the surrogate knows, after 4, 12, 36 and 108 epochs, digits follow the last one best.
PROBLEM = nas_bench_101.problem("val_accuracy", epochs=108)
SPACE: dict[str, BaseDistribution] = {name: CategoricalDistribution(choices) for name, choices in PARAMETERS.items()}
RANKED = 1000
REPORTED = (10, 20, 30, 50, 100, 150)
MOST_DRAWS = 10  # for each evaluation of a replay: many stand for a row that is known, the more so once TPE settles
REPLAY_POOL, REPLAY_TRIALS = 256, 30  # of RLMSampler: with its own pool of 512 and 150 trials, 20 seeds take an hour


def main() -> None:
    """Search, by training or in a table."""
    arguments = parse()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    torch.set_num_threads(1)  # networks this small gain nothing from more, and crawl where another process wants a core
    surrogate = RLMSurrogate.load(arguments.checkpoint)
    if arguments.table:
        replay(surrogate, cell_table.read(arguments.table), arguments)
    else:
        live(surrogate, arguments)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=15, help="networks that each search trains")
    parser.add_argument("--table", type=Path, help="NAS-Bench-101 as gzipped JSON lines, looked up instead of training")
    parser.add_argument("--budget", type=int, default=150, help="rows that each search looks up")
    parser.add_argument("--seeds", type=int, help="searches of each sampler: 3, with a table 20")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--checkpoint", type=Path, help="folder of the surrogate; default: the packaged one")
    parser.add_argument("--out", type=Path, default=Path("nas_bench_101_search.png"))
    arguments = parser.parse_args()
    if arguments.table and not arguments.table.is_file():
        parser.error(f"--table {arguments.table} is no file; without --table the networks are trained")
    return arguments


def samplers(
    surrogate: RLMSurrogate, seed: int, to_text: Callable[[dict[str, Any]], str | None], pool_size: int = 512
) -> dict[str, BaseSampler]:
    """The rivals, all at their defaults."""
    rlm = RLMSampler(
        problem=PROBLEM, to_text=to_text, surrogate=surrogate, search_space=SPACE, pool_size=pool_size, seed=seed
    )
    return {"random": RandomSampler(seed=seed), "TPE": TPESampler(seed=seed), "RLM": rlm}


def ask(study: optuna.Study) -> tuple[Trial, Cell]:
    """The next trial that is a valid cell. Others are redrawn for free: no sampler shall lose trials to the rules."""
    while True:
        trial = study.ask(SPACE)
        cell = nas_bench_101.from_params(trial.params)
        if cell is not None:
            return trial, cell
        study.tell(trial, state=TrialState.FAIL)


@dataclass
class Search:
    """One sampler with one seed, and the cells that it has trained, with their accuracies."""

    name: str
    study: optuna.Study
    seed: int
    trained: list[tuple[Cell, float]] = field(default_factory=list[tuple[Cell, float]])
    seconds: float = 0.0

    def step(self) -> None:
        """One trial."""
        start = time.perf_counter()
        trial, cell = ask(self.study)
        accuracy = digits_accuracy(cell, self.seed)
        self.study.tell(trial, accuracy)
        self.trained.append((cell, accuracy))
        self.seconds += time.perf_counter() - start


def live(surrogate: RLMSurrogate, arguments: argparse.Namespace) -> None:
    """Rank, search by training, print, draw."""
    show_ranking(surrogate, arguments.seed)
    searches = [
        Search(name, optuna.create_study(direction="maximize", sampler=sampler), seed)
        for seed in range(arguments.seed, arguments.seed + (arguments.seeds or 3))
        for name, sampler in samplers(surrogate, seed, to_text).items()
    ]
    take_turns(searches, arguments.trials)
    # TPE begins with the random sampler's draws; a network that both have trained counts once.
    measured = {(cell, search.seed): accuracy for search in searches for cell, accuracy in search.trained}
    if measured:
        show_searches(searches)
        predicted = surrogate.predict(PROBLEM, [nas_bench_101.to_text(cell) for cell, _ in measured]).mean
        draw(best_so_far(searches), "best accuracy on digits", predicted, np.array([*measured.values()]), arguments.out)


def to_text(params: dict[str, Any]) -> str | None:
    """What the surrogate reads; None: no valid cell."""
    cell = nas_bench_101.from_params(params)
    return None if cell is None else nas_bench_101.to_text(cell)


def show_ranking(surrogate: RLMSurrogate, seed: int) -> None:
    """Rank a sample of the space."""
    cells = nas_bench_101.sample(np.random.default_rng(seed), RANKED)
    rank(surrogate, PROBLEM, cells[:1], nas_bench_101.to_text)  # reads the weights, which is not to be timed
    start = time.perf_counter()
    ranked = rank(surrogate, PROBLEM, cells, nas_bench_101.to_text)
    seconds = time.perf_counter() - start
    table = Table("cell", "predicted accuracy", title=f"The ten best of {RANKED:,} cells, none of them trained")
    for best in ranked[:10]:
        table.add_row(nas_bench_101.to_text(best.candidate), f"{best.mean:.4f} ± {best.std:.4f}")
    print(table, f"{RANKED:,} cells ranked in {seconds:.2f} s: {RANKED / seconds:,.0f} a second\n")


def take_turns(searches: list[Search], trials: int) -> None:
    """Trial by trial rather than search by search, so that Ctrl-C leaves all of them equally far."""
    turns = [search for _ in range(trials) for search in searches]
    with contextlib.suppress(KeyboardInterrupt):
        for search in track(turns, "training cells on digits"):
            search.step()


def show_searches(searches: list[Search]) -> None:
    """What each sampler found."""
    seeds = len({search.seed for search in searches})
    table = Table("sampler", "cells", "best accuracy", "mean accuracy", "seconds", title=f"Digits, {seeds} seeds")
    for name, best in best_so_far(searches).items():
        own = [search for search in searches if search.name == name]
        accuracies = [accuracy for search in own for _, accuracy in search.trained]
        seconds = sum(search.seconds for search in own)
        figures = f"{best[:, -1].mean():.3f}", f"{np.mean(accuracies):.3f}", f"{seconds:.0f}"
        table.add_row(name, f"{len(accuracies)}", *figures)
    print(table)


def best_so_far(searches: list[Search]) -> Curves:
    """Best accuracy after each trial that all seeds of a sampler have done."""
    found: dict[str, list[list[float]]] = {}
    for search in searches:
        if search.trained:
            found.setdefault(search.name, []).append([accuracy for _, accuracy in search.trained])
    shortest = {name: min(map(len, runs)) for name, runs in found.items()}
    return {name: np.maximum.accumulate([run[: shortest[name]] for run in runs], 1) for name, runs in found.items()}


def replay(surrogate: RLMSurrogate, table: CellTable, arguments: argparse.Namespace) -> None:
    """Search in a table, print, draw."""
    predicted = surrogate.predict(PROBLEM, table.texts).mean
    found = {"RLM, zero-shot": [table.accuracy[np.argsort(-predicted, kind="stable")[: arguments.budget]]]}
    seeds = range(arguments.seed, arguments.seed + (arguments.seeds or 20))
    # The surrogate reads the row that a draw stands for, since it is that row's accuracy which it is told.
    turns = [turn for seed in seeds for turn in samplers(surrogate, seed, table.to_text, REPLAY_POOL).items()]
    with contextlib.suppress(KeyboardInterrupt):
        for name, sampler in track(turns, "looking cells up"):
            budget = min(arguments.budget, REPLAY_TRIALS) if name == "RLM" else arguments.budget
            found.setdefault(name, []).append(look_up(sampler, table, budget))
    best = float(table.accuracy.max())
    curves = {name: np.array([100 * regret(run, best, "maximize") for run in runs]) for name, runs in found.items()}
    show_regrets(curves, arguments.budget)
    draw(curves, "regret, points of accuracy", predicted, table.accuracy, arguments.out)


def look_up(sampler: BaseSampler, table: CellTable, budget: int) -> Floats:
    """Accuracies of the distinct rows that a sampler's draws stand for, in their order, (budget,)."""
    study = optuna.create_study(direction="maximize", sampler=sampler)
    rows: list[int] = []
    for _ in range(MOST_DRAWS * budget):
        trial, cell = ask(study)
        row = table.nearest(cell)
        if row in rows:
            study.tell(trial, state=TrialState.FAIL)  # nothing new to learn, and TPE's time grows with what it is told
        else:
            study.tell(trial, table.accuracy[row])
            rows.append(row)
        if len(rows) == budget:
            break
    return np.pad(table.accuracy[rows], (0, budget - len(rows)), mode="edge")  # a search that found no more


def show_regrets(curves: Curves, budget: int) -> None:
    """Mean regret with its 95 % interval over the seeds, and how soon the surrogate is where TPE ends."""
    reported = sorted({*(evaluations for evaluations in REPORTED if evaluations < budget), budget})
    table = Table("sampler", *map(str, reported), title="Regret in points of accuracy after so many cells", padding=0)
    for name, rows in curves.items():
        table.add_row(name, *(interval(rows[:, end - 1]) if end <= rows.shape[1] else "" for end in reported))
    print(table)
    if {"RLM", "TPE"} <= curves.keys():
        reached = curves["RLM"].mean(axis=0) <= curves["TPE"].mean(axis=0)[-1]
        after = f"after {reached.argmax() + 1}" if reached.any() else f"not within {len(reached)}"
        print(f"TPE's mean regret after {budget} cells is reached by RLM {after}")


def interval(values: Floats) -> str:
    """Mean and half of its 95 % interval."""
    half = f"±{t.ppf(0.975, len(values) - 1) * sem(values):.2f}" if len(values) > 1 else ""
    return f"{values.mean():.2f}{half}"


def draw(curves: Curves, label: str, predicted: Floats, measured: Floats, out: Path) -> None:
    """Left the searches, the mean over the seeds within a band from worst to best; right the surrogate's word."""
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, rows in curves.items():
        evaluations = np.arange(1, rows.shape[1] + 1)
        left.plot(evaluations, rows.mean(axis=0), label=name)
        left.fill_between(evaluations, rows.min(axis=0), rows.max(axis=0), alpha=0.15)
    left.set(xlabel="cells evaluated", ylabel=label)
    left.legend()
    right.scatter(predicted, measured, s=12, alpha=0.6)
    right.set(xlabel="accuracy on CIFAR-10, predicted", ylabel="accuracy, measured")
    right.set_title(f"Spearman {spearman(predicted, measured):.2f} over {len(measured):,} networks")
    figure.savefig(out, dpi=150)
    print(f"drawn in {out}")


if __name__ == "__main__":
    main()
