"""Networks as large as those that people deploy, several times those that the packaged checkpoint has read.

python benchmarks/large_networks.py [--checkpoint FOLDER]

ResNets, VGGs, MobileNets and transformer encoders at their usual sizes, with random weights, are measured on the
machine that runs this, and asked without a measurement: as of this machine (the weights have read another), and as of
the one that was read. Of the measured networks that the checkpoint has read, 99 in 100 have less than 450 million
multiply-accumulates. *Without law* is what the model itself says of numbers so far beyond (`surrogate/laws.py`).
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from command_line import command_line
from measure_networks import network
from network_features import stated_numbers
from networks import classified, dense, encoder_layer, images, inverted_block, residual_block
from numpy.typing import NDArray
from onnx import ModelProto
from ranks import rank
from rich.progress import track
from tables import show

from prerank.integrations.onnxruntime import METRICS, Conditions, measure_all
from prerank.search_spaces import onnx_graph
from prerank.search_spaces.onnx_layers import Layers
from prerank.surrogate import Problem
from prerank.surrogate.checkpoint import load
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge
from prerank.surrogate.rlm_surrogate import PACKAGED

Floats = NDArray[np.float64]

READ_ON = "amd-epyc-cpu"
"""The machine of the table that the weights have read."""
RESNETS = {18: ((2, 2, 2, 2), False), 34: ((3, 4, 6, 3), False), 50: ((3, 4, 6, 3), True), 101: ((3, 4, 23, 3), True)}
"""Name -> depths of the stages, and whether blocks have a bottleneck (He et al. 2016, arXiv:1512.03385)."""
VGGS = {11: (1, 1, 2, 2, 2), 16: (2, 2, 3, 3, 3)}
"""Name -> convolutions before each pooling (Simonyan and Zisserman 2015, arXiv:1409.1556)."""
MOBILENETS = (0.5, 1.0, 1.4)
"""Widths."""
TRANSFORMERS = {"tiny": (128, 2), "mini": (256, 4), "small": (512, 4), "medium": (512, 8), "base": (768, 12)}
"""Name -> width and layers, as of BERT (Turc et al. 2019, arXiv:1908.08962), without the embedding of words."""


def main() -> None:
    """Measure, ask, print, write."""
    arguments = parse()
    results = asked(measured(), arguments.checkpoint)
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")
    show(tables(results))


def parse() -> argparse.Namespace:
    """Command line."""
    return command_line(__doc__, __file__).parse_args()


def networks() -> Iterator[tuple[str, ModelProto]]:
    """Each network with its name."""
    for depth, (stages, bottleneck) in RESNETS.items():
        yield f"ResNet-{depth}", resnet(stages, bottleneck)
    for depth, blocks in VGGS.items():
        yield f"VGG-{depth}", vgg(blocks)
    for width in MOBILENETS:
        yield f"MobileNetV2 {width}", mobilenet(width)
    for name, (width, depth) in TRANSFORMERS.items():
        yield f"transformer {name}", transformer(width, depth)


def resnet(stages: Sequence[int], bottleneck: bool) -> ModelProto:
    """A ResNet on 224 x 224 pixels."""
    layers = images(224)
    x = layers.max_pool(layers.relu(layers.conv(layers.images, 64, 7, 2)), 3, 2)
    for stage, depth in enumerate(stages):
        for place in range(depth):
            width = (128 if bottleneck else 64) << stage
            x = residual_block(layers, x, width, 2 if stage and not place else 1, bottleneck)
    return classified(layers, x)


def vgg(blocks: Sequence[int]) -> ModelProto:
    """A VGG without its large linear layers."""
    layers = images(224)
    x = layers.images
    for stage, count in enumerate(blocks):
        for _ in range(count):
            x = layers.relu(layers.conv(x, min(64 << stage, 512), 3))
        x = layers.max_pool(x, 2, 2)
    return classified(layers, x)


def mobilenet(width: float) -> ModelProto:
    """A MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381)."""
    layers = images(224)
    x = layers.relu(layers.conv(layers.images, int(32 * width), 3, 2))
    for expansion, channels, count, stride in (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    ):  # fmt: skip
        for place in range(count):
            own = stride if place == 0 else 1
            x = inverted_block(layers, x, int(channels * width), 3, expansion, own, False, "Relu")
    return classified(layers, layers.relu(layers.conv(x, 1280, 1)))


def transformer(width: int, depth: int) -> ModelProto:
    """An encoder on 128 words."""
    rng, layers = np.random.default_rng(0), Layers((1, 128, width))
    x = layers.images
    for _ in range(depth):
        x = encoder_layer(layers, x, width // 64, 4 * width, rng, smooth=True)
    return layers.model(dense(layers, x, 10, rng))


def measured() -> list[dict[str, Any]]:
    """Name, text, latency and memory of each network, on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        table = measure_all((network(*own) for own in networks()), Path(folder) / "measured.jsonl", seconds=2.0)
        return [
            {"name": rows[0].more["name"], "text": rows[0].candidate}
            | {row.metric.split()[0]: row.value for row in rows}
            for rows in track(table, "measuring", len(RESNETS) + len(VGGS) + len(MOBILENETS) + len(TRANSFORMERS))
        ]


def asked(networks: Sequence[Mapping[str, Any]], checkpoint: Path | None) -> list[dict[str, Any]]:
    """What is predicted of them: a line a model and metric."""
    texts, context = [network["text"] for network in networks], onnx_graph.problem().context
    stated = [stated_numbers(text.partition("\n")[0]) for text in texts]
    lines: list[dict[str, Any]] = []
    for metric in METRICS:
        values = np.array([network[metric] for network in networks])
        here = Conditions().problem(context, metric)
        read = Problem(context, f"{metric} batch=1 {READ_ON} onnxruntime threads=1")
        for name, inference in models(checkpoint).items():
            for machine, problem in (("this machine", here), (READ_ON, read)):
                prediction = inference.predict(problem, texts)
                trust = round(float(prediction.trust.mean()), 2)
                lines.append(line(metric, f"{name}, as of {machine}", prediction.mean, values) | {"trust": trust})
        for total in ("macs_m", "params_m"):
            lines.append(line(metric, total, np.array([own[total] for own in stated]), values))
    return lines


def models(checkpoint: Path | None) -> dict[str, Inference]:
    """The surrogate's model, and the same without what it learnt of totals."""
    own = load(checkpoint or PACKAGED, "cpu")
    spaces = {name: replace(space, laws={}) for name, space in own.knowledge.spaces.items()}
    return {"prerank": own, "without law": Inference(own.network, own.tokenizer, Knowledge(spaces))}


def line(metric: str, model: str, predicted: Floats, values: Floats) -> dict[str, Any]:
    """How one model ranks, and by which factor it is off, in the median, once the scale is right."""
    away = np.log(predicted / values)
    factor = float(np.exp(np.median(np.abs(away - np.median(away)))))
    found = {"metric": metric, "model": model, "networks": len(values)}
    return found | {"spearman": round(rank(predicted, values), 3), "off by": round(factor, 2)}


def tables(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The results as titled data frames of text."""
    lines = [{key: str(value) for key, value in result.items()} for result in results]
    title = "Large networks, nothing measured: Spearman, and the factor off in the median, apart from the scale"
    return {title: pd.DataFrame(lines).fillna("")}


if __name__ == "__main__":
    main()
