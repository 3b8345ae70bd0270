"""Layers of image networks as ONNX nodes, of which the spaces build their candidates.

Batch normalisation is part of the convolution before it, as exporters leave it for inference. Weights are random (He et
al. 2015, arXiv:1502.01852), so that a network computes with numbers of the usual size.

Shapes: N images, C channels, sides H x W; one side for sequences, three for volumes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnx import ModelProto

OPSET, IR_VERSION = 17, 8  # of 2022: nothing here needs a newer one, and older runtimes read it


@dataclass(frozen=True)
class Tensor:
    """An output of a layer.

    Args:
        name: In the graph.
        shape: (N, C, H, W), or (N, features), or as the operator has it.
    """

    name: str
    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        """Channels, or features."""
        return self.shape[1]


class Layers:
    """A network that grows layer by layer, from `images` on; `model` ends it.

    Args:
        shape: Of the images, (N, C, H, W).
        seed: Of the weights.

    Raises:
        ValueError: If a size is less than 1.
    """

    def __init__(self, shape: Sequence[int], seed: int = 0) -> None:
        if any(size < 1 for size in shape):
            raise ValueError(f"the images have the shape {tuple(shape)}; give sizes of at least 1")
        self._rng = np.random.default_rng(seed)
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self.images = Tensor("images", tuple(shape))

    def conv(
        self,
        x: Tensor,
        channels: int,
        kernel: int | tuple[int, ...],
        stride: int = 1,
        groups: int = 1,
        dilation: int = 1,
    ) -> Tensor:
        """A convolution whose output has the sides of its input over the stride, rounded up, with a bias."""
        sides = len(x.shape) - 2
        kernels = (kernel,) * sides if isinstance(kernel, int) else kernel
        weight = self._weight((channels, x.channels // groups, *kernels))
        pads = _pads([dilation * (size - 1) for size in kernels])
        attributes = {"strides": [stride] * sides, "pads": pads, "group": groups, "dilations": [dilation] * sides}
        shape = (x.shape[0], channels, *_strided(x, stride))
        return self.node("Conv", [x, weight, self._weight((channels,))], shape, kernel_shape=kernels, **attributes)

    def depthwise(self, x: Tensor, kernel: int, stride: int = 1, dilation: int = 1) -> Tensor:
        """A convolution of each channel by itself."""
        return self.conv(x, x.channels, kernel, stride, x.channels, dilation)

    def max_pool(self, x: Tensor, kernel: int, stride: int = 1) -> Tensor:
        """The largest of each window."""
        return self._pool("MaxPool", x, kernel, stride)

    def average_pool(self, x: Tensor, kernel: int, stride: int = 1) -> Tensor:
        """The mean of each window, of what is inside the image."""
        return self._pool("AveragePool", x, kernel, stride)

    def relu(self, x: Tensor) -> Tensor:
        """max(x, 0)."""
        return self.node("Relu", [x], x.shape)

    def activation(self, x: Tensor, kind: str) -> Tensor:
        """Any elementwise operator of ONNX without attributes, such as ``HardSwish``."""
        return self.node(kind, [x], x.shape)

    def add(self, tensors: Sequence[Tensor]) -> Tensor:
        """The sum of tensors of one shape; of a single one, itself."""
        total, *others = tensors
        for other in others:
            total = self.node("Add", [total, other], total.shape)
        return total

    def concat(self, tensors: Sequence[Tensor]) -> Tensor:
        """Tensors joined along the channels; a single one is itself."""
        if len(tensors) == 1:
            return tensors[0]
        first = tensors[0].shape
        shape = (first[0], sum(tensor.channels for tensor in tensors), *first[2:])
        return self.node("Concat", tensors, shape, axis=1)

    def scaled(self, x: Tensor, scale: Tensor) -> Tensor:
        """The tensor times another, which may have sides of 1."""
        return self.node("Mul", [x, scale], x.shape)

    def global_average(self, x: Tensor) -> Tensor:
        """The mean over the sides, (N, C, 1, 1)."""
        return self.node("GlobalAveragePool", [x], (*x.shape[:2], *[1] * (len(x.shape) - 2)))

    def flat(self, x: Tensor) -> Tensor:
        """All but the first axis as one."""
        return self.node("Flatten", [x], (x.shape[0], prod(x.shape[1:])), axis=1)

    def linear(self, x: Tensor, features: int) -> Tensor:
        """Features of features, (N, C) -> (N, features), with a bias."""
        weight = self._weight((features, x.channels))
        return self.node("Gemm", [x, weight, self._weight((features,))], (x.shape[0], features), transB=1)

    def node(self, kind: str, inputs: Sequence[Tensor], shape: Sequence[int], **attributes: Any) -> Tensor:
        """Any node of one output, whose shape the caller knows."""
        from onnx import helper

        output = Tensor(f"value{len(self._nodes)}", tuple(shape))
        self._nodes.append(helper.make_node(kind, [each.name for each in inputs], [output.name], **attributes))
        return output

    def constant(self, array: NDArray[Any]) -> Tensor:
        """A weight of given elements."""
        from onnx import numpy_helper

        tensor = Tensor(f"weight{len(self._weights)}", array.shape)
        self._weights.append(numpy_helper.from_array(array, tensor.name))
        return tensor

    def model(self, output: Tensor, name: str = "network") -> ModelProto:
        """The network of one output."""
        from onnx import TensorProto, helper

        ends = [
            helper.make_tensor_value_info(each.name, TensorProto.FLOAT, each.shape) for each in (self.images, output)
        ]
        graph = helper.make_graph(self._nodes, name, ends[:1], ends[1:], self._weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="prerank")
        model.ir_version = IR_VERSION
        return model

    def _weight(self, shape: tuple[int, ...]) -> Tensor:
        scale = (2 / max(1, prod(shape[1:]))) ** 0.5 if len(shape) > 1 else 0.0
        return self.constant(self._rng.standard_normal(shape, dtype=np.float32) * np.float32(scale))

    def _pool(self, kind: str, x: Tensor, kernel: int, stride: int) -> Tensor:
        shape = (*x.shape[:2], *_strided(x, stride))
        sides = len(x.shape) - 2
        pads = _pads([kernel - 1] * sides)
        return self.node(kind, [x], shape, kernel_shape=[kernel] * sides, strides=[stride] * sides, pads=pads)


def check_sizes(**sizes: int) -> None:
    """Refuse a network of nothing.

    Raises:
        ValueError: If a size is less than 1.
    """
    for name, size in sizes.items():
        if size < 1:
            raise ValueError(f"{name} is {size}; it must be at least 1")


def _pads(missing: Sequence[int]) -> list[int]:
    """What each side lacks, shared between its beginning and its end."""
    return [size // 2 for size in missing] + [-(-size // 2) for size in missing]


def _strided(x: Tensor, stride: int) -> list[int]:
    return [-(-side // stride) for side in x.shape[2:]]
