"""One candidate, two texts: do the text of a cell and that of its ONNX graph rank alike?

python benchmarks/cell_and_graph.py [--checkpoint FOLDER]

Networks of four spaces at reduced sizes, 60 of each. By its own text a candidate is asked for parameters, or for the
latency on a device of that table; by its graph for parameters, and for the latency on the machine where the networks of
`tables/` were measured. Spearman of the two answers. *By totals*: of the cell's answer with what the graph itself says,
parameters or multiply-accumulates, which is as alike as two metrics, two devices and two sizes can be expected to be.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.progress import track
from tables import show

from prerank.search_spaces import fbnet, nas_bench_101, nas_bench_201, nas_bench_macro, onnx_graph
from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.metrics import spearman

CANDIDATES = 60
MEASURED = "latency_ms batch=1 amd-epyc-cpu onnxruntime threads=1"


@dataclass(frozen=True)
class Case:
    """A space and what is asked of it.

    Args:
        space: Its module.
        sizes: Of the networks.
        asked: Arguments of its `problem`.
    """

    space: Any
    sizes: Mapping[str, Any]
    asked: Mapping[str, str]


CASES = (
    Case(nas_bench_101, {"resolution": 32, "channels": 32}, {"metric": "params"}),
    Case(nas_bench_201, {"resolution": 32, "channels": 16}, {"metric": "params"}),
    Case(nas_bench_201, {"resolution": 32, "channels": 16}, {"metric": "latency_ms", "device": "gold_6226"}),
    Case(nas_bench_macro, {"resolution": 32}, {"metric": "params"}),
    Case(fbnet, {"resolution": 96, "width": 0.5}, {"metric": "latency_ms", "device": "pixel3"}),
)


def main() -> None:
    """Ask, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="default: the packaged one")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    surrogate = RLMSurrogate.load(arguments.checkpoint)
    results = [compared(surrogate, case) for case in track(CASES, "asking")]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def compared(surrogate: RLMSurrogate, case: Case) -> dict[str, Any]:
    """Rank correlations of the answers for one space."""
    candidates = case.space.sample(np.random.default_rng(0), CANDIDATES)
    graphs = [onnx_graph.from_record(case.space.to_onnx(candidate, **case.sizes)) for candidate in candidates]
    question = case.space.problem(**case.asked)
    by_cell = surrogate.predict(question, [case.space.to_text(candidate) for candidate in candidates]).mean
    texts, context = [onnx_graph.to_text(graph) for graph in graphs], onnx_graph.problem().context
    totals = {"params": [graph.params for graph in graphs], MEASURED: [graph.macs for graph in graphs]}
    metric = "params" if question.metric == "params" else MEASURED
    return {
        "space": case.space.__name__.rpartition(".")[2],
        "cell": question.metric.partition(" gpu")[0],
        "graph": metric,
        "spearman": spearman(by_cell, surrogate.predict(Problem(context, metric), texts).mean),
        "totals": spearman(by_cell, totals[metric]),
    }


def tables(results: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    """The results as a titled data frame of text."""
    lines = [{**line, **{name: f"{line[name]:.3f}" for name in ("spearman", "totals")}} for line in results]
    names = {"cell": "asked by the cell", "graph": "by the graph", "spearman": "Spearman", "totals": "by totals"}
    return {"Cell and graph": pd.DataFrame(lines).rename(columns=names)}


if __name__ == "__main__":
    main()
