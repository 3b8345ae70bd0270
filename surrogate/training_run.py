"""One training loop, for pretraining and for fine-tuning.

Cross-entropy of every number's tokens under teacher forcing. Matrices of the layers are stepped by Muon (Jordan et al.
2024), everything else by AdamW; linear warm-up, linear decay to zero, gradient clipping. The weights that rank the
validation rows best are kept. Draws depend on (seed, step, process) alone, so that a resumed run repeats an
uninterrupted one.
"""

from __future__ import annotations

import io
import json
import pickle
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from .atomic import write_whole
from .codec import FIRST, ZERO
from .model import RLM
from .seeds import seeded
from .table import Batch, Table

if TYPE_CHECKING:
    from .training import Training

_WATCHED = 20  # steps between two looks at the loss, each of which waits for a GPU
STATE = "state.pt"
"""What a run goes on from, in its folder."""


class Run:
    """A training of one model, and how far it has come.

    Args:
        training: Its numbers.
        model: What is trained, in place.
        table: What it learns from.
    """

    def __init__(self, training: Training, model: RLM, table: Table) -> None:
        self._training, self._model, self._table = training, model, table
        self._optimizers = _optimizers(model, training)
        self._step, self._stale = 0, 0
        self._best, self._kept = -np.inf, dict[str, Tensor]()

    def __call__(self, validate: Callable[[], float] | None = None) -> None:
        """Go on from the state in the folder to the end; with validate, a rank correlation, to the best weights seen.

        Raises:
            ValueError: If the folder holds the state of another run.
            FloatingPointError: If the loss is no longer a number.
        """
        training, model = self._training, self._model
        model.drop(training.dropout)
        self._resume()
        count, silent = training.steps, not training.processes.main
        progress = tqdm(initial=self._step, total=count, desc="training", unit="step", disable=silent)
        with progress, _interrupts() as interrupts:
            while self._step < training.steps and self._stale < training.patience:
                self._go_on(validate, progress)
                if training.processes.mean(len(interrupts)) > 0:
                    self._save()
                    raise KeyboardInterrupt
        if self._kept:
            model.load_state_dict(self._kept)
        model.eval()

    def _go_on(self, validate: Callable[[], float] | None, progress: tqdm[Any]) -> None:
        """One step, and a validation where it is time for one."""
        loss = self._update()
        self._step += 1
        progress.update()
        if self._step % _WATCHED == 0:
            self._check(float(loss))
            progress.set_postfix(loss=f"{float(loss):.3f}", rank=f"{self._best:.4f}")
        if self._step % self._training.validate_every == 0 or self._step == self._training.steps:
            self._check(float(loss))
            self._validate(validate, float(loss))
            self._save()

    def _update(self) -> Tensor:
        """One update of the weights; the loss before it."""
        self._model.train()
        loss = self._backward(next(self._model.parameters()).device)
        self._training.processes.average_gradients(self._model.parameters())
        nn.utils.clip_grad_norm_(self._model.parameters(), self._training.clip)
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * self._rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        return loss

    def _backward(self, device: torch.device) -> Tensor:
        """Gradients of the batches of a step; their loss."""
        training, losses = self._training, list[Tensor]()
        # Process 0 draws as if its number were not there.
        rng = np.random.default_rng([training.seed, self._step, training.processes.index])
        amp = device.type == "cuda" if training.amp is None else training.amp
        with seeded(int(rng.integers(2**63)), device):  # dropout must not depend on the steps before either
            for _ in range(training.draws):
                batch = self._table.draw(rng, training.contexts, training.candidates, training.metrics).to(device)
                with torch.autocast(device.type, dtype=torch.bfloat16, enabled=amp):
                    loss = loss_of(self._model, batch) / training.draws
                loss.backward()
                losses.append(loss.detach())
        return torch.stack(losses).sum()

    @property
    def _rate(self) -> float:
        """Share of the peak rates."""
        steps = self._training.steps
        warm = max(1, int(self._training.warm_up * steps))
        return min((self._step + 1) / warm, (steps - self._step) / max(1, steps - warm))

    def _validate(self, validate: Callable[[], float] | None, loss: float) -> None:
        self._model.eval()
        mean = self._training.processes.mean
        rank, loss = mean(validate() if validate else float("nan")), mean(loss)
        if rank > self._best:
            self._best, self._stale = rank, 0
            self._kept = {name: value.detach().clone() for name, value in self._model.state_dict().items()}
        elif not np.isnan(rank):
            self._stale += 1
        self._log({"step": self._step, "loss": round(loss, 5), "rank": round(rank, 5), "time": round(time.time(), 1)})

    def _check(self, loss: float) -> None:
        if not np.isfinite(loss):
            rates = f"rate ({self._training.rate:g}) or adam_rate ({self._training.adam_rate:g})"
            raise FloatingPointError(f"the loss is {loss} after {self._step} steps; give a lower {rates}")

    def _log(self, entry: dict[str, float]) -> None:
        folder = self._training.folder
        if folder and self._training.processes.main:
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "log.jsonl").open("a") as log:
                log.write(json.dumps(entry) + "\n")

    def _save(self) -> None:
        """Write the resumable state."""
        folder = self._training.folder
        if not folder or not self._training.processes.main:
            return
        content = io.BytesIO()
        state = {
            "step": self._step,
            "of": self._training.told,
            "model": self._model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "best": (self._best, self._kept, self._stale),
        }
        torch.save(state, content)
        write_whole(folder / STATE, content.getvalue())

    def _resume(self) -> None:
        path = self._training.folder / STATE if self._training.folder else None
        if not path or not path.exists():
            return
        state = _read(path, next(self._model.parameters()).device)
        others = sorted(name for name, _ in self._training.told.items() ^ state["of"].items())
        if others:
            said = f"{path} is of a training with another {', '.join(dict.fromkeys(others))}"
            raise ValueError(f"{said}; call that one again, remove its folder, or choose another one")
        self._model.load_state_dict(state["model"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self._step, (self._best, self._kept, self._stale) = state["step"], state["best"]


def _read(path: Path, device: torch.device) -> dict[str, Any]:
    """What `Run` wrote.

    Raises:
        ValueError: If it is damaged.
    """
    try:
        state = torch.load(path, map_location=device, weights_only=True)
        return {name: state[name] for name in ("step", "of", "model", "optimizers", "best")}
    except (OSError, EOFError, RuntimeError, pickle.UnpicklingError, LookupError, TypeError) as error:
        raise ValueError(f"{path} is damaged ({error!r}); remove it to begin anew") from error


def _optimizers(model: RLM, training: Training) -> list[torch.optim.Optimizer]:
    matrices = [p for stage in (model.reader, model.writer) for p in stage.parameters() if p.ndim == 2]
    pretrained = model.pretrained_parameters()
    taken = {id(p) for p in (*matrices, *pretrained)}
    others = [p for p in model.parameters() if id(p) not in taken]
    groups: list[dict[str, Any]] = [{"params": others, "peak": training.adam_rate}]
    if pretrained:
        groups.append({"params": pretrained, "peak": training.encoder_rate})
    muon: Any = torch.optim.Muon([{"params": matrices, "peak": training.rate}], weight_decay=0.1)
    return [muon, torch.optim.AdamW(groups, betas=(0.9, 0.98), weight_decay=0.0)]


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
