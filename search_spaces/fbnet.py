"""FBNet: 22 places for an inverted bottleneck or none (Wu et al. 2019, arXiv:1812.03443), for 224x224 pixels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import mobile_network
from .devices import measured_on
from .grid import changes, distinct
from .mobile_network import Block, text
from .problem import Problem, asked
from .record import choice, json_entry

if TYPE_CHECKING:
    from onnx import ModelProto

CHOICES = ("k3_e1", "k3_e1_g2", "k3_e3", "k3_e6", "k5_e1", "k5_e1_g2", "k5_e3", "k5_e6", "skip")
"""Kernel, expansion and groups of a place, or none."""
_STAGES = ((16, 1, 1), (24, 4, 2), (32, 4, 2), (64, 4, 2), (112, 4, 1), (184, 4, 2), (352, 1, 1))
_PLACES = [
    (channels, stride if number == 0 else 1) for channels, count, stride in _STAGES for number in range(count)
]  # output channels and stride
_SIZES = (len(CHOICES),) * len(_PLACES)
_STEM, _HEAD = 16, (1984, 1000)
_CONTEXT = (
    "fbnet\n"
    "image network of 22 inverted bottlenecks, 224 pixels; "
    "kernel 3 or 5, expansion 1 3 6, groups 1 2, or skip; channels 16 24 32 64 112 184 352"
)


@dataclass(frozen=True)
class Network:
    """One of `CHOICES` for each of the 22 places.

    Raises:
        ValueError: If a choice is none of them, or there are not 22.
    """

    blocks: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.blocks) != len(_PLACES):
            raise ValueError(f"the network has {len(self.blocks)} blocks; give {len(_PLACES)}")
        for block in self.blocks:
            choice("a block", block, CHOICES)


def sample(rng: np.random.Generator, n: int) -> list[Network]:
    """Draw distinct networks, uniformly. A smaller n draws the first ones of a larger n.

    Raises:
        ValueError: If n is negative or more than there are.
    """
    return distinct(rng, n, _SIZES, _network)


def neighbours(network: Network) -> list[Network]:
    """The networks with another choice at one place."""
    chosen = [CHOICES.index(block) for block in network.blocks]
    return [_network(other) for other in changes(chosen, _SIZES)]


def to_text(network: Network, rng: np.random.Generator | None = None) -> str:
    """One word a place, then the totals (see `mobile_network`); there is only one order."""
    return text(_blocks(network), stem=_STEM, side=112, head=_HEAD)


def from_record(record: str | Sequence[str] | Mapping[str, Any]) -> Network:
    """A network of its list of choices, of that list as JSON, or of a table's row with either as ``arch``.

    Raises:
        ValueError: If the text is no JSON, the list no network, or the row has none.
    """
    try:
        blocks: tuple[str, ...] = tuple(json_entry(record, "arch"))
    except TypeError as error:
        raise ValueError(f"the record is {record!r}; give a list of {len(_PLACES)} choices") from error
    return Network(blocks)


def problem(metric: str = "latency_ms", device: str = "1080ti_1") -> Problem:
    """What to ask of a network: ``latency_ms`` on a device, whose name may end with its batch size (``1080ti_32``).

    Raises:
        ValueError: If the metric is another one.
    """
    return asked("FBNet", _CONTEXT, {"latency_ms": f"latency_ms {measured_on(device)}"}, metric)


def to_onnx(network: Network, *, batch: int = 1, resolution: int = 224, width: float = 1, seed: int = 0) -> ModelProto:
    """The network with random weights: (batch, 3, resolution, resolution) -> (batch, 1000).

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
    return mobile_network.to_onnx(_blocks(network), _STEM, _HEAD, shape, width=width, seed=seed)


def _blocks(network: Network) -> list[Block]:
    return [_block(choice, *place) for choice, place in zip(network.blocks, _PLACES, strict=True)]


def _network(chosen: Sequence[int]) -> Network:
    return Network(tuple(CHOICES[choice] for choice in chosen))


def _block(choice: str, channels: int, stride: int) -> Block:
    if choice == "skip":
        return Block(0, 1, channels, stride)
    kernel, expansion, *groups = choice.split("_")
    return Block(int(kernel[1:]), int(expansion[1:]), channels, stride, groups=2 if groups else 1)
