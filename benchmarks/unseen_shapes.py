"""Matrix products of shapes never seen: which configuration is fastest (Inductor's templates mm and mixed_mm).

python benchmarks/unseen_shapes.py [--checkpoint FOLDER]

Models rank the measured configurations of each shape with ``split=test``. slowdown@k is the best of the k ranked first
over the best of the shape, a geometric mean over shapes. Boosted trees, a random forest and a Gaussian process learn
the logarithm of the slowdown from the logarithms of all numbers of shape and configuration, of the training shapes of
the same device; the Gaussian process, whose cost is cubic, from 2,000 of those rows.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from intervals import interval
from measured_tables import kernel_frame, ran
from numpy.typing import NDArray
from ranks import rank
from rich.progress import track
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestRegressor
from tables import show
from tabular_models import gaussian_process, learnt

from prerank.search_spaces import kernel_configs
from prerank.surrogate import Prediction, RLMSurrogate
from prerank.surrogate.metrics import coverage, slowdown_at

Floats = NDArray[np.float64]
Predict = Callable[[Any], Floats]
"""The rows of one shape -> a score of each, the least one first."""

CASES = [(kernel, device) for kernel in ("triton_mm", "triton_mixed_mm") for device in ("NVIDIA A100", "NVIDIA H100")]
PROCESSED = 2_000
"""Rows of which a Gaussian process learns."""


def main() -> None:
    """Measure, print, write."""
    arguments = parse()
    frame = kernel_frame(arguments.data)
    results = [result for case in CASES for result in measured(frame, *case, arguments)]
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = command_line(__doc__, __file__)
    parser.add_argument("--shapes", type=int, default=10_000, help="most test shapes of a case")
    return parser.parse_args()


def measured(frame: Any, kernel: str, device: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """All models on one kernel and device."""
    train, shapes = divided(frame, kernel, device)
    shapes = shapes[: arguments.shapes]
    surrogate = RLMSurrogate.load(arguments.checkpoint)
    reliable: list[list[float]] = []
    rng = np.random.default_rng(0)
    models: dict[str, Predict] = {
        "random": lambda shape: rng.random(len(shape)),
        "best on average": average(train),
        "boosted trees": trees(train),
        "random forest": regressed(train, RandomForestRegressor(100, n_jobs=-1, random_state=0)),
        "Gaussian process": regressed(train.sample(PROCESSED, random_state=0), gaussian_process()),
        "prerank": asked(surrogate, kernel, device, reliable),
    }
    found = [summary(kernel, device, name, predict, shapes) for name, predict in models.items()]
    halves, nineties, trust = (interval(shares) for shares in zip(*reliable, strict=True))
    return [*found[:-1], found[-1] | {"covered50": halves, "covered90": nineties, "trust": trust}]


def divided(frame: Any, kernel: str, device: str) -> tuple[Any, list[Any]]:
    """Rows of the training shapes, and rows of each test shape, with their slowdown."""
    rows = ran(frame, kernel, device)
    train, test = rows[rows["split"] == "train"], rows[rows["split"] == "test"]
    return train, [shape for _, shape in test.groupby("problem", sort=True)]


def average(train: Any) -> Predict:
    """Mean logarithm of the slowdown of each configuration over the training shapes; unknown ones come last."""
    means: Any = np.log(train["slowdown"]).groupby(train["config"]).mean()

    def predict(shape: Any) -> Floats:
        return shape["config"].map(means).fillna(np.inf).to_numpy(dtype=np.float64)

    return predict


def trees(train: Any) -> Predict:
    """Boosted trees on numbers."""
    return regressed(train, HistGradientBoostingRegressor(max_iter=500, max_leaf_nodes=63, random_state=0))


def regressed(train: Any, model: Any) -> Predict:
    """A model of scikit-learn on numbers."""
    columns = numbers(train)
    scaled = learnt(model, columns, np.log(train["slowdown"]))

    def predict(shape: Any) -> Floats:
        return scaled.predict(numbers(shape).reindex(columns=columns.columns, fill_value=0.0))

    return predict


def numbers(rows: Any) -> Any:
    """Logarithms of all numbers of problem and configuration, products that decide the work, and the types."""
    cache: dict[str, dict[str, float]] = {}
    for text in [*rows["problem"].unique(), *rows["config"].unique()]:
        cache[text] = dict(map(number, text.split()))
    frame = pd.DataFrame([cache[p] | cache[c] for p, c in zip(rows["problem"], rows["config"], strict=True)])
    for size, block in (("m", "BLOCK_M"), ("n", "BLOCK_N"), ("k", "BLOCK_K")):
        frame[f"tiles_{size}"] = frame[size] - frame[block]
    return frame.assign(tiles=frame["tiles_m"] + frame["tiles_n"], block=frame["BLOCK_M"] + frame["BLOCK_N"])


def number(assignment: str) -> tuple[str, float]:
    """Name and logarithm of the value; what is no number is told apart by its length."""
    name, value = assignment.split("=")
    try:
        return name, float(np.log2(max(float(value), 0.5)))
    except ValueError:
        return name, float(len(value))


def asked(surrogate: RLMSurrogate, kernel: str, device: str, reliable: list[list[float]]) -> Predict:
    """The surrogate, which also notes how often its intervals hold, and its trust."""

    def predict(shape: Any) -> Floats:
        prediction = answer(surrogate, kernel, device, shape)
        slowdowns = shape["slowdown"].to_numpy(dtype=np.float64)
        held = [coverage(prediction, slowdowns, level) for level in (0.5, 0.9)]
        reliable.append([*held, float(prediction.trust.mean())])
        return prediction.mean

    return predict


def answer(surrogate: RLMSurrogate, kernel: str, device: str, shape: Any) -> Prediction:
    """Slowdowns of the configurations of one shape."""
    problem = kernel_configs.problem(kernel, device, shape["problem"].iloc[0])
    texts = [kernel_configs.to_text(kernel_configs.from_record(config)) for config in shape["config"]]
    return surrogate.predict(problem, texts)


def summary(kernel: str, device: str, model: str, predict: Predict, shapes: list[Any]) -> dict[str, Any]:
    """Slowdowns and rank correlation over the shapes."""
    scores = [(predict(shape), shape["ms"].to_numpy()) for shape in track(shapes, f"{kernel}, {model}", transient=True)]
    found: dict[str, Any] = {"kernel": kernel, "device": device, "model": model}
    for k in (1, 5):
        slowdowns = [slowdown_at(k, predicted, times) for predicted, times in scores]
        found[f"slowdown@{k}"] = {
            **interval(np.log(slowdowns)),
            "geometric": round(float(np.exp(np.mean(np.log(slowdowns)))), 4),
            "p95": round(float(np.quantile(slowdowns, 0.95)), 4),
        }
    return found | {"spearman": interval(rank(*score) for score in scores if np.ptp(score[1]) > 0)}


def tables(results: list[dict[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    return {"Configurations of unseen shapes": pd.DataFrame([line(result) for result in results])}


def line(result: dict[str, Any]) -> dict[str, str]:
    """One model on one kernel and device."""
    cells = {key: result[key] for key in ("kernel", "device", "model")}
    for key in ("slowdown@1", "slowdown@5"):
        found = result[key]
        cells |= {key: f"{found['geometric']:.3f} ± {found['half']:.3f}", f"p95 of {key[-2:]}": f"{found['p95']:.2f}"}
    held = f"{result['covered90']['mean']:.2f}" if "covered90" in result else ""
    return cells | {"Spearman": f"{result['spearman']['mean']:.3f}", "90 % intervals hold": held}


def plot(results: list[dict[str, Any]], axes: Any) -> None:
    """Time lost by running the configuration that each model ranks first."""
    cases = list(dict.fromkeys((result["kernel"], result["device"]) for result in results))
    models = list(dict.fromkeys(result["model"] for result in results if result["model"] != "random"))
    for place, model in enumerate(models):
        own = [result["slowdown@1"]["geometric"] for result in results if result["model"] == model]
        axes.bar(np.arange(len(cases)) + 0.16 * place, 100 * (np.array(own) - 1), width=0.16, label=model)
    axes.set_xticks(np.arange(len(cases)) + 0.32, ["\n".join(case) for case in cases])
    axes.set(ylabel="time lost against the best, %", title="First choice on unseen shapes")
    axes.legend()


if __name__ == "__main__":
    main()
