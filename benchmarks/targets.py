"""Targets, and what was reached.

The best known before is a published figure, or the best of the plain models on the same lines of the results; models
that take every candidate to have been measured elsewhere do not count. Intervals of differences and of means over
devices take the cases to be independent. A mean can meet a target that its interval does not exclude.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from intervals import shown
from written import measurements, written

ORACLES = (
    "best on average over other sizes",
    "ridge on true sources",
    "ridge on true sources and fields",
)
"""Models that are told what every candidate takes on other sizes or devices."""
LEAST_HELD, MOST_HELD = 0.85, 0.95
RATED = (
    "help_latency",
    "unseen_shapes",
    "unseen_kernel",
    "unseen_devices",
    "unseen_spaces",
    "unseen_families",
    "calibration",
)
"""Benchmarks that say how often intervals hold."""
PARTS = ("space", "metric", "kernel", "protocol", "model")
"""What tells the protocols of one benchmark apart."""


@dataclass(frozen=True)
class Target:
    """A figure to reach.

    Args:
        protocol: What is measured.
        benchmark: Whose results have it.
        where: What their lines say; one of several values.
        keys: Where a line has the figure.
        goal: The figure; with above, what is to be gained on that model.
        known: The best published; empty: the best of the rivals.
        ours: The model that is to reach it.
        above: Beginning of the name of the rival that is to be beaten.
        less: Whether less is better.
        worst: Whether the worst line counts, not their mean.
        digits: After the point.
        tried: What was done for it, said where it is missed.
    """

    protocol: str
    benchmark: str
    where: Mapping[str, Any]
    keys: tuple[str, ...]
    goal: float
    known: str = ""
    ours: str = "prerank"
    above: str = ""
    less: bool = False
    worst: bool = False
    digits: int = 3
    tried: str = ""


_HELP = {"space": "NAS-Bench-201", "samples": 10}
_OTHERS = ("titan_rtx_256", "gold_6226", "fpga", "raspi4", "eyeriss")
_SHAPES = {
    ("triton_mm", "NVIDIA A100"): (1.02, 1.003),
    ("triton_mm", "NVIDIA H100"): (1.04, 1.007),
    ("triton_mixed_mm", "NVIDIA A100"): (1.01, 1.001),
    ("triton_mixed_mm", "NVIDIA H100"): (1.01, 1.001),
}
"""Kernel and device -> slowdown@1, slowdown@5."""
_SPACES = (
    "NAS-Bench-Macro, accuracy",
    "NAS-Bench-Graph, accuracy on cora",
    "NAS-Bench-Graph, accuracy on arxiv",
    "NAS-Bench-201, accuracy",
    "NAS-Bench-201, latency on a 1080 Ti",
)
_FAMILIES = ("inception", "transformer", "ofa")
_PRODUCTS = {"kernel": ("triton_mm", "triton_mixed_mm")}
_FEW = (
    "processes on counts of operations, of their neighbourhoods and on stated numbers, trees on neural graph "
    "features, averaged by their errors"
)
_LONGER = "reading tiles; before, four runs with larger shares of matrix products"
_HOPEFUL = f"{_LONGER}; the places behind the first for what may be better"
_TAUGHT = "networks that nobody measured are read too, as plain models of the same measurements expect them"

TARGETS = (
    Target("HELP, NAS-Bench-201, 10 measured: Spearman, mean of six devices", "help_latency", _HELP, ("spearman",),
           0.955, "HELP 0.932", tried=_FEW),
    Target("the same, pixel2", "help_latency", _HELP | {"device": "pixel2"}, ("spearman",), 0.84, "HELP 0.802",
           tried=_FEW),
    Target("the same, worst of the others", "help_latency", _HELP | {"device": _OTHERS}, ("spearman",), 0.90,
           "HELP 0.890", worst=True, tried=_FEW),
    Target("HELP, FBNet, 10 measured: Spearman, mean of three devices", "help_latency",
           {"space": "FBNet", "samples": 10}, ("spearman",), 0.92, "HELP 0.910", tried=_FEW),
    *(
        Target(f"{kernel}, {device}, shapes never read: slowdown@{k}", "unseen_shapes",
               {"kernel": kernel, "device": device}, (f"slowdown@{k}",), goal, less=True, tried=_LONGER)
        for (kernel, device), goals in _SHAPES.items()
        for k, goal in zip((1, 5), goals, strict=True)
    ),
    *(
        target
        for metric, asked in (("slowdown", "as slowdowns"), ("latency_ms", "as milliseconds"))
        for target in (
            Target(f"tutorial matmul, never read, spills last, {asked}, nothing measured: slowdown@10",
                   "unseen_kernel", {"samples": 0}, ("slowdown@10",), 1.05, ours=f"prerank, {metric}, spills last",
                   less=True, tried="what spills last; without that it varies from one training to the next"),
            Target("the same, 100 measured of the nearest other size, interleaved", "unseen_kernel",
                   {"samples": 100}, ("slowdown@10",), 1.03, ours=f"prerank, {metric}, interleaved, spills last",
                   less=True,
                   tried="what was learnt, alone, pooled with and in turn with what the model says alone"),
        )
    ),
    Target("NAS-Bench-101, test cells: Kendall's tau", "nas_bench_101", {"cells": 16_000}, ("tau",), 0.86),
    *(
        Target(f"{task}, space never read, 16 measured: Kendall's tau", "unseen_spaces",
               {"task": task, "samples": 16}, ("tau",), 0.05, above="random forest on GRAF", tried=_FEW)
        for task in _SPACES
    ),
    *(
        Target(f"ONNX families never read, {words}: Spearman of {metric}", "unseen_families",
               {"case": _FAMILIES, "metric": metric, "measured": count}, ("spearman",), goal, tried=_TAUGHT)
        for metric, count, words, goal in (
            ("latency_ms", 0, "nothing measured", 0.90),
            ("latency_ms", 10, "10 measured", 0.95),
            ("memory_bytes", 0, "nothing measured", 0.90),
        )
    ),
    *(
        Target(f"the same, {words}, above {rival}: Spearman of latency_ms", "unseen_families",
               {"case": _FAMILIES, "metric": "latency_ms", "measured": count}, ("spearman",), 0.0, above=rival,
               tried=_TAUGHT)
        for count, words in ((0, "nothing measured"), (10, "10 measured"))
        for rival in ("MACs", "operator-wise")
    ),
    *(
        Target(f"rlm_prune, mm and mixed_mm, shapes never read, worst of kernels and devices: {words}", "triton_prune",
               _PRODUCTS, keys, goal, ours="rlm_prune", less=True, worst=True, tried=_HOPEFUL)
        for words, keys, goal in (
            ("slowdown@1", ("slowdown@1",), 1.03),
            ("slowdown@5", ("slowdown@5",), 1.004),
            ("95th percentile of slowdown@5", ("slowdown@5", "p95"), 1.05),
        )
    ),
    *(
        Target(f"rlm_prune, tutorial matmul, never read, the nearest other size tuned: {words}", "triton_prune",
               {"kernel": "triton_matmul_tutorial_fp16"}, (key,), goal, ours="rlm_prune, tuned shape",
               less=less, digits=digits)
        for words, key, goal, less, digits in (
            ("slowdown@10", "slowdown@10", 1.03, True, 3),
            ("time of tuning all over that of tuning 10", "faster tuning @10", 50.0, False, 0),
        )
    ),
    Target("rlm_prune, all kernels: shapes on which it is worse than the default", "triton_prune", {},
           ("worse than default",), 0, ours="rlm_prune", less=True, worst=True, digits=0),
)  # fmt: skip


def tables() -> dict[str, Any]:
    """What was reached, as titled data frames of text; what was not measured is left out."""
    rows = [row(target) for target in TARGETS]
    return {
        "Figures to reach": pd.DataFrame([found for found in rows if found]),
        f"90 % intervals that hold {LEAST_HELD:.0%} to {MOST_HELD:.0%} of the values": pd.DataFrame(intervals()),
    }


def row(target: Target) -> dict[str, str]:
    """A target beside what was reached; empty where the benchmark was not run."""
    own = lines(target)
    reached, (rival, best) = figure(target, own, target.ours), best_rival(target, own)
    if not reached or (target.above and not rival):
        return {}
    goal, sign = target.goal + (best if target.above else 0.0), 1 if target.less else -1
    met = sign * reached["mean"] <= sign * goal + 1e-9
    return {
        "protocol": target.protocol,
        "best known": target.known or (f"{rival} {best:.{target.digits}f}" if rival else ""),
        "target": f"{'≤' if target.less else '≥'} {goal:.{target.digits}f}",
        "reached": shown(reached, target.digits),
        "": "met" if met else "missed",
        "tried": "" if met else target.tried,
    }


def best_rival(target: Target, results: Sequence[Any]) -> tuple[str, float]:
    """The name and the figure of the best model that is no oracle and not ours; no name: there is none."""
    ours, sign = target.ours.partition(",")[0], 1 if target.less else -1
    names = sorted({line["model"] for line in results} - set(ORACLES))
    rivals = [name for name in names if name.startswith(target.above) and not name.startswith(ours)]
    found = {name: figure(target, results, name)["mean"] for name in rivals}
    return min(found.items(), key=lambda item: sign * item[1], default=("", 0.0))


def figure(target: Target, results: Sequence[Any], model: str) -> dict[str, float]:
    """The mean over the lines of a model, or the worst of them, and half the width of its interval; empty: no line."""
    found = [interval_in(line, target.keys) for line in results if line["model"] == model]
    if not found:
        return {}
    if target.worst:
        return sorted(found, key=lambda one: one["mean"])[-1 if target.less else 0]
    half = np.sqrt(sum(one["half"] ** 2 for one in found)) / len(found)
    return {"mean": float(np.mean([one["mean"] for one in found])), "half": float(half)}


def lines(target: Target) -> list[Any]:
    """The lines of the results that a target is about, of all models that have its figure."""
    return [
        line
        for line in written(target.benchmark)
        if target.keys[0] in line and all(said(line[key], value) for key, value in target.where.items())
    ]


def said(word: Any, value: Any) -> bool:
    """Whether a line says a value, or one of several."""
    return word in value if isinstance(value, tuple) else word == value


def interval_in(line: Any, keys: Sequence[str]) -> dict[str, float]:
    """A figure of a line, with its interval where it has one."""
    for key in keys:
        line = line[key]
    if not isinstance(line, Mapping):
        return {"mean": float(line), "half": 0.0}
    return {"mean": line["geometric"] if "geometric" in line else line["mean"], "half": line.get("half", 0.0)}


def intervals() -> Iterator[dict[str, str]]:
    """How many values the intervals hold in each protocol: a mean over its cases, the least and the most of them."""
    for name in RATED:
        shares: dict[tuple[str, str], list[float]] = {}
        for line in written(name):
            if held := line.get("covered90") or line.get("0.9"):
                words = [name, *(line[part] for part in PARTS if part in line)]
                count = "" if "protocol" in line else str(measurements(line))  # its words say how many
                shares.setdefault((", ".join(words), count), []).append(held["mean"])
        for (protocol, count), own in shares.items():
            mean, met = float(np.mean(own)), LEAST_HELD <= np.mean(own) <= MOST_HELD
            reached = {"hold": f"{mean:.2f}", "cases": f"{min(own):.2f} to {max(own):.2f}"}
            yield {"protocol": protocol, "measured": count, **reached, "": "met" if met else "missed"}
