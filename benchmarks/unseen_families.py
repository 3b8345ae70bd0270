"""Latency and peak memory of ONNX networks of families that no model has seen, and of known ones on another machine.

python benchmarks/unseen_families.py [--table FILE] [--checkpoint FOLDER]

The table is that of measure_networks.py. Each family in turn is left out: plain models learn from all the others, then
from ten networks of the family too; Spearman over the rest of it, ten draws. The packaged checkpoint has not read three
of the families; of the others it knows nine networks of ten, so its figures there are those of known families. Two
threads, and a graph that is not optimised, stand in for another machine: no checkpoint has read a measurement of them,
plain models learn from the usual conditions and from the ten. The operator-wise model is a sum of what each kind of
operation costs, by the number of its operations and by its MACs, none of them negative (after nn-Meter, Zhang et al.
2021).
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from intervals import interval, shown
from measured_tables import NETWORKS, UNSEEN_FAMILIES
from numpy.typing import NDArray
from rich.progress import track
from scipy.optimize import nnls
from sklearn.ensemble import HistGradientBoostingRegressor
from tables import show

from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.measured import Measured, read
from prerank.surrogate.metrics import spearman

Floats = NDArray[np.float64]
Predict = Callable[[Sequence[Measured], Sequence[Measured]], Floats]
"""Rows to learn from, rows to predict -> a prediction of each of these."""

MEASURED = 10
"""Networks that are measured, of the family or under the conditions that are asked."""
USUAL = "threads=1"
"""End of a metric under the conditions that the packaged checkpoint has read."""


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    rows = [row for row in read(arguments.table) if np.isfinite(row.value)]
    surrogate = RLMSurrogate.load(arguments.checkpoint)
    results = [
        case | {"model": name} | measured(predict, own, count, arguments.draws)
        for case, others, own in track(list(cases(rows)), "families and conditions", transient=True)
        for count in (0, MEASURED)
        for name, predict in models(surrogate, others).items()
    ]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--table", type=Path, default=NETWORKS)
    parser.add_argument("--draws", type=int, default=10, help="draws of the ten that are measured")
    return parser.parse_args()


def cases(rows: Sequence[Measured]) -> Iterator[tuple[dict[str, str], list[Measured], list[Measured]]]:
    """What is asked, the rows that plain models learn from, and the rows that are asked."""
    usual = [row for row in rows if row.metric.endswith(USUAL)]
    for word in dict.fromkeys(word_of(row) for row in rows):
        own = [row for row in usual if word_of(row) == word]
        for name in dict.fromkeys(family(row) for row in own):
            left_out = [row for row in own if family(row) == name]
            yield {"metric": word, "case": name}, [row for row in own if family(row) != name], left_out
        known = [row for row in own if family(row) not in UNSEEN_FAMILIES]
        others = [row for row in rows if word_of(row) == word and not row.metric.endswith(USUAL)]
        for metric in dict.fromkeys(row.metric for row in others):
            asked = [row for row in others if row.metric == metric and family(row) not in UNSEEN_FAMILIES]
            yield {"metric": word, "case": metric.partition("onnxruntime ")[2]}, known, asked


def models(surrogate: RLMSurrogate, others: Sequence[Measured]) -> dict[str, Predict]:
    """Name -> a model that has learnt from other families or under other conditions."""
    return {
        "MACs": lambda _, asked: total(asked, "macs_m"),
        "parameters": lambda _, asked: total(asked, "params_m"),
        "operator-wise": lambda seen, asked: operator_wise([*others, *seen], asked),
        "boosted trees": lambda seen, asked: trees([*others, *seen], asked),
        "prerank": lambda seen, asked: adapted(surrogate, seen, asked),
    }


def measured(predict: Predict, own: Sequence[Measured], count: int, draws: int) -> dict[str, Any]:
    """How well a model ranks the rows, after so many of them were measured."""
    return {"measured": count, "spearman": interval(ranks(predict, own, count, draws))}


def ranks(predict: Predict, own: Sequence[Measured], count: int, draws: int) -> list[float]:
    """Rank correlations on what each draw leaves; without measurements there is but one."""
    found: list[float] = []
    for seed in range(draws if count else 1):
        order = np.random.default_rng(seed).permutation(len(own)).tolist()
        seen, asked = [own[row] for row in order[:count]], [own[row] for row in order[count:]]
        found.append(float(np.nan_to_num(spearman(predict(seen, asked), [row.value for row in asked]))))
    return found


def word_of(row: Measured) -> str:
    """What was measured, whatever the conditions."""
    return row.metric.split()[0]


def family(row: Measured) -> str:
    """What kind of network it is."""
    return str(row.more["name"]["family"])


def total(rows: Sequence[Measured], name: str) -> Floats:
    """One of the totals."""
    return np.array([totals(row.candidate).get(name, 0.0) for row in rows])


def operator_wise(train: Sequence[Measured], asked: Sequence[Measured]) -> Floats:
    """Costs of the kinds of operations, fitted to the relative error."""
    frame = frame_of([operators(row.candidate) for row in [*train, *asked]], {"network": 1.0})
    values = np.array([row.value for row in train])
    costs, _ = nnls(frame[: len(train)] / values[:, None], np.ones(len(train)), maxiter=10_000)
    return frame[len(train) :] @ costs


def trees(train: Sequence[Measured], asked: Sequence[Measured]) -> Floats:
    """Boosted trees on the counts of the operations and all totals."""
    counts = frame_of([operators(row.candidate) | totals(row.candidate) for row in [*train, *asked]])
    model = HistGradientBoostingRegressor(max_iter=300, random_state=0)
    model.fit(counts[: len(train)], np.log([row.value for row in train]))
    return model.predict(counts[len(train) :])


def frame_of(rows: Sequence[dict[str, float]], more: dict[str, float] | None = None) -> Floats:
    """Counts by name as a matrix; what a row does not name is zero."""
    return pd.DataFrame(rows).fillna(0.0).assign(**more or {}).to_numpy(dtype=np.float64)


def totals(text: str) -> dict[str, float]:
    """What the text begins with."""
    words = (word.partition("=") for word in text.split())
    return {name: float(value) for name, equals, value in words if equals}


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


def adapted(surrogate: RLMSurrogate, seen: Sequence[Measured], asked: Sequence[Measured]) -> Floats:
    """The surrogate, after it has observed."""
    problem, fork = Problem(asked[0].context, asked[0].metric), surrogate.fork()
    if seen:
        fork.observe(problem, [row.candidate for row in seen], [row.value for row in seen])
    return fork.predict(problem, [row.candidate for row in asked]).mean


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    frame: Any = pd.DataFrame(results)
    found: dict[str, Any] = {}
    for (metric, count), group in frame.groupby(["metric", "measured"], sort=False):
        for title, part in parts(group):
            rows = [{"model": model} | means(part[part["model"] == model]) for model in group["model"].unique()]
            found[f"{metric}, {title}, {count} measured: Spearman"] = pd.DataFrame(rows)
    return found


def parts(frame: Any) -> list[tuple[str, Any]]:
    """The results by what the packaged checkpoint knows of the case."""
    unseen, other = frame["case"].isin(UNSEEN_FAMILIES), frame["case"].str.contains("threads=")
    return [
        ("families that no model has read", frame[unseen]),
        ("families that prerank has read, and the plain models have not", frame[~unseen & ~other]),
        ("known families under other conditions", frame[other]),
    ]


def means(rows: Any) -> dict[str, str]:
    """Each case, and their mean."""
    found = {str(row["case"]): f"{row['spearman']['mean']:.3f}" for row in rows.to_dict("records")}
    return found | {"mean": shown(interval(cell["mean"] for cell in rows["spearman"]))}


def plot(results: list[dict[str, Any]], axes: Any) -> None:
    """Mean rank correlation of each model on what no model has read, before and after ten measurements."""
    frame: Any = pd.DataFrame(results).assign(rank=[result["spearman"]["mean"] for result in results])
    frame = parts(frame)[0][1]
    means_of = frame.groupby(["metric", "measured", "model"], sort=False)["rank"].mean().unstack()
    means_of.plot.bar(ax=axes, rot=0)
    axes.set(ylabel="Spearman, mean over families", title="Networks of families that no model has read", xlabel="")


if __name__ == "__main__":
    main()
