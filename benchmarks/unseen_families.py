"""Latency and peak memory of ONNX networks of families that no model has seen, and of known ones on another machine.

python benchmarks/unseen_families.py [--table FILE] [--checkpoint FOLDER]

The table is that of measure_networks.py. Plain models learn from the networks that the packaged checkpoint has read,
those of fourteen families under the usual conditions, and all are asked about the others: networks of three families
never read; of the fourteen those that were kept for tests; and all of the fourteen on two threads and with a graph that
is not optimised, which stand in for another machine. On a second processor (precisions.jsonl.gz, measure_precisions.py)
the same is asked of 32-bit floats, 8-bit integers and half precision together, and plain models learn from those that
the checkpoint has read there. Then ten of what is asked are measured and learnt; Spearman over
the rest, ten draws. The operator-wise model is a sum of what each kind of operation costs, by the number of its
operations and by its MACs, none of them negative (after nn-Meter, Zhang et al. 2021).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from few_shot import FewShot, draw, reliability, unmeasured
from intervals import interval, shown
from measured_networks import NETWORKS, PRECISIONS, UNSEEN_FAMILIES, network_rows
from measured_rows import FOLDER, is_test
from network_features import Floats, frame_of, operators, stated_numbers, trees_on_counts
from ranks import rank
from rich.progress import track
from scipy.optimize import nnls
from tables import show

from prerank.surrogate import Problem
from prerank.surrogate.measured import Measured, read

Predict = Callable[[Sequence[Measured], Sequence[Measured]], Floats]
"""Rows to learn from, rows to predict -> a prediction of each of these."""

MEASURED = 10
"""Networks that are measured, of the family or under the conditions that are asked."""
USUAL = "threads=1"
"""End of a metric under the conditions that the packaged checkpoint has read."""
KNOWN = "networks of known families"
FORMATS = "in all number formats"


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    rows, formats = ([row for row in read(file) if np.isfinite(row.value)] for file in (arguments.table, PRECISIONS))
    asked = [*cases(rows), *converted(formats)]
    results = [
        case | result
        for case, others, own in track(asked, "families and conditions", transient=True)
        for result in (*plain(others, own, arguments.draws), *surrogate(own, arguments))
    ]
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    show(tables(results))


def parse() -> argparse.Namespace:
    """Command line."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--table", type=Path, default=NETWORKS)
    parser.add_argument("--draws", type=int, default=10, help="draws of the ten that are measured")
    return parser.parse_args()


def cases(rows: Sequence[Measured]) -> Iterator[tuple[dict[str, str], list[Measured], list[Measured]]]:
    """What is asked, the rows that plain models learn from, and the rows that are asked."""
    for word in dict.fromkeys(word_of(row) for row in rows):
        own = [row for row in rows if word_of(row) == word]
        usual = [row for row in own if row.metric.endswith(USUAL)]
        known = [row for row in usual if family(row) not in UNSEEN_FAMILIES]
        read = [row for row in known if not is_test(row.candidate)]
        asked = {name: [row for row in usual if family(row) == name] for name in UNSEEN_FAMILIES}
        asked[KNOWN] = [row for row in known if is_test(row.candidate)]
        for row in own:
            if not row.metric.endswith(USUAL) and family(row) not in UNSEEN_FAMILIES:
                asked.setdefault(row.metric.partition("onnxruntime ")[2], []).append(row)
        yield from (({"metric": word, "case": case}, read, found) for case, found in asked.items())


def converted(rows: Sequence[Measured]) -> Iterator[tuple[dict[str, str], list[Measured], list[Measured]]]:
    """The same of networks in all number formats: of known families, and of those never read."""
    test = {row.row.texts[0] for row in network_rows(FOLDER, np.random.default_rng(0)) if row.test}
    for word in dict.fromkeys(word_of(row) for row in rows):
        own = [row for row in rows if word_of(row) == word]
        read, kept = ([row for row in own if (row.candidate in test) is asked] for asked in (False, True))
        known, unseen = ([row for row in kept if (family(row) in UNSEEN_FAMILIES) is new] for new in (False, True))
        yield {"metric": word, "case": f"{KNOWN} {FORMATS}"}, read, known
        yield {"metric": word, "case": f"families never read {FORMATS}"}, read, unseen


