"""Once-for-all MobileNetV3: five stages of 2 to 4 inverted bottlenecks (Cai et al. 2020, arXiv:1908.09791).

Candidates say depth, kernels, expansions and the resolution of the images; blocks beyond a stage's depth are not run
and not part of a candidate.
"""

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
from .record import choice, json_entry, members

if TYPE_CHECKING:
    from onnx import ModelProto

KERNELS, EXPANSIONS, DEPTHS = (3, 5, 7), (3, 4, 6), (2, 3, 4)
RESOLUTIONS = tuple(range(128, 225, 4))
_STAGES = ((24, 2, False), (40, 2, True), (80, 2, False), (112, 1, True), (160, 2, True))  # channels, stride, squeeze
_MOST = max(DEPTHS)
_BLOCKS = _MOST * len(_STAGES)
_SIZES = (
    *(len(KERNELS),) * _BLOCKS,
    *(len(EXPANSIONS),) * _BLOCKS,
    *(len(DEPTHS),) * len(_STAGES),
    len(RESOLUTIONS),
)
_STEM, _HEAD = 16, (960, 1280, 1000)
_ACTIVATIONS = ("Relu", "Relu", "HardSwish", "HardSwish", "HardSwish")  # of the stages
_CONTEXT = (
    "ofa\n"
    "image network of 10 to 20 inverted bottlenecks in 5 stages, 128 to 224 pixels; "
    "kernel 3 5 7, expansion 3 4 6, depth 2 3 4; channels 24 40 80 112 160"
)


@dataclass(frozen=True)
class Network:
    """The blocks of each stage, and the side of the images.

    Args:
        stages: (kernel, expansion) of the blocks of five stages.
        resolution: Pixels.

    Raises:
        ValueError: If a number is not one of the choices.
    """

    stages: tuple[tuple[tuple[int, int], ...], ...]
    resolution: int

    def __post_init__(self) -> None:
        depths = tuple(len(stage) for stage in self.stages)
        if len(depths) != len(_STAGES) or any(depth not in DEPTHS for depth in depths):
            raise ValueError(f"the stages have {depths} blocks; give five stages of {DEPTHS} blocks")
        stages = tuple(tuple(_block(kernel, expansion) for kernel, expansion in stage) for stage in self.stages)
        object.__setattr__(self, "stages", stages)
        object.__setattr__(self, "resolution", choice("resolution", self.resolution, RESOLUTIONS))


def sample(rng: np.random.Generator, n: int) -> list[Network]:
    """Draw distinct networks, uniform in depths, kernels, expansions and resolution; a smaller n is a prefix.

    Raises:
        ValueError: If n is negative or more than there are.
    """
    return distinct(rng, n, _SIZES, _network)


def neighbours(network: Network) -> list[Network]:
    """The networks with another kernel, expansion or resolution, or one block more or less at the end of a stage."""
    found = dict.fromkeys(_network(other) for other in changes(_chosen(network), _SIZES))
    found |= dict.fromkeys(Network(stages, network.resolution) for stages in _resized(network.stages))
    return [other for other in found if other != network and _one_block(network, other)]


