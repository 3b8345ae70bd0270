"""How a model is trained: the numbers of a run. See `training_run` for the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .model import RLM
from .processes import ALONE, Processes
from .table import Table
from .training_run import Run

_SCHEDULE = ("steps", "rate", "adam_rate", "encoder_rate", "warm_up", "clip", "dropout")
_DRAWN = ("draws", "contexts", "candidates", "metrics", "shares", "seed")
"""Settings that the weights depend on."""


@dataclass(frozen=True)
class Training:
    """A run of the loop.

    Args:
        steps: Updates of the weights.
        draws: Batches an update, each drawn from one space (`Table.draw`).
        contexts: Contexts in a batch; fewer where a space has fewer, more where one has few candidates.
        candidates: Candidates in a batch, of all contexts together.
        metrics: Most values of each candidate in a batch.
        shares: First context line -> weight of its draws; None: the square root of its rows.
        rate: Peak learning rate of Muon; AdamW's is `adam_rate`.
        adam_rate: Peak learning rate of the embeddings, norms and outputs.
        encoder_rate: Peak learning rate of a pretrained encoder that is not frozen.
        warm_up: Share of the steps in which the rate rises.
        clip: Largest norm of the gradient.
        dropout: Share of a layer's output that is left out: a few thousand rows are soon learnt by heart, while the end
            of a long run on many fits them better with 0.
        validate_every: Steps between two validations.
        patience: Validations without a better rank correlation before the run stops early.
        seed: Seed of the draws.
        folder: Where the log and the resumable state are kept; None keeps nothing. A run whose folder holds
            a state goes on from there; when it validates, how patiently, and what it computes in and with may be
            others than before.
        of: What the run is of beside these settings, such as its data: name -> a text that tells it from others. The
            state of another run is refused.
        amp: Compute in bfloat16 where it is safe, which is faster on a GPU and on a processor with AVX-512 BF16; None
            does so on a GPU.
        processes: Those that share the run; each draws its own batches (see `Processes.launched`).

    Raises:
        ValueError: If a number makes no run.
    """

    steps: int
    draws: int = 1
    contexts: int = 8
    candidates: int = 256
    metrics: int = 6
    shares: Mapping[str, float] | None = None
    rate: float = 0.01
    adam_rate: float = 3e-3
    encoder_rate: float = 3e-5
    warm_up: float = 0.05
    clip: float = 1.0
    dropout: float = 0.1
    validate_every: int = 150
    patience: int = 10
    seed: int = 0
    folder: Path | None = None
    of: Mapping[str, str] = field(default_factory=dict[str, str])
    amp: bool | None = None
    processes: Processes = ALONE

    def __post_init__(self) -> None:
        counts = ("steps", "draws", "contexts", "candidates", "metrics", "validate_every", "patience")
        for name, least in (*((name, 1) for name in counts), ("rate", 0.0), ("adam_rate", 0.0), ("encoder_rate", 0.0)):
            if not getattr(self, name) >= least:
                raise ValueError(f"{name} is {getattr(self, name)!r}; it must be at least {least}")
        if self.folder is not None:
            object.__setattr__(self, "folder", Path(self.folder))  # its name does, too
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout is {self.dropout!r}; it must be at least 0 and less than 1")

    def run(self, model: RLM, table: Table, validate: Callable[[], float] | None = None) -> None:
        """Train a model in place; with validate, a rank correlation, the best weights seen are the final ones.

        Raises:
            ValueError: If the folder holds the state of another run.
        """
        Run(self, model, table)(validate)

    @property
    def told(self) -> dict[str, str]:
        """What tells the run from others: all that its weights depend on."""
        return {name: repr(getattr(self, name)) for name in (*_SCHEDULE, *_DRAWN)} | dict(self.of)


def usual_steps(rows: int) -> int:
    """Updates in which each of so many rows is read sixteen times, in batches of the usual size; at least a hundred."""
    return max(100, 16 * rows // Training.candidates)