def plain(others: Sequence[Measured], own: Sequence[Measured], draws: int) -> Iterator[dict[str, Any]]:
    """Plain models that learn from other networks, before and after some of those that are asked were measured."""
    models: dict[str, Predict] = {
        "MACs": lambda _, asked: total(asked, "macs_m"),
        "parameters": lambda _, asked: total(asked, "params_m"),
        "operator-wise": lambda seen, asked: operator_wise([*others, *seen], asked),
        "boosted trees": lambda seen, asked: trees([*others, *seen], asked),
    }
    for count in (0, MEASURED):
        for name, predict in models.items():
            yield {"model": name, "measured": count, "spearman": interval(ranks(predict, own, count, draws))}


def ranks(predict: Predict, own: Sequence[Measured], count: int, draws: int) -> list[float]:
    """Rank correlations on what each draw leaves; without measurements there is but one."""
    found: list[float] = []
    for seed in range(draws if count else 1):
        order = draw(len(own), len(own), seed).tolist()
        seen, asked = [own[row] for row in order[:count]], [own[row] for row in order[count:]]
        found.append(rank(predict(seen, asked), [row.value for row in asked]))
    return found


def surrogate(own: Sequence[Measured], arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The same of the surrogate, of the same draws."""
    problem, values = Problem(own[0].context, own[0].metric), np.array([row.value for row in own])
    read = FewShot(arguments.checkpoint, problem, [row.candidate for row in own], values)
    yield {"model": "prerank", "measured": 0} | reliability([(read.prior, values)])
    after = unmeasured(read.after(MEASURED, arguments.draws), values)
    yield {"model": "prerank", "measured": MEASURED} | reliability(after)


def word_of(row: Measured) -> str:
    """What was measured, whatever the conditions."""
    return row.metric.split()[0]


def family(row: Measured) -> str:
    """What kind of network it is."""
    return str(row.more["name"]["family"])


def total(rows: Sequence[Measured], name: str) -> Floats:
    """One of the totals."""
    return np.array([stated_numbers(row.candidate).get(name, 0.0) for row in rows])


def operator_wise(train: Sequence[Measured], asked: Sequence[Measured]) -> Floats:
    """Costs of the kinds of operations, fitted to the relative error."""
    frame = frame_of([operators(row.candidate) for row in [*train, *asked]], {"network": 1.0})
    values = np.array([row.value for row in train])
    costs, _ = nnls(frame[: len(train)] / values[:, None], np.ones(len(train)), maxiter=10_000)
    return frame[len(train) :] @ costs


def trees(train: Sequence[Measured], asked: Sequence[Measured]) -> Floats:
    """Boosted trees on the counts of the operations and all totals."""
    return trees_on_counts(
        [row.candidate for row in train], [row.value for row in train], [row.candidate for row in asked]
    )


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    frame: Any = pd.DataFrame(results)
    return {
        f"{metric}, {count} measured: Spearman": pd.DataFrame([
            {"model": model} | means(group[group["model"] == model]) for model in group["model"].unique()
        ])
        for (metric, count), group in frame.groupby(["metric", "measured"], sort=False)
    }  # fmt: skip


def means(rows: Any) -> dict[str, str]:
    """Each case, and the mean over the families never read."""
    found = {str(row["case"]): row["spearman"] for row in rows.to_dict("records")}
    unseen = interval(found[name]["mean"] for name in UNSEEN_FAMILIES if name in found)
    held = [cell["mean"] for cell in rows.get("covered90", pd.Series(dtype=object)).dropna()]
    more = {"90 % intervals hold": f"{np.mean(held):.2f}" if held else ""}
    return {case: shown(cell) for case, cell in found.items()} | {"families never read": f"{unseen['mean']:.3f}"} | more


def plot(results: list[dict[str, Any]], axes: Any) -> None:
    """Mean rank correlation of each model on what no model has read, before and after ten measurements."""
    frame: Any = pd.DataFrame(results).assign(rank=[result["spearman"]["mean"] for result in results])
    frame = frame[frame["case"].isin(UNSEEN_FAMILIES)]
    means_of = frame.groupby(["metric", "measured", "model"], sort=False)["rank"].mean().unstack()
    means_of.plot.bar(ax=axes, rot=0)
    axes.set(ylabel="Spearman, mean over families", title="Networks of families that no model has read", xlabel="")


if __name__ == "__main__":
    main()
