"""The mean of the weights of several trainings of one model.

Trainings that go on from the same weights end in one valley, whose middle is better than its sides (Izmailov et al.
2018, arXiv:1803.05407; Wortsman et al. 2022, arXiv:2203.05482).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from prerank.surrogate import RLMSurrogate
from prerank.surrogate.checkpoint import describe, load
from prerank.surrogate.source import Source


def mean_of(folders: Sequence[Path], device: str) -> RLMSurrogate:
    """A surrogate with the mean of the weights of checkpoints, that knows what the last one does.

    Raises:
        ValueError: If they have not the same pieces of words, or not the same weights by name and size.
    """
    if len(folders) == 1:
        return RLMSurrogate.load(folders[0], device=device)
    opened, told = [load(folder, device) for folder in folders], [describe(folder) for folder in folders]
    states: list[dict[str, Tensor]] = [own.model.state_dict() for own in opened]
    shapes = [{name: tensor.shape for name, tensor in state.items()} for state in states]
    for folder, shape, own in zip(folders, shapes, told, strict=True):
        if shape != shapes[-1] or own["tokenizer"] != told[-1]["tokenizer"]:
            raise ValueError(f"{folder} and {folders[-1]} are no trainings of one model; give such as began alike")
    mean = {name: torch.stack([state[name] for state in states]).mean(dim=0) for name in states[-1]}
    opened[-1].model.load_state_dict(mean)
    opened[-1].forget_contexts()  # read with the last one's weights when its golden outputs were checked
    surrogate = RLMSurrogate(Source(opened[-1], device))
    surrogate.provenance = _history([own["provenance"] for own in told])
    return surrogate


def _history(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Where a mean comes from; what all runs went on from is told once."""
    before = [run.get("before") for run in runs]
    if before.count(before[0]) < len(before) or before[0] is None:
        return {"mean of": [*runs]}
    return {"mean of": [{key: own for key, own in run.items() if key != "before"} for run in runs], "before": before[0]}
