"""The measured ONNX networks as rows; their families and number formats."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measured_rows import Measured, is_test

from prerank.search_spaces import onnx_graph
from prerank.surrogate import Row
from prerank.surrogate.measured import Measured as MeasuredLine
from prerank.surrogate.measured import read as lines

NETWORKS = Path(__file__).parent / "tables" / "networks.jsonl.gz"
"""What measure_networks.py measured."""
PRECISIONS = NETWORKS.with_name("precisions.jsonl.gz")
"""What measure_precisions.py measured on another processor: some of these networks, in other number formats too."""
FLOATS = "float32"
"""Format of the networks that are converted to others."""
UNSEEN_FAMILIES = ("inception", "transformer", "ofa")
"""Families of networks that no shipped checkpoint has read: built by hand, of another kind, of a space."""


def network_rows(folder: Path, rng: np.random.Generator) -> Iterator[Measured]:
    """ONNX networks: latency and peak memory on one thread, and what the texts say of their size.

    A network in another number format is a test network if that in floats is, and of its group.
    """
    values: dict[str, dict[str, float]] = {}
    family, group = dict[str, str](), dict[str, str]()
    floats: dict[str, str] = {}
    for measured in (*lines(NETWORKS), *lines(PRECISIONS)):
        text, own = measured.candidate, values.setdefault(measured.candidate, {})
        if measured.metric.endswith("threads=1") and math.isfinite(measured.value):
            own[measured.metric] = measured.value
        made, precision = network_name(measured)
        if precision == FLOATS:  # the choices leave some networks open: the one measured last is the one converted
            floats[made] = text
        group.setdefault(text, floats[made])
        family[text] = measured.more["name"]["family"]
    for text, own in values.items():
        test = family[text] in UNSEEN_FAMILIES or is_test(group[text])
        yield Measured(network_row(text, own), test, group[text])


def network_name(measured: MeasuredLine) -> tuple[str, str]:
    """The choices that made a network, whatever its number format, and that format."""
    made = dict(measured.more["name"])
    precision = str(made.pop("precision", FLOATS))
    return json.dumps(made), precision


def network_row(text: str, values: dict[str, float]) -> Row:
    """An ONNX network, at times without operations: those never read then say little, rather than anything at all."""
    totals = "\n".join(line for line in text.split("\n") if "=" in line.partition(" ")[0])
    return Row(onnx_graph.problem().context, (text, text, totals), network_totals(text) | values)


def network_totals(text: str) -> dict[str, float]:
    """Parameters and multiply-accumulates as the text of an ONNX network states them, in millions to three digits."""
    said = dict(word.split("=") for word in text.partition("\n")[0].split())
    found = {metric: float(said[f"{metric}_m"]) * 1e6 for metric in ("params", "macs")}
    return {onnx_graph.problem(metric).metric: value for metric, value in found.items() if value > 0}
