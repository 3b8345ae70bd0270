"""Random numbers of torch that leave those of the user alone."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch


@contextmanager
def seeded(seed: int, device: torch.device) -> Generator[None]:
    """Draw from a seed, on the processor and on a device; all generators go on afterwards where they were.

    `torch.manual_seed` would seed every GPU, and a plain `torch.random.fork_rng` begin to use each of them.
    """
    gpus = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=gpus):
        torch.default_generator.manual_seed(seed)
        for gpu in gpus:
            with torch.cuda.device(gpu):
                torch.cuda.manual_seed(seed)
        yield
