"""Warnings that are given once, and end nothing where the user makes errors of them (``python -W error``)."""

from __future__ import annotations

import warnings
from contextlib import suppress


class Once:
    """Warns of each matter once."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def __call__(self, matter: str, message: str) -> None:
        """Warn, unless it was warned of this matter before."""
        if matter not in self._known:
            self._known.add(matter)
            with suppress(Warning):  # what goes on must go on as it would without
                warnings.warn(message, stacklevel=4)
