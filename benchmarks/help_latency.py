"""Latency on devices never seen, from a few measurements: the protocols of HELP (Lee et al. 2021, arXiv:2106.08630).

python benchmarks/help_latency.py [--checkpoint FOLDER]

Each model gets n random architectures measured on an unseen device and ranks 1,500 of the table, drawn once. The
surrogate is the shipped checkpoint, which has read other devices; *nine devices* is one that has read 900 architectures
on HELP's nine source devices and nothing else (`make leave-out`). *Trees on fields and devices* learn from 900
architectures on these nine too, which they tell apart by the facts of the devices; the n measured ones weigh as much as
one of the nine, each device's latencies are over their geometric mean, and there are three draws. So that baselines are
better off still, two of them get the true latencies on the nine devices, for every architecture, which nobody has in
practice. Figures are Spearman's correlation.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from few_shot import FewShot, draw, reliability, unmeasured
from intervals import interval, shown
from measured_rows import table_file
from network_features import stated_numbers
from numpy.typing import NDArray
from ranks import rank
from tables import show
from tabular_models import LEAF, boosted, fitted, forest, gaussian_process, logarithm, plain, ridge

from prerank.search_spaces import fbnet, nas_bench_201
from prerank.search_spaces.devices import measured_on

Floats = NDArray[np.float64]
Predict = Callable[[NDArray[np.intp]], Floats]
"""Rows that are measured -> a score of every row."""

SOURCES = (
    "1080ti_1",
    "1080ti_32",
    "silver_4114",
    "silver_4210r",
    "samsung_a50",
    "pixel3",
    "essential_ph_1",
    "samsung_s7",
)
SPACES: dict[str, tuple[Any, str, str, tuple[str, ...]]] = {
    "NAS-Bench-201": (
        nas_bench_201,
        "nas_bench_201.csv.gz",
        "1080ti_256",
        ("titan_rtx_256", "gold_6226", "fpga", "pixel2", "raspi4", "eyeriss"),
    ),
    "FBNet": (fbnet, "fbnet.csv.gz", "1080ti_64", ("fpga", "raspi4", "eyeriss")),
}
"""Name -> module, table, the ninth source device, the unseen devices."""
SOURCE_ARCHITECTURES = 900
"""Architectures of each space that are known on the source devices, as in HELP."""
SAMPLES = (3, 10, 30, 100)
NINE = Path(__file__).parents[1] / "runs" / "leave_out" / "help"
OURS = "prerank"
TREES = "boosted trees on fields"
SOURCED, SOURCED_SEEDS = "trees on fields and devices", 3
"""Trees that learn from the source devices too, and their draws: a fit takes a second."""


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    results = [result for name in SPACES for device in SPACES[name][3] for result in measured(name, device, arguments)]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--nine", type=Path, default=NINE, help="checkpoint trained on nine devices alone, if there is")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--architectures", type=int, default=1_500, help="that are ranked, drawn once")
    return parser.parse_args()


def measured(name: str, device: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All models on one device, at all sample sizes."""
    space, file, ninth, _ = SPACES[name]
    table: Any = pd.read_csv(table_file(arguments.data, f"nas/{file}"))
    frame = table.sample(min(arguments.architectures, len(table)), random_state=0)
    latency: Floats = frame[f"latency_ms_{device}"].to_numpy(dtype=np.float64)
    sources: Floats = frame[[f"latency_ms_{source}" for source in (*SOURCES, ninth)]].to_numpy(dtype=np.float64)
    texts = texts_of(space, frame)
    models: dict[str, Predict] = {
        "parameters": lambda rows: total(texts, "params_m"),
        "multiply-accumulates": lambda rows: total(texts, "macs_m"),
        "ridge on fields": regressed(ridge, plain(texts), latency),
        "random forest on fields": regressed(forest, plain(texts), latency),
        TREES: regressed(boosted, plain(texts), latency),
        "Gaussian process on fields": regressed(gaussian_process, plain(texts), latency),
        SOURCED: sourced(space, table, (*SOURCES, ninth), device, texts, latency),
        "ridge on true sources": regressed(ridge, logarithm(sources), latency),
        "ridge on true sources and fields": regressed(ridge, np.hstack([logarithm(sources), plain(texts)]), latency),
    }
    results = [
        summary(name, device, model, n, [scored(predict, latency, n, seed) for seed in range(seeds)])
        for model, predict in models.items()
        for seeds in [min(SOURCED_SEEDS, arguments.seeds) if model == SOURCED else arguments.seeds]
        for n in SAMPLES
        if model != TREES or n >= 2 * LEAF  # fewer cannot be split
    ]
    problem = space.problem("latency_ms", device=device)
    return results + surrogates(name, device, problem, texts, latency, arguments)


