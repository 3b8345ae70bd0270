"""What reading can find in the tables of networks: 25 candidates of those that look best, beside TPE's 150 trials.

python benchmarks/optuna_limits.py [--checkpoint FOLDER]

A candidate has the value of the nearest test row, as in `optuna_samplers`; those that are test rows are left out. 25
are drawn of the fiftieth that looks best to a reader, which does not learn from them: the packaged checkpoint; boosted
trees that learnt the choices of all these candidates and what the table measures of them; and *own values*, which knows
what that is. Good: as good as what TPE ends with; a draw of 25 finds one more often than not from 27 in a thousand on.
Where own values have fewer, no reader is good enough that does not learn from the search. RLMSampler does: its regrets
after 25 trials are in `optuna_samplers`, on the lines of *text*.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from intervals import interval, shown
from measured_rows import Measured
from measured_tables import nas_bench_201_rows, nas_bench_graph_rows, nas_bench_macro_rows
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution
from optuna.trial import FixedTrial
from optuna_networks import network_tables
from optuna_tasks import Task
from rich.progress import track
from sklearn.ensemble import HistGradientBoostingRegressor
from tables import show
from written import written

from prerank.surrogate import RLMSurrogate

Floats = NDArray[np.float64]
ROWS = {
    "nas_bench_201": nas_bench_201_rows,
    "nas_bench_macro": nas_bench_macro_rows,
    "nas_bench_graph": nas_bench_graph_rows,
}
"""First word of a task's name -> its table."""
LIKELY = 50
"""One candidate of so many looks good enough to be drawn."""
_DRAWN, _DRAWS = 25, 1000


def main() -> None:
    """Read, draw, print, write."""
    arguments = command_line(__doc__, __file__).parse_args()
    tasks = [task for task in network_tables(arguments.data) if task.name.split()[0] in ROWS]
    surrogate = RLMSurrogate.load(arguments.checkpoint)
    results = [line for task in track(tasks, "reading") for line in lines(task, arguments.data, surrogate)]
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    show(tables(results))


def lines(task: Task, folder: Path, surrogate: RLMSurrogate) -> Iterator[dict[str, Any]]:
    """What each reader of a task finds."""
    frame, goal = candidates(task, folder), tpe_regret(task.name)
    regrets = (task.best - frame["value"]).to_numpy(dtype=np.float64)
    for reader, scores in read(task, frame, surrogate).items():
        yield {"task": task.name, "reader": reader, "tpe": goal, **found(regrets, scores, goal)}


def candidates(task: Task, folder: Path) -> pd.DataFrame:
    """Text, choices, value in the task and own value in the table of all that are no test rows."""
    assert task.problem
    own = {
        m.row.texts[0]: m.row.values.get(task.problem.metric) for m in rows(folder, task.name.split()[0]) if not m.test
    }
    kept = [(text, params, own[text]) for text, params in written_once(task) if own.get(text) is not None]
    value_of: Callable[[Any], float] = task.value  # which a trial that is fixed serves as well
    named = [(text, [*params.values()], value_of(FixedTrial(params)), value) for text, params, value in kept]
    return pd.DataFrame(named, columns=["text", "choices", "value", "own"])


@cache
def rows(folder: Path, table: str) -> list[Measured]:
    """A table, read once for all tasks that have it."""
    return list(ROWS[table](folder, np.random.default_rng(0)))


def written_once(task: Task) -> Iterator[tuple[str, dict[str, Any]]]:
    """All candidates of a task by their text; of those that are one network, the first."""
    assert task.to_text
    seen, options = set[str](), (own.choices for own in task.space.values() if isinstance(own, CategoricalDistribution))
    for choices in itertools.product(*options):
        params = dict(zip(task.space, choices, strict=True))
        text = task.to_text(params)
        if text is not None and text not in seen:
            seen.add(text)
            yield text, params


def read(task: Task, frame: pd.DataFrame, surrogate: RLMSurrogate) -> dict[str, Floats]:
    """How good each reader takes the candidates to be, (N,)."""
    assert task.problem
    own = frame["own"].to_numpy(dtype=np.float64)
    columns = pd.get_dummies(pd.DataFrame(frame["choices"].tolist())).to_numpy(dtype=np.float64)
    trees = HistGradientBoostingRegressor(max_iter=600, learning_rate=0.05, random_state=0).fit(columns, own)
    return {
        "prerank": surrogate.predict(task.problem, frame["text"].tolist()).mean,
        "boosted trees": trees.predict(columns),
        "own values": own,
    }


def found(regrets: Floats, scores: Floats, goal: float) -> dict[str, Any]:
    """Points of regret of the best of 25 drawn of what looks best, and the shares that are good, of all and of those.

    Args:
        regrets: Of the candidates, (N,).
        scores: How good they are thought to be, (N,).
        goal: Regret of a good one.
    """
    likely = np.argsort(-scores, kind="stable")[: len(scores) // LIKELY]
    rng = np.random.default_rng(0)
    drawn = [100 * regrets[rng.choice(likely, _DRAWN, replace=False)].min() for _ in range(_DRAWS)]
    good = regrets <= goal
    return {"regret": interval(drawn), "good": good.mean(), "good, likely": good[likely].mean()}


def tpe_regret(task: str) -> float:
    """Mean regret of TPE after 150 trials."""
    ends = [r["regret"]["150"] for r in written("optuna_samplers") if (r["task"], r["sampler"]) == (task, "tpe")]
    return float(np.mean(ends))


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """One table, in points and in candidates of a thousand."""
    rows = [
        {
            "task": line["task"],
            "TPE after 150": f"{100 * line['tpe']:.2f}",
            "reader": line["reader"],
            "25 that look good": shown(line["regret"], 2),
            "good of 1,000": f"{1000 * line['good']:.0f}",
            "good of 1,000 that look good": f"{1000 * line['good, likely']:.0f}",
        }
        for line in results
    ]
    return {"Mean regret in points, and how many are as good as what TPE ends with": pd.DataFrame(rows)}


if __name__ == "__main__":
    main()
