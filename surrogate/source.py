"""Where the model of a surrogate comes from: a folder, whose checkpoint is opened when it is first asked, or memory."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import checkpoint
from .backends import Backend
from .knowledge import Knowledge
from .open_checkpoints import identity_in, knowledge_in, model_in, stamp

if TYPE_CHECKING:
    from .inference import Inference


class Source:
    """A model that is in memory, or a checkpoint with what runs it; surrogates that were forked share it.

    Args:
        origin: The model, or the folder of the checkpoint.
        device: Where the model shall run, as torch names it.
        backend: What predicts.
    """

    def __init__(self, origin: Path | Inference, device: str = "cpu", backend: Backend = "torch") -> None:
        self.origin = origin
        self._device = device
        self._backend: Backend = backend
        self._opened: Inference | None = None
        self._identity = ""

    def __str__(self) -> str:
        where = str(self.origin) if isinstance(self.origin, Path) else "in memory"
        return f"{where}, {self._backend} on {self._device}"

    @property
    def inference(self) -> Inference:
        """The model.

        Raises:
            ValueError: If the checkpoint is damaged, or does not run on the backend or device.

        Warns:
            UserWarning: If another one is in the folder by now than the surrogate was copied from, which it then takes.
        """
        if not isinstance(self.origin, Path):
            return self.origin
        if self._opened is None:  # kept: another checkpoint in the same folder must not take its place unseen
            self._opened = self._model(self.origin, self._backend)
        return self._opened

    @property
    def knowledge(self) -> Knowledge:
        """What the model knows, which a checkpoint tells without its weights."""
        if self._opened is None and isinstance(self.origin, Path):
            return knowledge_in(self.origin, stamp(self.origin))
        return self.inference.knowledge

    @property
    def identity(self) -> str:
        """Equal for equal models, in any process."""
        if isinstance(self.origin, Path) and self._opened is None:
            return self._identity or identity_in(self.origin, stamp(self.origin))
        self._identity = self._identity or checkpoint.identity_of(self.inference)
        return self._identity

    @property
    def trainable(self) -> Inference:
        """The model with weights of torch.

        Raises:
            ValueError: If another checkpoint took the place of the one that predicts.
        """
        if self._backend == "torch" or not isinstance(self.origin, Path):
            return self.inference
        return self._model(self.origin, "torch")

    def holding(self, model: Inference) -> Source:
        """Another model on the same device, in memory."""
        return Source(model, self._device)

    def _model(self, folder: Path, backend: Backend) -> Inference:
        """The model in the folder, which must be the one that predicts, if there is one."""
        since = stamp(folder)
        found = identity_in(folder, since)
        if self._identity not in ("", found):
            said = f"another checkpoint was written to {folder} since this one was opened"
            if self._opened is not None:
                raise ValueError(f"{said}; load it anew")
            warnings.warn(f"{said}; the copy predicts with the new one", stacklevel=2)
        self._identity = found
        return model_in(folder, since, self._device, backend)

    def __getstate__(self) -> dict[str, Any]:
        """Weights that lie in a folder are read again, not copied; whether they are the same is seen then."""
        return vars(self) | {"_opened": None} | ({} if isinstance(self.origin, Path) else {"_identity": ""})
