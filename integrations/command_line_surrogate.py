"""The surrogate that a command asks."""

from __future__ import annotations

from pathlib import Path

from ..surrogate import RLMSurrogate
from .command_line_output import say


def opened(path: Path | None) -> RLMSurrogate:
    """A surrogate on onnxruntime, which starts in a tenth of torch's time; on torch, saying so, if it cannot run there.

    Args:
        path: Its folder; None: the packaged one.
    """
    try:
        return RLMSurrogate.load(path, backend="onnxruntime")
    except (ModuleNotFoundError, PermissionError, ValueError) as reason:
        surrogate = RLMSurrogate.load(path)  # what is wrong with the checkpoint itself is said here
        say(f"this runs on torch, which starts slower: {reason}")
        return surrogate
