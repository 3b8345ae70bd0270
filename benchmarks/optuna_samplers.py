"""Samplers of Optuna: functions, spaces with branches, tables of hyperparameters and of networks.

python benchmarks/optuna_samplers.py [--tasks functions branches ...] [--samplers random tpe cma gp rlm] [--seeds 20]

Simple regret: the best loss so far less the least there is, after 100 trials; its area under the curve is the mean of
the logarithm over all trials. p is the two-sided Mann-Whitney test of RLMSampler's final regrets against TPE's. All
samplers are at their defaults. Where nobody knows the least loss (blocks, support vectors, regressors), the regret is
the loss. Networks are searched for 150 trials, and for 40 by ``text``, RLMSampler that reads them with the packaged
checkpoint, and ``unread``, the same with one that has read nothing of their space, by an earlier adaptation.
OptunaHub's AutoSampler is in no package index and is left out. One process, one thread; what was measured before is not
measured again, and a search is kept once it ends.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from command_line import command_line
from leave_out import CHECKPOINTS
from numpy.typing import NDArray
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler
from optuna_branches import branches
from optuna_networks import network_tables
from optuna_tasks import Task, functions, hyperparameter_tables
from rich.progress import track
from scipy.stats import mannwhitneyu, rankdata
from tables import show

from prerank.integrations.optuna import RLMSampler
from prerank.surrogate import RLMSurrogate
from prerank.surrogate.atomic import write_whole

Floats = NDArray[np.float64]
Result = dict[str, Any]
Search = tuple[Task, str, int]
_LEAST = 1e-9  # regrets below are equal
_ENDS = (5, 10, 25, 40, 50, 100, 150)
_READERS = ("text", "unread")
"""Samplers that read the candidates."""


def main() -> None:
    """Search, print, write."""
    arguments = parse()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
    results: list[Result] = json.loads(arguments.out.read_text()) if arguments.out.exists() else []
    searches = planned(arguments, {(r["task"], r["sampler"], r["seed"]) for r in results})
    try:
        for task, sampler, seed in track(searches, "searching"):
            results.append(searched(task, sampler, seed, arguments))
            write_whole(arguments.out, ("[\n" + ",\n".join(map(json.dumps, results)) + "\n]\n").encode())
    finally:
        show(tables(results))


def parse() -> argparse.Namespace:
    """Command line."""
    parser = command_line(__doc__, __file__)
    sources = ["functions", "branches", "tables", "networks"]
    parser.add_argument("--tasks", nargs="+", choices=sources, default=sources)
    parser.add_argument("--samplers", nargs="+", default=["random", "tpe", "cma", "gp", "rlm", *_READERS])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, help="default: 100, of networks 150, and 40 by those that read them")
    return parser.parse_args()


def planned(arguments: argparse.Namespace, done: set[tuple[str, str, int]]) -> list[Search]:
    """Searches to do, seed by seed, so that all samplers are equally far."""
    sources: dict[str, Callable[[], list[Task]]] = {
        "functions": functions,
        "branches": branches,
        "tables": hyperparameter_tables,
        "networks": lambda: network_tables(arguments.data),
    }
    tasks = [task for name in arguments.tasks for task in sources[name]()]
    every = [(task, name, seed) for seed in range(arguments.seeds) for task in tasks for name in arguments.samplers]
    return [s for s in every if (s[0].name, s[1], s[2]) not in done and suits(s[0], s[1])]


def suits(task: Task, sampler: str) -> bool:
    """Whether there is something for the sampler to read, and a checkpoint to read it with."""
    return sampler not in _READERS or (task.to_text is not None and (sampler == "text" or task.leave_out is not None))


def searched(task: Task, name: str, seed: int, arguments: argparse.Namespace) -> Result:
    """One search."""
    sign = -1 if task.problem else 1
    direction = "maximize" if task.problem else "minimize"
    study = optuna.create_study(direction=direction, sampler=sampler_of(task, name, seed, arguments.checkpoint))
    start = time.perf_counter()
    usual = 100 if task.problem is None else 40 if name in _READERS else 150
    study.optimize(task.value, n_trials=arguments.trials or usual)
    seconds = time.perf_counter() - start
    losses = sign * np.array([trial.value for trial in study.trials], dtype=np.float64)
    regrets = np.maximum(np.minimum.accumulate(losses) - sign * task.best, _LEAST)
    ends = {str(end): float(regrets[end - 1]) for end in _ENDS if end <= len(regrets)}
    area = float(np.log10(regrets).mean())
    return {"task": task.name, "sampler": name, "seed": seed, "regret": ends, "area": area, "seconds": seconds}


def sampler_of(task: Task, name: str, seed: int, checkpoint: Path | None) -> BaseSampler:
    """A sampler at its defaults."""
    plain: dict[str, Callable[..., BaseSampler]] = {
        "random": RandomSampler, "tpe": TPESampler, "cma": CmaEsSampler, "gp": GPSampler, "rlm": RLMSampler,
    }  # fmt: skip
    if name in plain:
        return plain[name](seed=seed)
    own = CHECKPOINTS / task.leave_out if name == "unread" and task.leave_out else checkpoint
    surrogate = RLMSurrogate.load(own)
    return RLMSampler(
        problem=task.problem, to_text=task.to_text, surrogate=surrogate, search_space=task.space, seed=seed
    )


def tables(results: list[Result]) -> dict[str, Any]:
    """Regrets by task, ranks over all tasks, and how soon networks are found."""
    frame = pd.DataFrame(results)
    if frame.empty:
        return {}
    frame["final"] = [list(regret.values())[-1] for regret in frame["regret"]]
    read = frame["task"].isin(frame.loc[frame["sampler"].isin(_READERS), "task"])
    return {**_values(frame[~read]), **_networks(frame[read])}


def _values(frame: Any) -> dict[str, Any]:
    """Functions and hyperparameters."""
    if frame.empty:
        return {}
    names = list(dict.fromkeys(frame["sampler"]))
    rows = [_row(task, part, names) for task, part in frame.groupby("task", sort=False)]
    by_task = pd.DataFrame(rows, columns=["task", *names, "p against TPE"])
    return {"Median regret at the end": by_task, "All tasks that every sampler searched": _ranks(frame)}


def _networks(frame: Any) -> dict[str, Any]:
    """Mean regrets as the search goes on, in points, and when they are below what TPE ends with."""
    found: dict[str, Any] = {}
    for task, part in frame.groupby("task", sort=False):
        means = {
            name: pd.DataFrame(list(own["regret"])).mean() * 100 for name, own in part.groupby("sampler", sort=False)
        }
        goal = means["tpe"].iloc[-1] if "tpe" in means else -np.inf
        rows = [
            {"sampler": name}
            | {end: f"{regret:.2f}" for end, regret in mean.items()}
            | {"at TPE's last": _when(mean, goal)}
            for name, mean in means.items()
        ]
        found[f"{task}: mean regret in points after n evaluations"] = pd.DataFrame(rows).fillna("")
    return found


def _when(mean: Any, goal: float) -> str:
    reached = [end for end, regret in mean.items() if regret <= goal]
    return str(reached[0]) if reached else ""


def _row(task: Any, part: Any, names: list[str]) -> list[str]:
    finals = {name: part.loc[part["sampler"] == name, "final"].to_numpy() for name in names}
    cells = [f"{np.median(final):.3g}" if len(final) else "" for final in finals.values()]
    ours, tpe = finals.get("rlm", ()), finals.get("tpe", ())
    p = mannwhitneyu(ours, tpe).pvalue if len(ours) and len(tpe) else np.nan
    sign = "better" if np.median(ours) < np.median(tpe) else "worse" if np.median(ours) > np.median(tpe) else "equal"
    return [str(task), *cells, f"{p:.2g} {sign}"]


def _ranks(frame: Any) -> Any:
    """Mean rank of each sampler's median regret over the tasks, mean area, and time of a trial."""
    medians = frame.pivot_table("final", "task", "sampler", "median").dropna()
    ranks = pd.DataFrame(rankdata(medians, axis=1), columns=medians.columns).mean()
    others = frame[frame["task"].isin(medians.index)].groupby("sampler")[["area", "seconds"]].mean()
    rows = [
        [name, f"{ranks[name]:.2f}", f"{others['area'][name]:.2f}", f"{others['seconds'][name]:.1f}"]
        for name in ranks.sort_values().index
    ]
    return pd.DataFrame(rows, columns=["sampler", "mean rank", "mean log10 regret over all trials", "seconds a search"])


if __name__ == "__main__":
    main()
