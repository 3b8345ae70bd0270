"""Families of networks beside those of images and classes: sequences, volumes, pictures out, loops written out.

As in networks.py, a family draws one network from a generator: the model, and the choices that made it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from networks import Drawn, classified, dense, images, one

from prerank.search_spaces.onnx_layers import Layers, Tensor

_GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}
"""Recurrent operators of ONNX, and the matrices that each has for a step."""


def segmentation(rng: np.random.Generator) -> Drawn:
    """Down and up again, with what was on the way down beside (Ronneberger et al. 2015, arXiv:1505.04597)."""
    made: dict[str, Any] = {
        "side": one(rng, 16, 32, 48, 64, 96),
        "width": one(rng, 4, 8, 12, 16, 24),
        "depth": one(rng, 1, 2, 3),
        "convolutions": one(rng, 1, 2),
        "resize": bool(one(rng, 0, 1)),
    }
    layers = images(made["side"])
    x, passed = _several(layers, layers.images, made["width"], made["convolutions"]), list[Tensor]()
    for level in range(1, made["depth"] + 1):
        passed.append(x)
        x = _several(layers, layers.max_pool(x, 2, 2), made["width"] << level, made["convolutions"])
    for same in reversed(passed):
        up = _doubled(layers, x, same.channels, made["resize"], rng)
        x = _several(layers, layers.concat([same, up]), same.channels, made["convolutions"])
    return layers.model(layers.conv(x, 4, 1)), made


def recurrent(rng: np.random.Generator) -> Drawn:
    """Layers of one of the recurrent operators (Hochreiter and Schmidhuber 1997; Cho et al. 2014, arXiv:1406.1078)."""
    made: dict[str, Any] = {
        "steps": one(rng, 4, 8, 16, 32, 64, 128),
        "features": one(rng, 8, 16, 32, 64, 128),
        "hidden": one(rng, 16, 32, 64, 128, 256),
        "layers": one(rng, 1, 2, 3),
        "both": bool(one(rng, 0, 1)),
        "kind": str(rng.choice([*_GATES])),
    }
    layers = Layers((made["steps"], 1, made["features"]))
    x = layers.images
    for _ in range(made["layers"]):
        x = _recurrence(layers, x, made["kind"], made["hidden"], 2 if made["both"] else 1, rng)
    return layers.model(dense(layers, x, 10, rng)), made


def temporal(rng: np.random.Generator) -> Drawn:
    """Dilated convolutions of a sequence, gated or not (van den Oord et al. 2016, arXiv:1609.03499)."""
    made: dict[str, Any] = {
        "steps": one(rng, 64, 128, 256, 512, 1024, 2048),
        "width": one(rng, 8, 16, 24, 32, 48, 64),
        "kernel": one(rng, 2, 3, 5, 9),
        "blocks": one(rng, 1, 2, 3, 4, 6, 8),
        "gated": bool(one(rng, 0, 1)),
    }
    made["cycle"] = one(rng, 1, 2, 4)
    layers = Layers((1, one(rng, 1, 2, 8), made["steps"]))
    x = layers.conv(layers.images, made["width"], 1)
    for place in range(made["blocks"]):
        inner = _gated if made["gated"] else _plain
        inner = inner(layers, x, made["kernel"], 1 << place % made["cycle"])
        x = layers.add([x, layers.conv(inner, made["width"], 1)])
    return classified(layers, x), made


def volume(rng: np.random.Generator) -> Drawn:
    """Convolutions in three dimensions, whole, in two parts, or each channel by itself (Tran et al. 2018,
    arXiv:1711.11248).
    """
    made: dict[str, Any] = {
        "sides": [one(rng, 4, 8, 16), *[one(rng, 8, 16, 24, 32)] * 2],
        "width": one(rng, 4, 8, 12, 16, 24),
        "kind": str(rng.choice(["whole", "parts", "depthwise"])),
        "blocks": one(rng, 1, 2, 3, 4, 6),
        "pool": one(rng, 2, 3),
    }
    layers = Layers((1, one(rng, 1, 3), *made["sides"]))
    x = layers.relu(layers.conv(layers.images, made["width"], 3, one(rng, 1, 2)))
    for place in range(1, made["blocks"] + 1):
        x = layers.relu(_solid(layers, x, made["kind"]))
        if place % made["pool"] == 0 and min(x.shape[2:]) > 2:
            x = layers.relu(layers.conv(x, 2 * x.channels, 1, 2))
    return classified(layers, x), made


def unrolled(rng: np.random.Generator) -> Drawn:
    """A recurrence written out step by step: of a vector by matrices, or of numbers that decay each by itself."""
    made: dict[str, Any] = {
        "steps": one(rng, 2, 4, 8, 12, 16, 24, 32),
        "width": one(rng, 8, 16, 32, 64, 128, 256),
        "layers": one(rng, 1, 2, 3),
        "kind": str(rng.choice(["matrix", "gate", "decay"])),
    }
    layers = Layers((1, made["steps"], made["width"]))
    x = layers.images
    for _ in range(made["layers"]):
        x = _loop(layers, dense(layers, x, made["width"], rng), made["kind"], rng)
    return layers.model(dense(layers, x, 10, rng)), made


def _several(layers: Layers, x: Tensor, channels: int, count: int) -> Tensor:
    for _ in range(count):
        x = layers.relu(layers.conv(x, channels, 3))
    return x


def _doubled(layers: Layers, x: Tensor, channels: int, resize: bool, rng: np.random.Generator) -> Tensor:
    """Twice the sides, by a transposed convolution or by repeating."""
    shape = [x.shape[0], channels, *[2 * side for side in x.shape[2:]]]
    if not resize:
        weight = layers.constant(rng.standard_normal((x.channels, channels, 2, 2), dtype=np.float32) / x.channels)
        return layers.node("ConvTranspose", [x, weight], shape, kernel_shape=[2, 2], strides=[2, 2])
    scales = layers.constant(np.array([1, 1, 2, 2], dtype=np.float32))
    large = layers.node("Resize", [x, Tensor("", ()), scales], [*x.shape[:2], *shape[2:]], mode="nearest")
    return layers.conv(large, channels, 1)


def _recurrence(layers: Layers, x: Tensor, kind: str, hidden: int, directions: int, rng: np.random.Generator) -> Tensor:
    """(steps, 1, features) -> (steps, 1, directions * hidden)."""
    steps, batch, features = x.shape
    into, on = (
        layers.constant(
            rng.standard_normal((directions, _GATES[kind] * hidden, size), dtype=np.float32) * np.float32(size**-0.5)
        )
        for size in (features, hidden)
    )
    direction = "bidirectional" if directions == 2 else "forward"
    shape = [steps, directions, batch, hidden]
    y = layers.node(kind, [x, into, on], shape, hidden_size=hidden, direction=direction)
    y = layers.node("Transpose", [y], [steps, batch, directions, hidden], perm=[0, 2, 1, 3])
    joined = layers.constant(np.array([steps, batch, directions * hidden]))
    return layers.node("Reshape", [y, joined], [steps, batch, directions * hidden])


def _plain(layers: Layers, x: Tensor, kernel: int, dilation: int) -> Tensor:
    return layers.relu(layers.conv(x, x.channels, kernel, dilation=dilation))


def _gated(layers: Layers, x: Tensor, kernel: int, dilation: int) -> Tensor:
    value, gate = (layers.conv(x, x.channels, kernel, dilation=dilation) for _ in range(2))
    return layers.scaled(layers.activation(value, "Tanh"), layers.activation(gate, "Sigmoid"))


def _solid(layers: Layers, x: Tensor, kind: str) -> Tensor:
    if kind == "whole":
        return layers.conv(x, x.channels, 3)
    if kind == "parts":
        return layers.conv(layers.relu(layers.conv(x, x.channels, (1, 3, 3))), x.channels, (3, 1, 1))
    return layers.conv(layers.relu(layers.depthwise(x, 3)), x.channels, 1)


def _loop(layers: Layers, x: Tensor, kind: str, rng: np.random.Generator) -> Tensor:
    """(1, steps, width) -> the states of all steps, of the same shape."""
    width = x.shape[2]
    decay = layers.constant(rng.uniform(0.5, 0.99, (1, width)).astype(np.float32))
    states = [_step(layers, x, 0)]
    for place in range(1, x.shape[1]):
        now, last = _step(layers, x, place), states[-1]
        if kind == "decay":
            states.append(layers.add([now, layers.scaled(last, decay)]))
            continue
        new = layers.activation(layers.add([now, dense(layers, last, width, rng)]), "Tanh")
        if kind == "gate":
            new = layers.scaled(new, layers.activation(dense(layers, last, width, rng), "Sigmoid"))
        states.append(new)
    apart = layers.constant(np.array([1, 1, width]))
    rows = [layers.node("Reshape", [state, apart], [1, 1, width]) for state in states]
    return layers.concat(rows) if len(rows) > 1 else rows[0]


def _step(layers: Layers, x: Tensor, place: int) -> Tensor:
    """One step of (1, steps, width), (1, width)."""
    return layers.node("Gather", [x, layers.constant(np.array(place))], [1, x.shape[2]], axis=1)