def surrogates(
    name: str, device: str, problem: Any, texts: list[str], latency: Floats, arguments: argparse.Namespace
) -> list[dict[str, Any]]:
    """The surrogates without measurements and after n of them, and how often their intervals hold."""
    results: list[dict[str, Any]] = []
    nine = {f"{OURS}, nine devices": arguments.nine} if arguments.nine.exists() else {}
    for model, checkpoint in ({OURS: arguments.checkpoint} | nine).items():
        read, case = FewShot(checkpoint, problem, texts, latency), {"space": name, "device": device, "model": model}
        results.append(case | {"samples": 0} | reliability([(read.prior, latency)]))
        for n in SAMPLES:
            after = list(read.after(n, arguments.seeds))
            ranks = interval(rank(prediction.mean, latency) for prediction, _ in after)
            results.append(case | {"samples": n} | reliability(unmeasured(after, latency)) | {"spearman": ranks})
    return results


def scored(predict: Predict, latency: Floats, n: int, seed: int) -> float:
    """Rank correlation over all architectures, the measured ones too, as in HELP."""
    return rank(predict(draw(len(latency), n, seed)), latency)


def regressed(model: Callable[[], Any], features: Floats, latency: Floats) -> Predict:
    """A model of the logarithm of the latency."""

    def predict(rows: NDArray[np.intp]) -> Floats:
        return fitted(model(), features, logarithm(latency), rows)

    return predict


def sourced(space: Any, table: Any, sources: Sequence[str], device: str, texts: list[str], latency: Floats) -> Predict:
    """Boosted trees that learn from the source devices too, by the fields of architectures and the facts of devices."""
    known = table.sample(min(SOURCE_ARCHITECTURES, len(table)), random_state=1)
    read = [f"{text} {measured_on(source)}" for source in sources for text in texts_of(space, known)]
    columns, count = plain([*read, *(f"{text} {measured_on(device)}" for text in texts)]), len(read)
    values = [centred(known[f"latency_ms_{source}"].to_numpy(dtype=np.float64)) for source in sources]

    def predict(rows: NDArray[np.intp]) -> Floats:
        seen = np.concatenate([columns[:count], columns[count:][rows]])
        weights = np.repeat([1.0, len(known) / len(rows)], [count, len(rows)])
        model = boosted().fit(seen, np.concatenate([*values, centred(latency[rows])]), sample_weight=weights)
        return model.predict(columns[count:])

    return predict


def centred(latency: Floats) -> Floats:
    """Logarithms less their mean."""
    return logarithm(latency) - logarithm(latency).mean()


def texts_of(space: Any, frame: Any) -> list[str]:
    """The architectures of a table."""
    return [space.to_text(space.from_record(arch)) for arch in frame["arch"]]


def total(texts: list[str], name: str) -> Floats:
    """A total that each text states."""
    return np.array([stated_numbers(text)[name] for text in texts])


def summary(space: str, device: str, model: str, n: int, ranks: list[float]) -> dict[str, Any]:
    """One line of the results."""
    return {"space": space, "device": device, "model": model, "samples": n, "spearman": interval(ranks)}


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text: devices across, and their mean."""
    names = dict.fromkeys(result["space"] for result in results)
    return {f"{name}: Spearman on unseen devices": across([r for r in results if r["space"] == name]) for name in names}


def across(results: list[dict[str, Any]]) -> Any:
    """Devices across, and their mean."""
    lines: list[dict[str, str]] = []
    for model, n in dict.fromkeys((result["model"], result["samples"]) for result in results):
        own = [result for result in results if (result["model"], result["samples"]) == (model, n)]
        mean = np.mean([result["spearman"]["mean"] for result in own])
        cells = {result["device"]: shown(result["spearman"]) for result in own}
        held = [result["covered90"]["mean"] for result in own if "covered90" in result]
        covered = f"{np.mean(held):.2f}" if held else ""
        lines.append(
            {"model": model, "measured": str(n), **cells, "mean": f"{mean:.3f}", "90 % intervals hold": covered}
        )
    return pd.DataFrame(lines)


def plot(results: list[dict[str, Any]], axes: Any) -> None:
    """Rank correlation over the number of measurements, a mean over the devices of NAS-Bench-201."""
    own = [result for result in results if result["space"] == "NAS-Bench-201"]
    for model in dict.fromkeys(result["model"] for result in own):
        sizes = [n for n in (0, *SAMPLES) if any((r["model"], r["samples"]) == (model, n) for r in own)]
        ranks = [[r["spearman"]["mean"] for r in own if (r["model"], r["samples"]) == (model, n)] for n in sizes]
        axes.plot(sizes, np.mean(ranks, axis=1), marker="o", label=model, linewidth=3 if model == OURS else 1)
    axes.set_xscale("symlog", linthresh=3)
    axes.set_xticks((0, *SAMPLES), [str(n) for n in (0, *SAMPLES)])
    axes.set(xlabel="measurements on the device", ylabel="Spearman", title="NAS-Bench-201 on unseen devices")
    axes.legend(fontsize="small")


if __name__ == "__main__":
    main()
