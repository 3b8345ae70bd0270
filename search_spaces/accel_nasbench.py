"""Accel-NASBench: MnasNet-like networks of seven stages (Ahmad et al. 2023, arXiv:2309.11922), on ImageNet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .devices import measured_on
from .grid import changes, distinct
from .mobile_network import Block, text
from .problem import Problem, asked, data_set
from .record import choice, json_entry, members

EXPANSIONS, KERNELS, LAYERS, SQUEEZE = (1, 4, 6), (3, 5), (1, 2, 3, 4), (False, True)
_STAGES = ((16, 1), (24, 2), (40, 2), (80, 2), (112, 1), (192, 2), (320, 1))  # channels and stride
_FIELDS = {"e": EXPANSIONS, "k": KERNELS, "l": LAYERS, "se": SQUEEZE}
_SIZES = tuple(len(choices) for _ in _STAGES for choices in _FIELDS.values())
_HEAD = (1280, 1000)
_CONTEXT = (
    "accel_nasbench\n"
    "image network of 7 stages of 1 to 4 inverted bottlenecks, 224 pixels; "
    "kernel 3 5, expansion 1 4 6, squeeze-and-excitation or none; channels 16 24 40 80 112 192 320"
)


@dataclass(frozen=True)
class Stage:
    """The blocks of a stage, all alike.

    Raises:
        ValueError: If a number is not one of the choices.
    """

    expansion: int
    kernel: int
    layers: int
    squeeze: bool

    def __post_init__(self) -> None:
        for (name, choices), (field, value) in zip(_FIELDS.items(), list(vars(self).items()), strict=True):
            object.__setattr__(self, field, choice(name, value, choices))


@dataclass(frozen=True)
class Network:
    """Seven stages.

    Raises:
        ValueError: If there are not seven.
    """

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if len(self.stages) != len(_STAGES):
            raise ValueError(f"the network has {len(self.stages)} stages; give {len(_STAGES)}")


def sample(rng: np.random.Generator, n: int) -> list[Network]:
    """Draw distinct networks, uniformly. A smaller n draws the first ones of a larger n.

    Raises:
        ValueError: If n is negative or more than there are.
    """
    return distinct(rng, n, _SIZES, _network)


def neighbours(network: Network) -> list[Network]:
    """The networks with one number of one stage changed."""
    values = [value for stage in network.stages for value in vars(stage).values()]
    choices = [options for _ in _STAGES for options in _FIELDS.values()]
    chosen = [options.index(value) for options, value in zip(choices, values, strict=True)]
    return [_network(other) for other in changes(chosen, _SIZES)]


def to_text(network: Network, rng: np.random.Generator | None = None) -> str:
    """One word a block, then the totals (see `mobile_network`); there is only one order."""
    blocks = [
        Block(stage.kernel, stage.expansion, channels, 1 if layer else stride, stage.squeeze)
        for stage, (channels, stride) in zip(network.stages, _STAGES, strict=True)
        for layer in range(stage.layers)
    ]
    return text(blocks, stem=32, side=112, head=_HEAD)


def from_record(record: str | Mapping[str, Any]) -> Network:
    """A network of a mapping, or its JSON, with ``block0_e``, ``block0_k``, ``block0_l``, ``block0_se`` to block6; or
    of a table's row with either as ``architecture``.

    Raises:
        ValueError: If one is missing or none of its choices.
    """
    names = [[f"block{place}_{field}" for field in _FIELDS] for place in range(len(_STAGES))]
    found = json_entry(record, "architecture", *names[0])
    return Network(tuple(Stage(*members(found, *own)) for own in names))


def problem(metric: str = "val_accuracy", device: str = "a100", dataset: str = "imagenet") -> Problem:
    """What to ask of a network: ``val_accuracy`` (a fraction), ``latency_ms``, ``throughput`` (images a second),
    ``train_seconds``, ``params`` or ``macs``.

    Raises:
        ValueError: If the metric is another one.
    """
    texts = {
        "val_accuracy": f"val_accuracy {data_set(dataset)}",
        "latency_ms": f"latency_ms {measured_on(device)}",
        "throughput": f"throughput {measured_on(device)}",
        "train_seconds": f"train_seconds {data_set(dataset)}",
        "params": "params",
        "macs": "macs",
    }
    return asked("Accel-NASBench", _CONTEXT, texts, metric)


def _network(chosen: Sequence[int]) -> Network:
    fields: list[Sequence[Any]] = list(_FIELDS.values())
    rows = [chosen[start : start + len(fields)] for start in range(0, len(chosen), len(fields))]
    return Network(
        tuple(Stage(*(options[choice] for options, choice in zip(fields, row, strict=True))) for row in rows)
    )
