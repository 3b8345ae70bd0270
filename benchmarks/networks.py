"""Networks to measure: those of the spaces at reduced sizes, and families of image networks built by hand.

A family draws one network from a generator: the model, and the choices that made it. They are small enough for a run of
milliseconds, and spread over three orders of magnitude.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto

from prerank.search_spaces import fbnet, nas_bench_101, nas_bench_201, nas_bench_macro, nds, ofa
from prerank.search_spaces.onnx_layers import Layers, Tensor

Drawn = tuple[ModelProto, dict[str, Any]]
Family = Callable[[np.random.Generator], Drawn]


def residual(rng: np.random.Generator) -> Drawn:
    """Stages of residual blocks, plain or with bottlenecks (He et al. 2016, arXiv:1512.03385)."""
    made: dict[str, Any] = {
        "side": one(rng, 24, 32, 48, 64, 96, 128),
        "width": one(rng, 8, 12, 16, 24, 32, 48),
        "bottleneck": bool(one(rng, 0, 1)),
    }
    made["depths"] = [one(rng, 1, 2, 3) for _ in range(one(rng, 2, 3, 4))]
    layers = images(made["side"])
    x = layers.relu(layers.conv(layers.images, made["width"], one(rng, 3, 5), one(rng, 1, 2)))
    for stage, depth in enumerate(made["depths"]):
        for place in range(depth):
            x = residual_block(layers, x, made["width"] << stage, 2 if stage and not place else 1, made["bottleneck"])
    return classified(layers, x), made


def inverted_residual(rng: np.random.Generator) -> Drawn:
    """Stages of inverted bottlenecks, with or without squeeze and excitation (Howard et al. 2019, arXiv:1905.02244)."""
    made: dict[str, Any] = {
        "side": one(rng, 32, 48, 64, 96, 128),
        "width": one(rng, 8, 12, 16, 24),
        "squeeze": bool(one(rng, 0, 1)),
    }
    made["activation"] = str(rng.choice(["Relu", "HardSwish"]))
    made["blocks"] = [(one(rng, 3, 5, 7), one(rng, 1, 3, 4, 6)) for _ in range(one(rng, *range(3, 13)))]
    layers = images(made["side"])
    x = layers.activation(layers.conv(layers.images, made["width"], 3, 2), made["activation"])
    for place, (kernel, expansion) in enumerate(made["blocks"]):
        stride = 2 if place % 3 == 2 else 1
        channels = x.channels * 3 // 2 // 4 * 4 if stride == 2 else x.channels
        x = inverted_block(layers, x, channels, kernel, expansion, stride, made["squeeze"], made["activation"])
    return classified(layers, x), made


def inception(rng: np.random.Generator) -> Drawn:
    """Blocks of parallel branches that are concatenated (Szegedy et al. 2015, arXiv:1409.4842)."""
    made: dict[str, Any] = {
        "side": one(rng, 24, 32, 48, 64),
        "stem": one(rng, 8, 16, 32),
        "width": one(rng, 8, 16, 24, 32),
    }
    made["blocks"] = [
        sorted(rng.choice(["1", "3", "5", "7x1", "pool"], one(rng, 2, 3, 4), replace=False).tolist())
        for _ in range(one(rng, 1, 2, 3, 4, 5, 6))
    ]
    layers = images(made["side"])
    x = layers.relu(layers.conv(layers.images, made["stem"], 3))
    for place, branches in enumerate(made["blocks"]):
        x = layers.max_pool(x, 3, 2) if place in (1, 3) else x
        x = layers.concat([_branch(layers, x, made["width"], kind) for kind in branches])
    return classified(layers, x), made


def plain(rng: np.random.Generator) -> Drawn:
    """Convolutions one after the other, with pooling between (Simonyan and Zisserman 2015, arXiv:1409.1556)."""
    made: dict[str, Any] = {"side": one(rng, 16, 24, 32, 48, 64), "pool": one(rng, 2, 3)}
    made["convolutions"] = [
        (one(rng, 8, 16, 24, 32, 48, 64, 96), one(rng, 1, 3, 5)) for _ in range(one(rng, *range(1, 11)))
    ]
    layers = images(made["side"])
    x = layers.images
    for place, (channels, kernel) in enumerate(made["convolutions"], start=1):
        x = layers.relu(layers.conv(x, channels, kernel))
        x = layers.max_pool(x, 2, 2) if place % made["pool"] == 0 and x.shape[2] > 4 else x
    return classified(layers, x), made


def perceptron(rng: np.random.Generator) -> Drawn:
    """Linear layers one after the other."""
    made: dict[str, Any] = {
        "features": [one(rng, 32, 64, 128, 256, 512, 1024, 2048) for _ in range(one(rng, *range(2, 10)))]
    }
    made["activation"] = str(rng.choice(["Relu", "Sigmoid", "Tanh"]))
    layers = Layers((1, made["features"][0]))
    x = layers.images
    for features in made["features"][1:]:
        x = layers.activation(layers.linear(x, features), made["activation"])
    return layers.model(layers.linear(x, 10)), made


def transformer(rng: np.random.Generator) -> Drawn:
    """Encoder layers on embedded words (Vaswani et al. 2017, arXiv:1706.03762)."""
    made: dict[str, Any] = {
        "words": one(rng, 16, 32, 48, 64, 96, 128),
        "width": one(rng, 32, 64, 96, 128, 192, 256),
        "layers": one(rng, 1, 2, 3, 4, 6),
    }
    made |= {"heads": one(rng, 1, 2, 4, 8), "inner": made["width"] * one(rng, 1, 2, 4), "gelu": bool(one(rng, 0, 1))}
    layers = Layers((1, made["words"], made["width"]))
    x = layers.images
    for _ in range(made["layers"]):
        x = encoder_layer(layers, x, made["heads"], made["inner"], rng, smooth=made["gelu"])
    return layers.model(dense(layers, x, 10, rng)), made


def cells_101(rng: np.random.Generator) -> Drawn:
    """Cells of NAS-Bench-101 in networks of reduced size."""
    made: dict[str, Any] = {
        "resolution": one(rng, 16, 24, 32),
        "channels": one(rng, 8, 16, 32, 48),
        "stages": one(rng, 1, 2, 3),
        "cells": one(rng, 1, 2),
    }
    cell = nas_bench_101.sample(rng, 1)[0]
    return nas_bench_101.to_onnx(cell, **made), made | {"cell": nas_bench_101.to_text(cell)}


def cells_201(rng: np.random.Generator) -> Drawn:
    """Cells of NAS-Bench-201 in networks of reduced size."""
    made: dict[str, Any] = {
        "resolution": one(rng, 16, 24, 32, 48),
        "channels": one(rng, 8, 16, 24),
        "stages": one(rng, 1, 2, 3),
        "cells": one(rng, 1, 2, 3, 5),
    }
    cell = nas_bench_201.sample(rng, 1)[0]
    return nas_bench_201.to_onnx(cell, **made), made | {"cell": nas_bench_201.to_text(cell)}


def cells_nds(rng: np.random.Generator) -> Drawn:
    """Genotypes of DARTS and of the spaces like it, in networks of reduced size."""
    space = str(rng.choice(list(nds.SPACES)))
    made: dict[str, Any] = {
        "resolution": one(rng, 16, 24, 32),
        "width": one(rng, 8, 12, 16),
        "depth": one(rng, 2, 3, 5),
    }
    genotype = nds.sample(rng, 1, space)[0]
    return nds.to_onnx(genotype, **made), made | {"space": space, "genotype": nds.to_text(genotype)}


def networks_fbnet(rng: np.random.Generator) -> Drawn:
    """FBNet at reduced resolution and width."""
    return drawn_of(fbnet, rng, (64, 96, 128), (0.25, 0.5, 0.75))


def networks_ofa(rng: np.random.Generator) -> Drawn:
    """The once-for-all network at reduced resolution and width."""
    return drawn_of(ofa, rng, (64, 96, 128), (0.25, 0.5, 0.75))


def networks_macro(rng: np.random.Generator) -> Drawn:
    """NAS-Bench-Macro at several resolutions and widths."""
    return drawn_of(nas_bench_macro, rng, (16, 32, 48), (0.5, 1.0, 1.5))


def drawn_of(space: Any, rng: np.random.Generator, sides: Sequence[int], widths: Sequence[float]) -> Drawn:
    """A network of a space at one of some resolutions and widths."""
    made: dict[str, Any] = {"resolution": one(rng, *sides), "width": float(rng.choice(widths))}
    network = space.sample(rng, 1)[0]
    return space.to_onnx(network, **made), made | {"network": space.to_text(network)}


def one(rng: np.random.Generator, *choices: int) -> int:
    """One of the choices."""
    return int(rng.choice(choices))


def images(side: int) -> Layers:
    """The beginning of a network that reads an image."""
    return Layers((1, 3, side, side))


def classified(layers: Layers, x: Tensor) -> ModelProto:
    """The network that ends in ten classes."""
    return layers.model(layers.linear(layers.flat(layers.global_average(x)), 10))


def residual_block(layers: Layers, x: Tensor, width: int, stride: int, bottleneck: bool) -> Tensor:
    """Two convolutions, or three that are narrower inside, added to what they read."""
    out = 2 * width if bottleneck else width
    if bottleneck:
        inner = layers.relu(layers.conv(layers.relu(layers.conv(x, width // 2, 1)), width // 2, 3, stride))
        inner = layers.conv(inner, out, 1)
    else:
        inner = layers.conv(layers.relu(layers.conv(x, width, 3, stride)), out, 3)
    same = x if stride == 1 and x.channels == out else layers.conv(x, out, 1, stride)
    return layers.relu(layers.add([inner, same]))


def inverted_block(
    layers: Layers, x: Tensor, channels: int, kernel: int, expansion: int, stride: int, squeeze: bool, activation: str
) -> Tensor:
    """A depthwise convolution between two that widen and narrow, added to what they read where it is alike."""
    inner = layers.activation(layers.conv(x, expansion * x.channels, 1), activation)
    inner = layers.activation(layers.depthwise(inner, kernel, stride), activation)
    if squeeze:
        gate = layers.relu(layers.conv(layers.global_average(inner), max(4, inner.channels // 4), 1))
        inner = layers.scaled(inner, layers.activation(layers.conv(gate, inner.channels, 1), "HardSigmoid"))
    out = layers.conv(inner, channels, 1)
    return layers.add([x, out]) if stride == 1 and channels == x.channels else out


def _branch(layers: Layers, x: Tensor, width: int, kind: str) -> Tensor:
    if kind == "pool":
        return layers.relu(layers.conv(layers.average_pool(x, 3), width, 1))
    narrow = layers.relu(layers.conv(x, width, 1))
    if kind == "1":
        return narrow
    if kind == "7x1":
        return layers.relu(layers.conv(layers.relu(layers.conv(narrow, width, (7, 1))), width, (1, 7)))
    return layers.relu(layers.conv(narrow, width, int(kind)))


def encoder_layer(
    layers: Layers, x: Tensor, heads: int, inner: int, rng: np.random.Generator, *, smooth: bool
) -> Tensor:
    """Attention, then two linear layers of each word, with `gelu` between them if it is smooth; each is added."""
    x = normalised(layers, layers.add([x, attended(layers, x, heads, rng)]))
    wide = dense(layers, x, inner, rng)
    wide = gelu(layers, wide) if smooth else layers.relu(wide)
    return normalised(layers, layers.add([x, dense(layers, wide, x.shape[-1], rng)]))


def attended(layers: Layers, x: Tensor, heads: int, rng: np.random.Generator) -> Tensor:
    """Attention of each word to all, (1, words, width)."""
    batch, words, width = x.shape
    apart = layers.constant(np.array([batch, words, heads, width // heads]))
    split = (batch, heads, words, width // heads)

    def part(order: list[int]) -> Tensor:
        shaped = layers.node("Reshape", [dense(layers, x, width, rng), apart], [batch, words, heads, width // heads])
        return layers.node("Transpose", [shaped], [shaped.shape[axis] for axis in order], perm=order)

    query, key, value = part([0, 2, 1, 3]), part([0, 2, 3, 1]), part([0, 2, 1, 3])
    scores = layers.node("MatMul", [query, key], [batch, heads, words, words])
    scores = layers.scaled(scores, layers.constant(np.array((width // heads) ** -0.5, dtype=np.float32)))
    read = layers.node("MatMul", [layers.node("Softmax", [scores], scores.shape, axis=-1), value], split)
    read = layers.node("Transpose", [read], [batch, words, heads, width // heads], perm=[0, 2, 1, 3])
    joined = layers.node("Reshape", [read, layers.constant(np.array([batch, words, width]))], [batch, words, width])
    return dense(layers, joined, width, rng)


def dense(layers: Layers, x: Tensor, features: int, rng: np.random.Generator) -> Tensor:
    """Features of each word's features, with a bias."""
    weight = rng.standard_normal((x.shape[-1], features), dtype=np.float32) * np.float32(x.shape[-1] ** -0.5)
    product = layers.node("MatMul", [x, layers.constant(weight)], [*x.shape[:-1], features])
    return layers.node("Add", [product, layers.constant(np.zeros(features, dtype=np.float32))], product.shape)


def gelu(layers: Layers, x: Tensor) -> Tensor:
    """Each number times the normal distribution function of it, as exporters write it for opset 17."""
    half, one_, root = (layers.constant(np.array(number, dtype=np.float32)) for number in (0.5, 1, math.sqrt(2)))
    erf = layers.node("Erf", [layers.node("Div", [x, root], x.shape)], x.shape)
    share = layers.scaled(layers.node("Add", [erf, one_], x.shape), half)
    return layers.node("Mul", [x, share], x.shape)


def normalised(layers: Layers, x: Tensor) -> Tensor:
    """Layer normalisation (Ba et al. 2016, arXiv:1607.06450)."""
    scale, shift = (layers.constant(np.full(x.shape[-1], number, dtype=np.float32)) for number in (1, 0))
    return layers.node("LayerNormalization", [x, scale, shift], x.shape, axis=-1)
