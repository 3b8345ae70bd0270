"""Accuracy against predicted latency on a named device: a Pareto front of NAS-Bench-201 cells, nothing measured twice.

python examples/optuna_multiobjective_latency.py [--device "raspberry pi 4"] [--trials 40]

Both objectives come from the packaged language model: it stands in for the training and for the device. In a search of
your own, replace `measured` by them; the sampler reads the cells all the same. Draws the front that the sampler found
against that of as many random cells.
"""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path
from typing import Any

import optuna
from matplotlib.figure import Figure
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.samplers import BaseSampler, RandomSampler
from rich import print
from rich.progress import track
from rich.table import Table

from prerank.integrations.optuna import RLMSampler
from prerank.search_spaces import nas_bench_201
from prerank.search_spaces.nas_bench_201 import Cell
from prerank.surrogate import RLMSurrogate

SPACE: dict[str, BaseDistribution] = {
    f"edge_{edge}": CategoricalDistribution(nas_bench_201.OPERATIONS) for edge in range(len(nas_bench_201.EDGES))
}


def main() -> None:
    """Search, print, draw."""
    arguments = parse()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    problems = [nas_bench_201.problem("val_accuracy"), nas_bench_201.problem("latency_ms", device=arguments.device)]
    oracle = RLMSurrogate.load()

    def measured(params: dict[str, Any]) -> tuple[float, float]:
        accuracy, latency = (float(oracle.predict(problem, [to_text(params)]).mean[0]) for problem in problems)
        return accuracy, latency

    rlm = RLMSampler(problem=problems, to_text=to_text, search_space=SPACE, pool_size=128, seed=0)
    samplers: dict[str, BaseSampler] = {"random": RandomSampler(seed=0), "RLMSampler": rlm}
    studies = {name: searched(name, sampler, measured, arguments.trials) for name, sampler in samplers.items()}
    report(studies["RLMSampler"])
    draw(studies, arguments.device, arguments.out)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="raspberry pi 4")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--out", type=Path, default=Path("optuna_multiobjective_latency.png"))
    return parser.parse_args()


def to_text(params: dict[str, Any]) -> str:
    """What the language model reads."""
    return nas_bench_201.to_text(Cell(tuple(params[name] for name in SPACE)))


def searched(name: str, sampler: BaseSampler, measured: Any, trials: int) -> optuna.Study:
    """A study of both objectives; after Ctrl-C, of as much as was done."""
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    with contextlib.suppress(KeyboardInterrupt):
        for _ in track(range(trials), name):
            trial = study.ask(SPACE)
            study.tell(trial, measured(trial.params))
    return study


def report(study: optuna.Study) -> None:
    """The front."""
    table = Table("cell", "accuracy", "latency, ms")
    for trial in sorted(study.best_trials, key=lambda trial: trial.values[1]):
        table.add_row(to_text(trial.params), f"{trial.values[0]:.4f}", f"{trial.values[1]:.2f}")
    print(table)


def draw(studies: dict[str, optuna.Study], device: str, out: Path) -> None:
    """All cells, and the fronts as lines."""
    figure = Figure(figsize=(7, 5), layout="constrained")
    axes = figure.subplots()
    for name, study in studies.items():
        if not study.best_trials:  # interrupted before one was complete
            continue
        front = sorted((trial.values[1], trial.values[0]) for trial in study.best_trials)
        (line,) = axes.plot(*zip(*front, strict=True), drawstyle="steps-post", label=f"{name}, front")
        every = [(trial.values[1], trial.values[0]) for trial in study.trials if trial.values]
        axes.scatter(*zip(*every, strict=True), s=12, alpha=0.5, color=line.get_color())
    axes.set(xlabel=f"predicted latency on {device}, ms", ylabel="predicted accuracy", xscale="log")
    axes.legend()
    figure.savefig(out, dpi=150)
    print(f"drawn in {out}")


if __name__ == "__main__":
    main()
