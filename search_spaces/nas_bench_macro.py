"""NAS-Bench-Macro: eight places for no block, a 3x3 or a 5x5 inverted bottleneck (Su et al. 2021, arXiv:2103.11922)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import mobile_network
from .grid import changes, distinct
from .mobile_network import Block, text
from .problem import Problem, asked, data_set
from .record import choice, entry, whole

if TYPE_CHECKING:
    from onnx import ModelProto

CHOICES = "012"
"""No block; kernel 3 and expansion 3; kernel 5 and expansion 6."""
_PLACES = ((64, 2), (64, 1), (128, 2), (128, 1), (128, 1), (256, 2), (256, 1), (256, 1))  # channels and stride
_SIZES = (len(CHOICES),) * len(_PLACES)
_SHAPES = {"0": (0, 1), "1": (3, 3), "2": (5, 6)}
_STEM, _HEAD = 32, (1280, 10)
_CONTEXT = (
    "nas_bench_macro\n"
    "image network of 8 inverted bottlenecks in 3 stages, 32 pixels; "
    "skip, kernel 3 expansion 3, or kernel 5 expansion 6; channels 64 128 256"
)


@dataclass(frozen=True)
class Network:
    """One of `CHOICES` for each of the eight places.

    Raises:
        ValueError: If a choice is none of them, or there are not eight.
    """

    choices: str

    def __post_init__(self) -> None:
        if len(self.choices) != len(_PLACES) or not set(self.choices) <= set(CHOICES):
            raise ValueError(f"the network is {self.choices!r}; give eight of the characters {CHOICES!r}")


def sample(rng: np.random.Generator, n: int) -> list[Network]:
    """Draw distinct networks, uniformly. A smaller n draws the first ones of a larger n.

    Raises:
        ValueError: If n is negative or more than there are.
    """
    return distinct(rng, n, _SIZES, _network)


def neighbours(network: Network) -> list[Network]:
    """The networks with another choice at one place."""
    return [_network(other) for other in changes([CHOICES.index(choice) for choice in network.choices], _SIZES)]


def to_text(network: Network, rng: np.random.Generator | None = None) -> str:
    """One word a place, then the totals (see `mobile_network`); there is only one order."""
    return text(_blocks(network), stem=_STEM, side=32, head=_HEAD)


def from_record(record: str | float | Iterable[str | float] | Mapping[str, Any]) -> Network:
    """A network of its eight characters, of a list of them, or of the number that they make, without its leading zeros;
    or of a table's row with one of these as ``arch``.

    Raises:
        ValueError: If they are none.
    """
    found: str | float | Iterable[str | float] = entry(record, "arch")
    if isinstance(found, str):
        return Network(found)
    if not isinstance(found, Iterable):
        return Network(f"{whole('the network', found):0{len(_PLACES)}d}")
    digits = (*CHOICES, *range(len(CHOICES)))
    return Network("".join(str(choice("a choice", digit, digits)) for digit in found))


def problem(metric: str = "val_accuracy", dataset: str = "cifar10") -> Problem:
    """What to ask of a network: ``val_accuracy`` (a fraction, of the test set), ``params`` or ``macs``.

    Raises:
        ValueError: If the metric is another one.
    """
    texts = {"val_accuracy": f"val_accuracy {data_set(dataset)}", "params": "params", "macs": "macs"}
    return asked("NAS-Bench-Macro", _CONTEXT, texts, metric)


def to_onnx(network: Network, *, batch: int = 1, resolution: int = 32, width: float = 1, seed: int = 0) -> ModelProto:
    """The network with random weights: (batch, 3, resolution, resolution) -> (batch, 10).

    Args:
        network: The network.
        batch: Images.
        resolution: Their sides, pixels.
        width: Factor of all channels.
        seed: Of the weights.

    Raises:
        ValueError: If a size is less than 1, or the width not positive.
    """
    shape = (batch, 3, resolution, resolution)
    return mobile_network.to_onnx(_blocks(network), _STEM, _HEAD, shape, stem_stride=1, width=width, seed=seed)


def _blocks(network: Network) -> list[Block]:
    places = zip(network.choices, _PLACES, strict=True)
    return [Block(*_SHAPES[choice], channels, stride) for choice, (channels, stride) in places]


def _network(chosen: Sequence[int]) -> Network:
    return Network("".join(CHOICES[choice] for choice in chosen))
