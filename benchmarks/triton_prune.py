"""rlm_prune on measured kernels: what the kept configurations lose, and what tuning costs.

python benchmarks/triton_prune.py [--shapes 10000]

slowdown@k: the best of k kept configurations over the best of the shape, over the shapes. Configurations stand in the
order of their texts; the user's default, the first one, is always among rlm_prune's k. `tuned shape`: after all
configurations of the nearest other shape were measured; `20`, `100`: after so many random ones of it. The bare
rlm_prune chooses how many it keeps. Tuning costs compilation (as measured for the tutorial's product, its median for
the others) and 0.125 s a configuration; what the surrogate takes is added. The tutorial's product is asked of weights
that never read it, where `python benchmarks/leave_out.py cells_201` has trained them; averages and trees learn from its
other sizes.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from intervals import interval
from leave_out import CHECKPOINTS
from measured_shapes import Shape, nearest_other, shapes_of
from measured_tables import kernel_frame, ran
from numpy.typing import NDArray
from rich.progress import track
from tables import show
from unseen_shapes import CASES, average, divided, trees

from prerank.integrations.triton_forecast import Forecast
from prerank.integrations.triton_measurements import Measurement
from prerank.integrations.triton_selection import Outlook, select
from prerank.search_spaces.devices import find
from prerank.search_spaces.launch_limits import limits, obstacle, spill
from prerank.surrogate import RLMSurrogate

Floats = NDArray[np.float64]
Keep = Callable[[Shape, "int | None"], "set[int]"]
"""Shape, how many -> places that are kept; None: as many as the model likes."""

TUTORIAL = "triton_matmul_tutorial_fp16"
SIZES = (1, 3, 5, 8, 10, 20)


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    frame = kernel_frame(arguments.data)
    cases = [*CASES, (TUTORIAL, "NVIDIA A100")]
    results = [row for case in cases if case[0] in arguments.kernels for row in measured(frame, *case, arguments)]
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    show(tables(results))


def parse() -> argparse.Namespace:
    """Command line."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--shapes", type=int, default=10_000, help="most test shapes of a case")
    parser.add_argument("--kernels", nargs="*", default=["triton_mm", "triton_mixed_mm", TUTORIAL])
    return parser.parse_args()