def to_text(network: Network, rng: np.random.Generator | None = None) -> str:
    """The resolution, one word a block, then the totals (see `mobile_network`); there is only one order."""
    words = text(_blocks(network), stem=_STEM, side=-(-network.resolution // 2), head=_HEAD)
    return f"resolution={network.resolution} {words}"


def from_record(record: str | Mapping[str, Any]) -> Network:
    """A network of a mapping, or its JSON, with 20 kernels ``ks``, 20 expansions ``e``, 5 depths ``d`` and ``r``; or of
    a table's row with either as ``arch``.

    Raises:
        ValueError: If the record is none.
    """
    names = ("ks", "e", "d", "r")
    *lists, resolution = members(json_entry(record, "arch", *names), *names)
    try:
        kernels, expansions, depths = map(list[Any], lists)
    except TypeError as error:
        raise ValueError(f"the record is {record!r}; give lists of ks, e and d ({error})") from error
    if (len(kernels), len(expansions)) != (_BLOCKS, _BLOCKS):
        raise ValueError(f"there are {len(kernels)} ks and {len(expansions)} e; give {_BLOCKS} of each")
    blocks = list(zip(kernels, expansions, strict=True))
    run = [choice("a depth", depth, DEPTHS) for depth in depths]
    return Network(tuple(tuple(blocks[_MOST * stage :][:depth]) for stage, depth in enumerate(run)), resolution)


def problem(metric: str = "latency_ms", device: str = "2080ti_1") -> Problem:
    """What to ask of a network: ``latency_ms`` on a device, whose name may end with its batch size (``v100_32``).

    Raises:
        ValueError: If the metric is another one.
    """
    return asked("the once-for-all network", _CONTEXT, {"latency_ms": f"latency_ms {measured_on(device)}"}, metric)


def to_onnx(
    network: Network, *, batch: int = 1, resolution: int | None = None, width: float = 1, seed: int = 0
) -> ModelProto:
    """The network with random weights: (batch, 3, resolution, resolution) -> (batch, 1000).

    Args:
        network: The network.
        batch: Images.
        resolution: Their sides, pixels; None: the network's.
        width: Factor of all channels.
        seed: Of the weights.

    Raises:
        ValueError: If a size is less than 1, or the width not positive.
    """
    side = network.resolution if resolution is None else resolution
    shape, activation = (batch, 3, side, side), "HardSwish"
    blocks = _blocks(network)
    return mobile_network.to_onnx(blocks, _STEM, _HEAD, shape, width=width, activation=activation, seed=seed)


def _block(kernel: int, expansion: int) -> tuple[int, int]:
    return choice("a kernel", kernel, KERNELS), choice("an expansion", expansion, EXPANSIONS)


def _blocks(network: Network) -> list[Block]:
    blocks = [Block(3, 1, 16)]
    for stage, (channels, stride, squeeze), activation in zip(network.stages, _STAGES, _ACTIVATIONS, strict=True):
        for number, (kernel, expansion) in enumerate(stage):
            step = 1 if number else stride
            blocks.append(Block(kernel, expansion, channels, step, squeeze, activation=activation))
    return blocks


def _network(chosen: Sequence[int]) -> Network:
    kernels = [KERNELS[choice] for choice in chosen[:_BLOCKS]]
    expansions = [EXPANSIONS[choice] for choice in chosen[_BLOCKS : 2 * _BLOCKS]]
    depths = [DEPTHS[choice] for choice in chosen[2 * _BLOCKS : -1]]
    return from_record({"ks": kernels, "e": expansions, "d": depths, "r": RESOLUTIONS[chosen[-1]]})


def _chosen(network: Network) -> list[int]:
    """Numbers of the choices; blocks that are not run take the first ones."""
    padded = [(*stage, *[(KERNELS[0], EXPANSIONS[0])] * (_MOST - len(stage))) for stage in network.stages]
    blocks = [block for stage in padded for block in stage]
    kernels = [KERNELS.index(kernel) for kernel, _ in blocks]
    expansions = [EXPANSIONS.index(expansion) for _, expansion in blocks]
    depths = [DEPTHS.index(len(stage)) for stage in network.stages]
    return [*kernels, *expansions, *depths, RESOLUTIONS.index(network.resolution)]


def _resized(stages: tuple[tuple[tuple[int, int], ...], ...]) -> list[tuple[tuple[tuple[int, int], ...], ...]]:
    """Stages with one block more, of any kind, at the end of one of them, or one block less."""
    grown = [
        (*stages[:place], (*stage, (kernel, expansion)), *stages[place + 1 :])
        for place, stage in enumerate(stages)
        if len(stage) < _MOST
        for kernel in KERNELS
        for expansion in EXPANSIONS
    ]
    shrunk = [
        (*stages[:place], stage[:-1], *stages[place + 1 :])
        for place, stage in enumerate(stages)
        if len(stage) > min(DEPTHS)
    ]
    return [*grown, *shrunk]


def _one_block(network: Network, other: Network) -> bool:
    """Whether no stage has gained or lost more than one block."""
    return all(abs(len(a) - len(b)) <= 1 for a, b in zip(network.stages, other.stages, strict=True))
