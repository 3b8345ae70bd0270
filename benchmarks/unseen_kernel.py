"""A kernel never read: the exhaustive Triton tutorial matmul, and what one tuned size teaches about the next.

python benchmarks/unseen_kernel.py [--checkpoints FOLDER]

The surrogate was trained without that kernel (`make leave-out`); it has read Inductor's mm, whose names of fields it
shares. It ranks all configurations of a size that run, about 4,500, unasked and after n random ones of the nearest
other size were measured. slowdown@k is the best of the first k over the best of all. *Interleaved*: what was learnt
pooled with what the model says alone, and that alone, name the next configuration in turn (`rank` with `pooled_value`
and `unadapted_value`). *Spills last*:
configurations that are sure to spill registers come behind the others, as `rlm_prune` ranks them
(`launch_limits.spill`). Baselines: the one that is best on average over the *other* sizes, all measured; boosted trees
on Inductor's mm on the same device; models of the numbers of a configuration, fitted to the same n.

Two things to know. That a kernel of a new name is read as the known one most like it (`Knowledge.read_as`) was decided
on this very kernel. And what is observed as a slowdown is over the best of all configurations, which a user who has
measured n does not know: it matters to the intervals, not to the ranking.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from few_shot import FewShot, draw, interleaved, reliability
from intervals import interval, shown
from leave_out import CHECKPOINTS
from measured_shapes import config
from measured_tables import kernel_frame
from numpy.typing import NDArray
from ranks import rank
from scipy.stats import rankdata
from tables import show
from tabular_models import fitted, forest, gaussian_process, plain
from unseen_shapes import divided, trees

from prerank.search_spaces import kernel_configs
from prerank.search_spaces.launch_limits import limits, spill
from prerank.surrogate.metrics import slowdown_at

Floats = NDArray[np.float64]

KERNEL, DEVICE = "triton_matmul_tutorial_fp16", "NVIDIA A100"
SIZES = (1024, 2048, 3072, 4096)
"""The sizes that are asked; the table has 512 too, which may be measured but is too short to matter."""
SAMPLES = (20, 100)
FIRST = (1, 5, 10, 20)
METRICS = ("slowdown", "latency_ms")
OURS = tuple(f"prerank, {metric}" for metric in METRICS)
MODELS: dict[str, Callable[[], Any]] = {"random forest": forest, "Gaussian process": gaussian_process}


@dataclass(frozen=True)
class Size:
    """The configurations of one size that run, N of them.

    Args:
        size: Rows and columns of the matrices.
        configs: The configurations, as the table has them.
        times: Milliseconds, (N,).
        checkpoint: What reads them.
    """

    size: int
    configs: list[str]
    times: Floats
    checkpoint: Path

    @cached_property
    def texts(self) -> list[str]:
        """The configurations."""
        return [kernel_configs.to_text(kernel_configs.from_record(config)) for config in self.configs]

    @cached_property
    def slowdowns(self) -> Floats:
        """Times over the best one, (N,)."""
        return self.times / self.times.min()

    @cached_property
    def spilled(self) -> NDArray[np.bool_]:
        """Which are sure to spill registers, (N,)."""
        words = [config(text).all_kwargs() for text in self.configs]
        fields = [{kernel_configs.field(name): value for name, value in own.items()} for own in words]
        return np.array([spill(own, limits(DEVICE)) is not None for own in fields])

    def values(self, metric: str) -> Floats:
        """What a metric measures, (N,)."""
        return self.slowdowns if metric == "slowdown" else self.times

    @cached_property
    def read(self) -> dict[str, FewShot]:
        """What the surrogate makes of them, for each metric."""
        problems = {name: kernel_configs.problem(KERNEL, DEVICE, f"M=N=K={self.size}", name) for name in METRICS}
        return {name: FewShot(self.checkpoint, p, self.texts, self.values(name)) for name, p in problems.items()}


def main() -> None:
    """Measure, print, write."""
    parser = command_line(__doc__, __file__)
    parser.set_defaults(checkpoint=CHECKPOINTS / "cells_201")
    parser.add_argument("--seeds", type=int, default=10)
    arguments = parser.parse_args()
    frame = kernel_frame(arguments.data)
    sizes = [size_of(problem, rows, arguments.checkpoint) for problem, rows in tutorial(frame).groupby("problem")]
    results = [result for size in sizes if size.size in SIZES for result in measured(size, sizes, frame, arguments)]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def tutorial(frame: Any) -> Any:
    """The kernel's rows that run."""
    return frame[(frame["kernel"] == KERNEL) & frame["ms"].notna()]


def size_of(problem: Any, rows: Any, checkpoint: Path) -> Size:
    """One size, read off the table, which is sorted by time: shuffled, so that ties say nothing."""
    rows = rows.sample(frac=1, random_state=0)
    times = rows["ms"].to_numpy(dtype=np.float64)
    return Size(int(str(problem).rsplit("=", 1)[1]), rows["config"].tolist(), times, checkpoint)


def nearest(size: Size, sizes: list[Size]) -> Size:
    """The other size that is nearest by its logarithm."""
    others = [other for other in sizes if other.size != size.size and other.size in SIZES]
    return min(others, key=lambda other: abs(np.log(other.size / size.size)))


