"""Checkpoints that are open: what a folder holds, read once per process for as long as it does not change."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from . import checkpoint
from .knowledge import Knowledge

if TYPE_CHECKING:
    from .backends import Backend
    from .inference import Inference

Stamp = frozenset[tuple[str, int]]
"""What tells a folder from itself after a change."""
_LOADING = Lock()
"""Two threads that miss the cache at once would both read, and both write the graphs for onnxruntime."""


def model_in(folder: Path, stamp: Stamp, device: str, backend: Backend) -> Inference:
    """A checkpoint's model, read and verified once per process and file."""
    with _LOADING:
        return _read_once(folder, stamp, device, backend)


@lru_cache(maxsize=8)
def _read_once(folder: Path, _stamp: Stamp, device: str, backend: Backend) -> Inference:
    return checkpoint.load(folder, device, backend)


@lru_cache(maxsize=8)
def identity_in(folder: Path, _stamp: Stamp) -> str:
    """What tells a checkpoint's model from others, read once per process and file."""
    return checkpoint.identity(checkpoint.describe(folder))


@lru_cache(maxsize=8)
def knowledge_in(folder: Path, _stamp: Stamp) -> Knowledge:
    """What a checkpoint's model knows, read once per process and file."""
    return Knowledge.from_json(checkpoint.describe(folder)["knowledge"])


def stamp(folder: Path) -> Stamp:
    """When each file of a folder last changed, but for those that are being written."""
    return frozenset((file.name, _changed(file)) for file in folder.glob("[!.]*"))


def _changed(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except FileNotFoundError:  # removed meanwhile by another process that saves
        return 0
