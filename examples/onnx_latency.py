"""Predict the latency of some networks, measure them with ONNX Runtime, learn from ten, and predict the others again.

python examples/onnx_latency.py [--plot latency.png]

Twenty-five networks of five kinds are built, none of which the surrogate has seen. Nothing is downloaded. What is
called predicted is the median; the mean is larger where an interval is wide.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from rich.table import Table

from prerank.integrations.onnxruntime import Conditions, measure
from prerank.search_spaces import onnx_graph
from prerank.search_spaces.onnx_layers import Layers, Tensor
from prerank.surrogate import Prediction, RLMSurrogate
from prerank.surrogate.metrics import spearman

Floats = NDArray[np.float64]
MEASURED = 10
"""Networks that the surrogate learns from."""


def main() -> None:
    """Build, predict, measure, learn, predict, show."""
    arguments = parse()
    names, texts, values = costs(arguments.seconds)
    seen = np.isin(np.arange(len(texts)), np.random.default_rng(0).permutation(len(texts))[:MEASURED])
    surrogate, problem = RLMSurrogate.load(arguments.surrogate), Conditions().problem(onnx_graph.problem().context)
    before = surrogate.predict(problem, texts)
    surrogate.observe(problem, [text for text, kept in zip(texts, seen, strict=True) if kept], values[seen])
    after = surrogate.predict(problem, texts)
    show(names, values, seen, before, after)
    if arguments.plot is not None:
        draw(values, seen, before, after, arguments.plot)


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--surrogate", type=Path, help="folder of a surrogate; default: the packaged one")
    parser.add_argument("--seconds", type=float, default=0.3, help="how long each network is run")
    parser.add_argument("--plot", type=Path, help="file to draw predicted against measured latency to")
    return parser.parse_args()


def costs(seconds: float) -> tuple[list[str], list[str], Floats]:
    """Names, texts and measured milliseconds of the networks."""
    built = [(f"{kind} {size}", build(size)) for kind, (build, sizes) in NETWORKS.items() for size in sizes]
    with TemporaryDirectory() as folder:
        path, values = Path(folder, "network.onnx"), list[float]()
        for _, model in track(built, "measuring", transient=True):
            path.write_bytes(model.SerializeToString())
            values.append(measure(path, seconds=seconds).latency_ms)
    texts = [onnx_graph.to_text(onnx_graph.from_record(model)) for _, model in built]
    return [name for name, _ in built], texts, np.array(values)


def plain(width: int) -> Any:
    """Eight convolutions in a row."""
    layers = Layers((1, 3, 32, 32))
    x = layers.images
    for place in range(8):
        x = layers.relu(layers.conv(x, width, 3, 2 if place in (3, 6) else 1))
    return classified(layers, x)


def residual(width: int) -> Any:
    """Six residual blocks."""
    layers = Layers((1, 3, 32, 32))
    x = layers.relu(layers.conv(layers.images, width, 3))
    for _ in range(6):
        x = layers.relu(layers.add([x, layers.conv(layers.relu(layers.conv(x, width, 3)), width, 3)]))
    return classified(layers, x)


def separable(width: int) -> Any:
    """Eight depthwise convolutions, each with a pointwise one."""
    layers = Layers((1, 3, 64, 64))
    x = layers.relu(layers.conv(layers.images, width, 3, 2))
    for place in range(8):
        x = layers.relu(layers.depthwise(x, 3, 2 if place == 4 else 1))
        x = layers.relu(layers.conv(x, width, 1))
    return classified(layers, x)


def branched(width: int) -> Any:
    """Three blocks of three parallel convolutions."""
    layers = Layers((1, 3, 32, 32))
    x = layers.relu(layers.conv(layers.images, width, 3))
    for _ in range(3):
        x = layers.concat([layers.relu(layers.conv(x, width, kernel)) for kernel in (1, 3, 5)])
    return classified(layers, x)


def perceptron(width: int) -> Any:
    """Six linear layers."""
    layers = Layers((1, width))
    x = layers.images
    for _ in range(6):
        x = layers.relu(layers.linear(x, width))
    return layers.model(x)


def classified(layers: Layers, x: Tensor) -> Any:
    """The network that ends in ten classes."""
    return layers.model(layers.linear(layers.flat(layers.global_average(x)), 10))


NETWORKS: dict[str, tuple[Callable[[int], Any], tuple[int, ...]]] = {
    "plain": (plain, (8, 16, 24, 32, 48)),
    "residual": (residual, (8, 12, 16, 24, 32)),
    "separable": (separable, (16, 32, 48, 64, 96)),
    "branched": (branched, (8, 12, 16, 24, 32)),
    "perceptron": (perceptron, (128, 256, 512, 1024, 2048)),
}
"""Kind -> what builds a network of a width, and widths."""


def show(names: list[str], values: Floats, seen: NDArray[np.bool_], before: Prediction, after: Prediction) -> None:
    """Print the networks, and how well those that were not learnt from are ranked."""
    first, then = before.quantile(0.5), after.quantile(0.5)
    table = Table("network", "measured, ms", "predicted", "after ten", title="Latency on this machine")
    for row in np.argsort(values):
        learnt = "learnt" if seen[row] else f"{then[row]:.3g}"
        table.add_row(names[row], f"{values[row]:.3g}", f"{first[row]:.3g}", learnt)
    console = Console(emoji=False)
    console.print(table)
    for said, prediction in (("before", before), (f"after {MEASURED} measurements", after)):
        rank = spearman(prediction.quantile(0.5)[~seen], values[~seen])
        console.print(f"{said}: Spearman {rank:.3f} on the others, trust {prediction.trust.mean():.2f}")


def draw(values: Floats, seen: NDArray[np.bool_], before: Prediction, after: Prediction, file: Path) -> None:
    """Predicted against measured latency, both times."""
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    for axes, said, prediction in zip(figure.subplots(1, 2), ("before", "after ten"), (before, after), strict=True):
        middle = prediction.quantile(0.5)
        low, high = (np.abs(prediction.quantile(q) - middle) for q in (0.05, 0.95))
        for part, name in ((~seen, "not learnt from"), (seen, "learnt from")):
            interval = np.stack([low[part], high[part]])
            axes.errorbar(values[part], middle[part], interval, fmt="o", label=name, elinewidth=0.7)
        axes.plot([values.min(), values.max()], [values.min(), values.max()], color="grey", linewidth=0.7)
        axes.set(
            xscale="log", yscale="log", xlabel="measured, ms", ylabel="predicted, ms, with 90 % intervals", title=said
        )
        axes.legend()
    figure.savefig(file)


if __name__ == "__main__":
    main()
