"""The processes that train one model together, each on draws of its own.

`accelerate launch --multi_gpu` starts one for each GPU, `torchrun --nproc_per_node` several on the cores of a machine.
They hold the same weights because they start from the same ones and step by the same averaged gradients.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Processes:
    """This process among those that train; alone, it neither needs nor imports accelerate.

    Args:
        index: Number of this process; the main one, which alone writes, is 0.
        count: How many there are.
        device: Where they meet: the GPU of this process, or "cpu".
    """

    index: int = 0
    count: int = 1
    device: str = "cpu"

    @classmethod
    def launched(cls, device: str = "cpu") -> Processes:
        """Those that were started together; call it before anything is put on a GPU, as it chooses one for each.

        Args:
            device: Where they train, "cpu" or "cuda"; a process that is alone chooses none.

        Raises:
            ModuleNotFoundError: If there are several and accelerate is not installed.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) == 1:
            return cls()
        from accelerate import PartialState

        state: Any = PartialState(cpu=device == "cpu")
        return cls(state.process_index, state.num_processes, str(state.device))

    @property
    def main(self) -> bool:
        """Whether this is the process that writes."""
        return self.index == 0

    def mean(self, value: float) -> float:
        """Mean of a number over the processes, on all of them."""
        return value if self.count == 1 else float(self._reduced(torch.tensor(float(value), device=self.device)))

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give all processes the mean of their gradients; a process whose draws did not need a weight counts as 0."""
        if self.count == 1:
            return
        trained = [parameter for parameter in parameters if parameter.requires_grad]
        own = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
        mean = self._reduced(nn.utils.parameters_to_vector(own))  # one message, not hundreds
        nn.utils.vector_to_parameters(mean, own)
        for parameter, gradient in zip(trained, own, strict=True):
            parameter.grad = gradient

    def _reduced(self, tensor: Tensor) -> Tensor:
        import accelerate.utils

        library: Any = accelerate.utils
        return library.reduce(tensor, reduction="mean")


ALONE = Processes()
"""One process, as without a launcher."""
