"""A cell of NAS-Bench-101 as a network of any size (Ying et al. 2019, arXiv:1902.09635), and its accuracy on digits.

Shapes: B images, C channels, H x H pixels; V vertices.
"""

from __future__ import annotations

from functools import lru_cache

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from prerank.search_spaces.nas_bench_101 import Cell
from prerank.search_spaces.nas_bench_101_network import vertex_channels

# Accuracies of random cells spread by 0.10 to 0.16 (standard deviation) and move by 0.05 with the seed. Half the steps
# double what the seed does; many more, and all cells read digits equally well.
STEPS, BATCH, RATE = 80, 32, 0.1
TRAINING_IMAGES, VALIDATION_IMAGES = 256, 1000
CHANNELS = 8


class CellModule(nn.Module):
    """One cell: (B, C_in, H, H) -> (B, C_out, H, H).

    Edges from the input are 1x1 convolutions, all others are free. An inner vertex adds up what enters it; the output
    concatenates the inner vertices and adds the input.
    """

    def __init__(self, cell: Cell, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self._output = len(cell.ops) - 1
        self._before = [sorted(cell.graph.predecessors(vertex)) for vertex in range(len(cell.ops))]
        self._widths = vertex_channels(cell, channels_in, channels_out)
        self.projections = nn.ModuleDict(
            {str(v): _conv_bn_relu(channels_in, self._widths[v], 1) for v in cell.graph.successors(0)}
        )
        self.operations = nn.ModuleDict(
            {str(v): _operation(cell.ops[v], self._widths[v]) for v in range(1, self._output)}
        )

    def forward(self, images: Tensor) -> Tensor:
        values = [images]
        for vertex in range(1, self._output):
            # A predecessor may be wider, by the rule of `vertex_channels`; what does not fit is cut.
            inner = [values[v][:, : self._widths[vertex]] for v in self._before[vertex] if v > 0]
            values.append(self.operations[str(vertex)](_total(inner + self._projected(vertex, images))))
        last = [values[v] for v in self._before[self._output] if v > 0]
        joined = [torch.cat(last, dim=1)] if last else []
        return _total(joined + self._projected(self._output, images))

    def _projected(self, vertex: int, images: Tensor) -> list[Tensor]:
        """The cell's input as the vertex sees it, if an edge leads there."""
        return [self.projections[str(vertex)](images)] if str(vertex) in self.projections else []


def cell_network(
    cell: Cell, *, image_channels: int, classes: int, channels: int = 128, stages: int = 3, cells_per_stage: int = 3
) -> nn.Sequential:
    """Stem, stages of cells, a linear classifier: (B, image_channels, H, H) -> (B, classes).

    Every stage but the first halves H and doubles C. The defaults are the network of NAS-Bench-101.
    """
    layers: list[nn.Module] = [_conv_bn_relu(image_channels, channels, 3)]
    widths = [channels << stage for stage in range(stages)]
    for stage, width in enumerate(widths):
        before = widths[max(stage - 1, 0)]
        layers += [nn.MaxPool2d(2)] if stage > 0 else []
        layers += [CellModule(cell, width if place else before, width) for place in range(cells_per_stage)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(widths[-1], classes))


def digits_accuracy(cell: Cell, seed: int) -> float:
    """Validation accuracy on scikit-learn's digits after a short training of a small network, about 0.5 s on a CPU.

    The split is always the same; the seed draws the weights and the batches.
    """
    images, labels = digits()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = cell_network(cell, image_channels=1, classes=10, channels=CHANNELS, cells_per_stage=1)
        _train(network, images[:TRAINING_IMAGES], labels[:TRAINING_IMAGES])
    network.eval()
    with torch.inference_mode():
        right = network(images[-VALIDATION_IMAGES:]).argmax(dim=1) == labels[-VALIDATION_IMAGES:]
    return float(right.float().mean())


@lru_cache(maxsize=1)
def digits() -> tuple[Tensor, Tensor]:
    """Images in [0, 1], (1797, 1, 8, 8), and labels, (1797,), shuffled: neighbours in the data share a writer."""
    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    return torch.tensor(images / 16, dtype=torch.float32).reshape(-1, 1, 8, 8)[order], torch.tensor(labels)[order]


def _train(network: nn.Module, images: Tensor, labels: Tensor) -> None:
    """Nesterov's momentum, the rate falling to zero along a cosine."""
    optimizer = torch.optim.SGD(network.parameters(), RATE, momentum=0.9, nesterov=True, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    epochs = -(-STEPS * BATCH // len(images))
    order = torch.cat([torch.randperm(len(images)) for _ in range(epochs)])
    for batch in order.split(BATCH)[:STEPS]:
        optimizer.zero_grad()
        F.cross_entropy(network(images[batch]), labels[batch]).backward()
        optimizer.step()
        schedule.step()


def _total(tensors: list[Tensor]) -> Tensor:
    return torch.stack(tensors).sum(dim=0)


def _operation(name: str, channels: int) -> nn.Module:
    if name == "maxpool3x3":
        return nn.MaxPool2d(3, stride=1, padding=1)
    return _conv_bn_relu(channels, channels, {"conv3x3": 3, "conv1x1": 1}[name])


def _conv_bn_relu(channels_in: int, channels_out: int, size: int) -> nn.Sequential:
    convolution = nn.Conv2d(channels_in, channels_out, size, padding=size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out), nn.ReLU())
