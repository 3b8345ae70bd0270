"""Texts that a user's function makes of candidates."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Generic, TypeVar

from ..surrogate.ranking import text_or_none

Candidate = TypeVar("Candidate")

_logger = logging.getLogger("nni.prerank")
_PATIENCE = 100  # failures before the first text; by then it is not the candidates that are wrong


class Reading(Generic[Candidate]):
    """A function from candidates to texts that may fail, since an experiment of hours must not die of one candidate.

    Args:
        to_text: Candidate -> text; None marks an invalid one, and so does an exception.
    """

    def __init__(self, to_text: Callable[[Candidate], str | None]) -> None:
        self._to_text = to_text
        self._failed, self._made = 0, False

    def __call__(self, candidate: Candidate) -> str | None:
        """The text; None where there is none.

        Raises:
            Exception: What the function raises, if it has failed many times and never made a text.
        """
        try:
            text = text_or_none(self._to_text(candidate))
        except Exception as error:
            self._failed += 1
            if not self._made and self._failed >= _PATIENCE:
                raise
            if self._failed == 1:
                _logger.warning("to_text failed (%r) of %r; such candidates are left out", error, candidate)
            return None
        self._made = self._made or text is not None
        return text