def measured(frame: Any, kernel: str, device: str, arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """All models on one kernel and device."""
    rows = frame[(frame["kernel"] == kernel) & (frame["device"] == device)]
    compile_seconds = float(frame["compile_time"].median())
    shapes = shapes_of(rows if kernel == TUTORIAL else rows[rows["split"] == "test"], compile_seconds)
    asked = spread(shapes, arguments.shapes)
    for name, keep in models(frame, kernel, device, shapes, arguments).items():
        yield {"kernel": kernel, "device": device, "model": name} | summary(name, keep, asked)


def spread(shapes: Sequence[Shape], most: int) -> list[Shape]:
    """At most so many shapes, evenly over all of them."""
    places = np.linspace(0, len(shapes) - 1, min(most, len(shapes))).round().astype(int).tolist()
    return [shapes[place] for place in places]


def models(
    frame: Any, kernel: str, device: str, shapes: Sequence[Shape], arguments: argparse.Namespace
) -> dict[str, Keep]:
    """What chooses."""
    rng, forecast = np.random.default_rng(0), Forecast(RLMSurrogate.load(checkpoint(kernel, arguments)))
    ours = {
        name: RLM(forecast, shapes, count)
        for name, count in (("", 0), (", 20", 20), (", 100", 100), (", tuned shape", None))
        if count != 100 or min(len(shape.times) for shape in shapes) > 100
    }
    return {
        "random": lambda shape, k: kept_first(rng.permutation(len(shape.times)).tolist(), k),
        "first": lambda shape, k: kept_first(range(len(shape.times)), k),
        "roofline": lambda shape, k: kept_first(np.argsort(roofline(shape), kind="stable").tolist(), k),
        **learnt(frame, kernel, device),
        **{f"rlm_prune{name}": keep for name, keep in ours.items()},
    }


def checkpoint(kernel: str, arguments: argparse.Namespace) -> Any:
    """The checkpoint that is asked: for the tutorial's product one that has not read it (see leave_out.py)."""
    return CHECKPOINTS / "cells_201" if arguments.checkpoint is None and kernel == TUTORIAL else arguments.checkpoint


def learnt(frame: Any, kernel: str, device: str) -> dict[str, Keep]:
    """Best on average and boosted trees; on the tutorial's product they learn from all sizes but the one asked."""
    rows = ran(frame, kernel, device)
    fitted: dict[tuple[str, str], Any] = {}

    def keep(make: Any, shape: Shape, k: int | None) -> set[int]:
        fold = shape.problem if kernel == TUTORIAL else ""
        if (make.__name__, fold) not in fitted:
            train = rows[rows["problem"] != fold] if fold else divided(frame, kernel, device)[0]
            fitted[make.__name__, fold] = make(spelt(train))
        scores: Floats = fitted[make.__name__, fold](spelt(shape.rows))
        return kept_first(np.argsort(scores, kind="stable").tolist(), k)

    return {"best on average": partial(keep, average), "boosted trees": partial(keep, trees)}


def spelt(rows: Any) -> Any:
    """Rows with the names that `unseen_shapes.numbers` reads."""
    problem = rows["problem"].str.replace(r"^M=N=K=(\d+)$", r"m=\1 n=\1 k=\1", regex=True)
    return rows.assign(problem=problem, config=rows["config"].str.replace("BLOCK_SIZE_", "BLOCK_"))


def kept_first(order: Sequence[int], k: int | None) -> set[int]:
    """The first k of an order; a model that does not choose how many keeps all."""
    return set(order[:k])


class RLM:
    """What rlm_prune keeps after measurements of the nearest other shape.

    Args:
        forecast: Asks the surrogate.
        shapes: All shapes.
        count: How many random measurements of the other shape; None: all of them.
    """

    def __init__(self, forecast: Forecast, shapes: Sequence[Shape], count: int | None) -> None:
        self._forecast, self._shapes, self._count = forecast, shapes, count
        self._known: dict[str, Outlook] = {}
        self.seconds: list[float] = []

    def __call__(self, shape: Shape, k: int | None) -> set[int]:
        """The kept places of a shape; it is asked once for all k."""
        if shape.problem not in self._known:
            started = time.process_time()
            others = measurements(nearest_other(shape, self._shapes), self._count) if self._count != 0 else []
            self._known[shape.problem] = self._forecast.after(others, shape.tuning, possible(shape), spilled(shape))
            self.seconds.append(time.process_time() - started)
        found = self._known[shape.problem]
        return set(select(found.order, {0}, len(shape.times), k, found.trust))


def measurements(shape: Shape, count: int | None) -> list[Measurement]:
    """A shape's measurements, or some random ones."""
    places = np.random.default_rng(0).permutation(len(shape.times))[:count].tolist()
    launch, words = shape.tuning.launch.to_json(), shape.tuning.words
    return [Measurement(launch, words[place], float(shape.times[place])) for place in places]


def possible(shape: Shape) -> list[int]:
    """Places of what may run as rlm_prune sees it, and of the default; sizes count as constants, as Inductor's are."""
    device, sizes = limits(shape.tuning.launch.device), shape.least_itemsizes
    return [place for place, own in enumerate(shape.tuning.fields) if not place or not obstacle(own, device, sizes)]


def spilled(shape: Shape) -> set[int]:
    """Places that `rlm_prune` ranks behind the others, since they are sure to spill registers."""
    device = limits(shape.tuning.launch.device)
    return {place for place, own in enumerate(shape.tuning.fields) if spill(own, device)}


def roofline(shape: Shape) -> Floats:
    """Time of each configuration by arithmetic: waves of tiles, each as long as its arithmetic or its traffic."""
    device = find(shape.tuning.launch.device)
    assert device is not None
    m, n, k = (shape.sizes[name] for name in "mnk")
    fields = shape.tuning.fields
    bm, bn = (np.array([own[name] for own in fields], dtype=np.float64) for name in ("block_m", "block_n"))
    flops, traffic = 2 * bm * bn * k, (bm * shape.itemsizes[0] + bn * shape.itemsizes[1]) * k
    arithmetic = flops / (device.ghz * 1e9 * 2048)  # of tensor cores, a cycle and unit, at 16 bits
    seconds = np.maximum(arithmetic, traffic / ((device.bandwidth or 1) * 1e9 / device.units))
    waves = np.ceil(np.ceil(m / bm) * np.ceil(n / bn) / device.units)
    return np.where(np.isin(np.arange(len(fields)), possible(shape)), waves * seconds, np.inf)


def summary(name: str, keep: Keep, shapes: Sequence[Shape]) -> dict[str, Any]:
    """Slowdowns for each k, then for what rlm_prune chooses to keep itself, with the time of tuning."""
    found: dict[str, Any] = {"shapes": len(shapes)}
    for k in SIZES:
        found[f"slowdown@{k}"] = slowdowns([keep(shape, k) for shape in track(shapes, name, transient=True)], shapes)
    return found | (own_choice(keep, shapes) if isinstance(keep, RLM) else {})


def slowdowns(kept: Sequence[set[int]], shapes: Sequence[Shape]) -> dict[str, float]:
    """Geometric mean, half its interval, 95th percentile, worst; nothing that runs counts as the worst that runs."""
    lost = np.array([shape.slowdown(places) for places, shape in zip(kept, shapes, strict=True)])
    told = {"geometric": np.exp(np.log(lost).mean()), "p95": np.quantile(lost, 0.95), "worst": lost.max()}
    return {key: round(float(value), 4) for key, value in told.items()} | {"half": interval(np.log(lost))["half"]}


def own_choice(keep: RLM, shapes: Sequence[Shape]) -> dict[str, Any]:
    """What the bare rlm_prune keeps: how many, the loss, the time of tuning saved, groups worse than the default."""
    kept, seconds = [keep(shape, None) for shape in shapes], float(np.mean(keep.seconds))
    return {
        "kept": round(float(np.mean([len(places) for places in kept])), 1),
        "of": round(float(np.mean([len(shape.times) for shape in shapes])), 1),
        "own": slowdowns(kept, shapes),
        "faster tuning": faster(kept, shapes, seconds),
        "faster tuning @10": faster([keep(shape, 10) for shape in shapes], shapes, seconds),
        "worse than default": sum(
            shape.slowdown(places) > shape.slowdown({0}) for places, shape in zip(kept, shapes, strict=True)
        ),
        "seconds": round(seconds, 4),
    }


def faster(kept: Sequence[set[int]], shapes: Sequence[Shape], seconds: float) -> float:
    """Time of tuning among all configurations over that among the kept ones and of choosing them."""
    whole = sum(shape.seconds(set(range(len(shape.times)))) for shape in shapes)
    pruned = sum(shape.seconds(places) + seconds for places, shape in zip(kept, shapes, strict=True))
    return round(whole / pruned, 2)


def tables(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    lines = [
        {key: str(row[key]) for key in ("kernel", "device", "model", "shapes")}
        | {f"@{k}": shown(row[f"slowdown@{k}"]) for k in SIZES}
        for row in results
    ]
    own = [
        {key: str(row[key]) for key in ("kernel", "device", "model")}
        | {"kept": f"{row['kept']} of {row['of']}", "slowdown": shown(row["own"])}
        | {"tuning": f"{row['faster tuning']} times faster", "with 10": f"{row['faster tuning @10']} times"}
        | {"worse than default": str(row["worse than default"]), "seconds": str(row["seconds"])}
        for row in results
        if "own" in row
    ]
    return {
        "Slowdown of the best of k: geometric mean, 95th percentile, worst": pd.DataFrame(lines),
        "What rlm_prune keeps by itself": pd.DataFrame(own),
    }


def shown(found: Mapping[str, float]) -> str:
    """One slowdown."""
    return f"{found['geometric']:.3f} {found['p95']:.2f} {found['worst']:.2f}"


if __name__ == "__main__":
    main()
