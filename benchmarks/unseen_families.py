"""Latency and peak memory of ONNX networks of a family that no model has seen, on a known machine.

python benchmarks/unseen_families.py [--table FILE] [--checkpoint FOLDER]

The table is that of measure_networks.py. Each family in turn is left out: plain models learn from all the others, then
from ten networks of the family too; Spearman over the rest of it, ten draws. The checkpoint must not have read the
family either: with weights that have, its figures are those of a known family. The operator-wise model is a sum of what
each kind of operation costs, by the number of its operations and by its MACs, none of them negative (after nn-Meter,
Zhang et al. 2021).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from intervals import interval, shown
from numpy.typing import NDArray
from rich.progress import track
from scipy.optimize import nnls
from sklearn.ensemble import HistGradientBoostingRegressor
from tables import show

from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.fields import Fields
from prerank.surrogate.measured import Measured, read
from prerank.surrogate.metrics import spearman

Floats = NDArray[np.float64]
Predict = Callable[[Sequence[Measured], Sequence[Measured]], Floats]
"""Rows to learn from, rows to predict -> a prediction of each of these."""

MEASURED = 10
"""Networks of the family that are measured."""


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    rows = [row for row in read(arguments.table) if np.isfinite(row.value)]
    metrics = [metric for metric in dict.fromkeys(row.metric for row in rows) if metric.endswith("threads=1")]
    families = list(dict.fromkeys(family(row) for row in rows))
    cases = [(metric, name) for metric in metrics for name in families]
    results = [
        result
        for metric, name in track(cases, "families left out", transient=True)
        for result in measured([row for row in rows if row.metric == metric], name, arguments)
    ]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--table", type=Path, default=Path(__file__).parent / "tables" / "networks.jsonl")
    parser.add_argument("--draws", type=int, default=10, help="draws of the ten that are measured")
    return parser.parse_args()


def measured(rows: Sequence[Measured], name: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All models on one metric of one family."""
    others, own = [row for row in rows if family(row) != name], [row for row in rows if family(row) == name]
    surrogate = RLMSurrogate.load(arguments.checkpoint)
    models: dict[str, Predict] = {
        "MACs": lambda _, asked: total(asked, "macs_m"),
        "parameters": lambda _, asked: total(asked, "params_m"),
        "operator-wise": lambda seen, asked: operator_wise([*others, *seen], asked),
        "boosted trees": lambda seen, asked: trees([*others, *seen], asked),
        "prerank": lambda seen, asked: adapted(surrogate, seen, asked),
    }
    found = {"metric": rows[0].metric.split()[0], "family": name}
    return [
        found | {"model": model, "measured": count, "spearman": interval(ranks(predict, own, count, arguments.draws))}
        for count in (0, MEASURED)
        for model, predict in models.items()
    ]


def ranks(predict: Predict, own: Sequence[Measured], count: int, draws: int) -> list[float]:
    """Rank correlations on what each draw leaves; without measurements there is but one."""
    found: list[float] = []
    for seed in range(draws if count else 1):
        order = np.random.default_rng(seed).permutation(len(own)).tolist()
        seen, asked = [own[row] for row in order[:count]], [own[row] for row in order[count:]]
        found.append(float(np.nan_to_num(spearman(predict(seen, asked), [row.value for row in asked]))))
    return found


def family(row: Measured) -> str:
    """What kind of network it is."""
    return str(row.more["name"]["family"])


def total(rows: Sequence[Measured], name: str) -> Floats:
    """One of the totals that the texts begin with."""
    pattern = re.compile(rf"(?:^|\s){name}=(\S+)")
    return np.array([float(match[1]) if (match := pattern.search(row.candidate)) else 0.0 for row in rows])


def operator_wise(train: Sequence[Measured], asked: Sequence[Measured]) -> Floats:
    """Costs of the kinds of operations, fitted to the relative error."""
    counts = [operators(row.candidate) for row in [*train, *asked]]
    frame = pd.DataFrame(counts).fillna(0.0).assign(network=1.0).to_numpy(dtype=np.float64)
    values = np.array([row.value for row in train])
    costs, _ = nnls(frame[: len(train)] / values[:, None], np.ones(len(train)), maxiter=10_000)
    return frame[len(train) :] @ costs


def operators(text: str) -> dict[str, float]:
    """How often each kind of operation occurs, repeats counted, and the MACs of those kinds that are told apart."""
    found: dict[str, float] = {}
    times = [1]
    for word in text.split():
        name, equals, value = word.partition("=")
        if name.endswith("_macs_m"):
            found[name] = float(value)
        elif repeat := re.fullmatch(r"(\d+)\*\(", word):
            times.append(times[-1] * int(repeat[1]))
        elif word.startswith(")"):
            times.pop()
        elif not equals and (kind := re.match(r"[a-z]+(?:\d+x\d+)?", word)):
            found[kind[0]] = found.get(kind[0], 0) + times[-1]
    return found


def trees(train: Sequence[Measured], asked: Sequence[Measured]) -> Floats:
    """Boosted trees on the fields of the texts."""
    fields = Fields([row.candidate for row in train])
    model = HistGradientBoostingRegressor(max_iter=300, random_state=0)
    model.fit(fields([row.candidate for row in train]), np.log([row.value for row in train]))
    return model.predict(fields([row.candidate for row in asked]))


def adapted(surrogate: RLMSurrogate, seen: Sequence[Measured], asked: Sequence[Measured]) -> Floats:
    """The surrogate, after it has observed."""
    problem, fork = Problem(asked[0].context, asked[0].metric), surrogate.fork()
    if seen:
        fork.observe(problem, [row.candidate for row in seen], [row.value for row in seen])
    return fork.predict(problem, [row.candidate for row in asked]).mean


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    frame: Any = pd.DataFrame(results)
    return {
        f"{metric} of a family left out, {count} of it measured: Spearman": pd.DataFrame([
            {"model": model} | means(group[group["model"] == model]) for model in group["model"].unique()
        ])
        for (metric, count), group in frame.groupby(["metric", "measured"], sort=False)
    }  # fmt: skip


def means(rows: Any) -> dict[str, str]:
    """Each family, and their mean."""
    found = {str(row["family"]): f"{row['spearman']['mean']:.2f}" for row in rows.to_dict("records")}
    return found | {"mean": shown(interval(cell["mean"] for cell in rows["spearman"]))}


def plot(results: list[dict[str, Any]], axes: Any) -> None:
    """Mean rank correlation of each model, before and after ten measurements."""
    frame: Any = pd.DataFrame(results).assign(rank=[result["spearman"]["mean"] for result in results])
    means_of = frame.groupby(["metric", "measured", "model"], sort=False)["rank"].mean().unstack()
    means_of.plot.bar(ax=axes, rot=0)
    axes.set(ylabel="Spearman, mean over families", title="Networks of a family left out", xlabel="")


if __name__ == "__main__":
    main()
