"""Measure latency and peak memory of networks of seventeen families on this machine: a table to learn from.

python benchmarks/measure_networks.py [--count 140] [--out FILE]

An interrupted run goes on when called again. Run it on a quiet machine; it takes half a second a network. Every fifth
network is measured with two threads and without graph optimisation too: other devices, as far as costs are concerned.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from families import FAMILIES, drawn
from onnx import ModelProto
from rich.progress import track

from prerank.integrations.onnxruntime import Conditions, Network, measure_all
from prerank.integrations.onnxruntime_machine import processors
from prerank.search_spaces import onnx_graph

OTHERWISE = 5
"""One network in so many is measured under other conditions too."""


def main() -> None:
    """Measure, say what failed."""
    arguments = parse(__doc__, count=140, out="networks.jsonl")
    cases = [(Conditions(), 1), (Conditions(optimise=False), OTHERWISE)]
    if processors() > 1:
        cases.insert(1, (Conditions(threads=2), OTHERWISE))
    for conditions, every in cases:
        drawn = networks(arguments.count, every)
        measure(drawn, conditions, arguments, len(range(0, arguments.count, every)) * len(FAMILIES))


def parse(description: str | None, count: int, out: str) -> argparse.Namespace:
    """Command line of what measures so many networks of each family, to a table of that name."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=count, help="networks of each family that may be measured")
    parser.add_argument("--seconds", type=float, default=0.3, help="how long each one is run")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "tables" / out)
    return parser.parse_args()


def measure(networks: Iterable[Network], conditions: Conditions, arguments: argparse.Namespace, total: int) -> None:
    """Add what a table lacks, saying what failed."""
    measured = measure_all(networks, arguments.out, conditions, seconds=arguments.seconds)
    for rows in track(measured, conditions.problem("").metric, total):
        if rows and "error" in rows[0].more:
            print(f"{rows[0].more['name']}: {rows[0].more['error']}")


def network(name: Any, model: ModelProto) -> Network:
    """A model to measure under a name."""
    text = onnx_graph.to_text(onnx_graph.from_record(model))
    return Network(name, onnx_graph.problem().context, text, partial(written, model))


def networks(count: int, every: int = 1) -> Iterator[Network]:
    """So many of each family, one family after the other in turn, so that a part of them is as diverse as all."""
    for number in range(0, count, every):
        for family in FAMILIES:
            model, made = drawn(family, number)
            yield network({"family": family, **made}, model)


def written(model: ModelProto, folder: Path) -> Path:
    """The model as a file."""
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


if __name__ == "__main__":
    main()
