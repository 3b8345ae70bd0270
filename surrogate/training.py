"""One training loop, for pretraining and for fine-tuning.

Cross-entropy of every number's tokens under teacher forcing. Matrices of the layers are stepped by Muon (Jordan et al.
2024), everything else by AdamW; linear warm-up, linear decay to zero, gradient clipping. The weights that rank the
validation rows best are kept. Draws depend on (seed, step, process) alone, so that a resumed run repeats an
uninterrupted one.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from .codec import FIRST, ZERO
from .model import RLM
from .processes import ALONE, Processes
from .seeds import seeded
from .table import Batch, Table

STATE = "state.pt"
"""What a run goes on from, in its folder."""
_SCHEDULE = ("steps", "rate", "adam_rate", "encoder_rate", "warm_up", "clip", "dropout")
_DRAWN = ("draws", "contexts", "candidates", "metrics", "shares", "seed")
"""Settings that the weights depend on."""


@dataclass
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
            a state goes on from there.
        of: What the run is of beside these settings, such as its data: name -> a text that tells it from others. The
            state of another run is refused.
        amp: Compute in bfloat16 where it is safe, which is faster on a GPU and on a processor with AVX-512 BF16; None
            does so on a GPU.
        processes: Those that share the run; each draws its own batches (see `Processes.launched`).
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
    _best: float = field(default=-np.inf, init=False)
    _kept: dict[str, Tensor] = field(default_factory=dict[str, Tensor], init=False)
    _stale: int = field(default=0, init=False)

    def run(self, model: RLM, table: Table, validate: Callable[[], float] | None = None) -> None:
        """Train a model in place; with validate, a rank correlation, the best weights seen are the final ones.

        Raises:
            ValueError: If the folder holds the state of another run.
        """
        self._best, self._kept, self._stale = -np.inf, {}, 0
        model.drop(self.dropout)
        optimizers = self._optimizers(model)
        step = self._resume(model, optimizers)
        progress = tqdm(initial=step, total=self.steps, desc="training", unit="step", disable=not self.processes.main)
        with progress, _interrupts() as asked:
            while step < self.steps and self._stale < self.patience:
                loss = self._step(model, table, optimizers, step)
                step += 1
                progress.update()
                if step % 20 == 0:
                    progress.set_postfix(loss=f"{float(loss):.3f}", rank=f"{self._best:.4f}")
                if step % self.validate_every == 0 or step == self.steps:
                    self._validate(model, validate, step, float(loss))
                    self._save(model, optimizers, step)
                if self.processes.mean(len(asked)) > 0:
                    self._save(model, optimizers, step)
                    raise KeyboardInterrupt
        if self._kept:
            model.load_state_dict(self._kept)
        model.eval()

    @property
    def _told(self) -> dict[str, str]:
        """What tells the run from others: all that its weights depend on."""
        return {name: repr(getattr(self, name)) for name in (*_SCHEDULE, *_DRAWN)} | dict(self.of)

    def _step(self, model: RLM, table: Table, optimizers: list[torch.optim.Optimizer], step: int) -> Tensor:
        model.train()
        device = next(model.parameters()).device
        rng = np.random.default_rng([self.seed, step, self.processes.index])  # index 0 draws as if it were not there
        amp = device.type == "cuda" if self.amp is None else self.amp
        losses: list[Tensor] = []
        with seeded(int(rng.integers(2**63)), device):  # dropout must not depend on the steps before either
            for _ in range(self.draws):
                batch = table.draw(rng, self.contexts, self.candidates, self.metrics).to(device)
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=amp):
                    loss = loss_of(model, batch) / self.draws
                loss.backward()
                losses.append(loss.detach())
        self.processes.average_gradients(model.parameters())
        nn.utils.clip_grad_norm_(model.parameters(), self.clip)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * self._schedule(step)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return torch.stack(losses).sum()

    def _schedule(self, step: int) -> float:
        warm = max(1, int(self.warm_up * self.steps))
        return min((step + 1) / warm, (self.steps - step) / max(1, self.steps - warm))

    def _optimizers(self, model: RLM) -> list[torch.optim.Optimizer]:
        matrices = [p for stage in (model.reader, model.writer) for p in stage.parameters() if p.ndim == 2]
        pretrained = model.pretrained_parameters()
        taken = {id(p) for p in (*matrices, *pretrained)}
        others = [p for p in model.parameters() if id(p) not in taken]
        groups: list[dict[str, Any]] = [{"params": others, "peak": self.adam_rate}]
        if pretrained:
            groups.append({"params": pretrained, "peak": self.encoder_rate})
        muon: Any = torch.optim.Muon([{"params": matrices, "peak": self.rate}], weight_decay=0.1)
        return [muon, torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0)]

    def _validate(self, model: RLM, validate: Callable[[], float] | None, step: int, loss: float) -> None:
        model.eval()
        rank = self.processes.mean(validate() if validate else float("nan"))
        loss = self.processes.mean(loss)
        if rank > self._best:
            self._best, self._stale = rank, 0
            self._kept = {name: value.detach().clone() for name, value in model.state_dict().items()}
        elif not np.isnan(rank):
            self._stale += 1
        self._log({"step": step, "loss": round(loss, 5), "rank": round(rank, 5), "time": round(time.time(), 1)})

    def _log(self, entry: dict[str, float]) -> None:
        if self.folder and self.processes.main:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(entry) + "\n")

    def _save(self, model: RLM, optimizers: list[torch.optim.Optimizer], step: int) -> None:
        """Write the resumable state, whole or not at all."""
        if not self.folder or not self.processes.main:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        state = {
            "step": step,
            "of": self._told,
            "model": model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in optimizers],
            "best": (self._best, self._kept, self._stale),
        }
        part = self.folder / f"{STATE}.part"
        torch.save(state, part)
        os.replace(part, self.folder / STATE)

    def _resume(self, model: RLM, optimizers: list[torch.optim.Optimizer]) -> int:
        path = self.folder / STATE if self.folder else None
        if not path or not path.exists():
            return 0
        state = torch.load(path, map_location=next(model.parameters()).device, weights_only=True)
        others = sorted(name for name, _ in self._told.items() ^ state.get("of", {}).items())
        if others:
            said = f"{path} is of a training with another {', '.join(dict.fromkeys(others))}"
            raise ValueError(f"{said}; call that one again, remove its folder, or choose another one")
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self._best, self._kept, self._stale = state["best"]
        return state["step"]


def usual_steps(rows: int) -> int:
    """Updates in which each of so many rows is read sixteen times, in batches of the usual size; at least a hundred."""
    return max(100, 16 * rows // Training.candidates)


@contextmanager
def _interrupts() -> Generator[list[int]]:
    """Collect Ctrl-C, so that a step is done whole and saved before the run ends; a second one ends it at once."""
    asked: list[int] = []

    def note(number: int, frame: object) -> None:
        asked.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    ours = threading.current_thread() is threading.main_thread()  # no other thread may, or need, handle signals
    if not ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield asked
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def loss_of(model: RLM, batch: Batch) -> Tensor:
    """Cross-entropy of a batch's numbers, nats a measured number. Digits after FAILED or ZERO do not count."""
    words, contexts = model.words(batch.pieces), model.encode(batch.context_pieces, batch.contexts)
    candidates = model.read_candidates(words, batch.candidates, contexts)
    metrics = model.embed_metrics(words, batch.metrics)[batch.asked]
    scores = model(metrics, batch.tokens, candidates)
    tokens = batch.tokens.flatten(0, 1)
    measured = batch.present.flatten()
    counted = measured & (tokens[:, 0] > ZERO)
    losses = [
        F.cross_entropy(score[mask].float(), tokens[mask, position] - int(FIRST[position]), reduction="sum")
        for position, score in enumerate(scores)
        for mask in [counted if position else measured]
    ]
    return torch.stack(losses).sum() / measured.sum().clamp(min=1)