def measured(size: Size, sizes: list[Size], frame: Any, arguments: Any) -> Iterator[dict[str, Any]]:
    """All models on one size."""
    rng = np.random.default_rng(0)
    yield summary(size, "random", 0, [rng.random(len(size.texts)) for _ in range(arguments.seeds)])
    yield summary(size, "best on average over other sizes", 0, [average(size, sizes)])
    yield summary(size, "boosted trees on Inductor's mm", 0, [transferred(size, frame)])
    other = nearest(size, sizes)
    for metric in METRICS:
        yield from surrogate(size, other, metric, arguments.seeds)
    for n in SAMPLES:
        for name, model in MODELS.items():
            fits = [asked_of(model(), other, size, draw(len(other.texts), n, s)) for s in range(arguments.seeds)]
            yield summary(size, f"{name} on numbers", n, fits)


def surrogate(size: Size, other: Size, metric: str, seeds: int) -> Iterator[dict[str, Any]]:
    """The surrogate without measurements, and after n of another size."""
    name, asked, values = f"prerank, {metric}", size.read[metric], size.values(metric)
    yield summary(size, name, 0, [asked.prior.mean]) | reliability([(asked.prior, values)])
    yield summary(size, f"{name}, spills last", 0, [last(size, asked.prior.mean)])
    for n in SAMPLES:
        after = [learnt for learnt, _ in other.read[metric].after(n, seeds, asked)]
        held = reliability([(learnt, values) for learnt in after])
        yield summary(size, name, n, [learnt.mean for learnt in after]) | held
        turns = [interleaved(learnt) for learnt in after]
        yield summary(size, f"{name}, interleaved", n, turns)
        yield summary(size, f"{name}, interleaved, spills last", n, [last(size, turn) for turn in turns])


def last(size: Size, scores: Floats) -> Floats:
    """Places in a ranking that has what spills behind the others, (N,)."""
    return rankdata(scores, "ordinal") + len(scores) * size.spilled


def average(size: Size, sizes: list[Size]) -> Floats:
    """Mean logarithm of the slowdown of each configuration over the other sizes; what ran nowhere comes last."""
    logarithms = [pd.Series(np.log(o.slowdowns), index=o.configs) for o in sizes if o.size != size.size]
    means: Any = pd.concat(logarithms, axis=1).mean(axis=1)
    return means.reindex(size.configs).fillna(np.inf).to_numpy(dtype=np.float64)


def transferred(size: Size, frame: Any) -> Floats:
    """Boosted trees that learnt the slowdowns of Inductor's mm on this device, all its training shapes."""
    train, _ = divided(frame, "triton_mm", DEVICE)
    problem = next(text for text in train["problem"].unique() if "mat1_dtype=float16" in text)
    own = re.sub(r"\b(m|n|k|mat\d_stride_[01])=(?!1\b)\d+", rf"\1={size.size}", problem)
    configs = [config.replace("BLOCK_SIZE", "BLOCK") for config in size.configs]
    return trees(train)(pd.DataFrame({"problem": own, "config": configs}))


def asked_of(model: Any, known: Size, size: Size, rows: NDArray[np.intp]) -> Floats:
    """A model of the numbers of some configurations of one size, asked about another."""
    columns = plain([*known.texts, *size.texts])
    count = len(known.texts)
    return fitted(model, columns[:count], np.log(known.slowdowns), rows, columns[count:])


def summary(size: Size, model: str, n: int, scores: list[Floats]) -> dict[str, Any]:
    """One line of the results: rankings, one a seed."""
    at = {f"slowdown@{k}": interval(slowdown_at(k, score, size.times) for score in scores) for k in FIRST}
    ranks = interval(rank(score, size.times) for score in scores)
    return {"size": size.size, "model": model, "samples": n, **at, "spearman": ranks}


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text: slowdown@10 by size, and means over the sizes."""
    lines: list[dict[str, str]] = []
    for model, n in dict.fromkeys((result["model"], result["samples"]) for result in results):
        own = [result for result in results if (result["model"], result["samples"]) == (model, n)]
        each = {f"@10, {result['size']}": shown(result["slowdown@10"]) for result in own}
        means = {f"@{k}": f"{np.mean([result[f'slowdown@{k}']['mean'] for result in own]):.3f}" for k in FIRST}
        rank = f"{np.mean([result['spearman']['mean'] for result in own]):.2f}"
        held = [result["covered90"]["mean"] for result in own if "covered90" in result]
        covered = f"{np.mean(held):.2f}" if held else ""
        lines.append({"model": model, "measured": str(n), **each, **means, "Spearman": rank, "90 % hold": covered})
    return {"Tutorial matmul on an A100, never read: slowdown of the best of the first k": pd.DataFrame(lines)}


def plot(results: list[dict[str, Any]], axes: Any) -> None:
    """Time lost by the best of the first k, a mean over the sizes."""
    shown_models = ("best on average over other sizes", "boosted trees on Inductor's mm", *OURS)
    kept = [r for r in results if r["model"] in shown_models or r["samples"] == SAMPLES[-1]]
    for model, n in dict.fromkeys((result["model"], result["samples"]) for result in kept):
        own = [result for result in kept if (result["model"], result["samples"]) == (model, n)]
        lost = [100 * (np.mean([result[f"slowdown@{k}"]["mean"] for result in own]) - 1) for k in FIRST]
        label = f"{model}, {n} measured" if n else model
        axes.plot(FIRST, lost, marker="o", label=label, linewidth=3 if model in OURS else 1)
    axes.set_xticks(FIRST)
    axes.set_ylim(0, 60)
    axes.set(xlabel="configurations run", ylabel="time lost against the best, %", title="A matmul never read")
    axes.legend(fontsize="small")


if __name__ == "__main__":
    main()
