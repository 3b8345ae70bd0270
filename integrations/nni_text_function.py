"""The function that makes texts of candidates: a user's, which may fail, or which a configuration names."""

from __future__ import annotations

import logging
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Generic, TypeVar

from ..surrogate.ranking import text_or_none

Candidate = TypeVar("Candidate")

_logger = logging.getLogger("nni.prerank")
_PATIENCE = 100  # failures before the first text; by then it is not the candidates that are wrong


class TextFunction(Generic[Candidate]):
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


def load_function(place: str) -> Callable[[Any], str | None]:
    """The function at ``module:function``.

    Raises:
        ValueError: If it is no such place, or nothing can be imported from there.
    """
    module, name = _parts(place)
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"to_text is {place!r} ({error}); give 'module:function' of a module on the path") from error


def check_function(place: str) -> None:
    """See that there is such a module, without importing it; beside a registered name there is no code directory.

    Raises:
        ValueError: If it is no ``module:function``, or there is no module.
    """
    package = _parts(place)[0].partition(".")[0]
    if find_spec(package) is None:
        hint = "put its folder in PYTHONPATH, or give className and codeDirectory instead of the tuner's name"
        raise ValueError(f"to_text is {place!r}, and no module {package!r} is found; {hint}")


def _parts(place: str) -> tuple[str, str]:
    module, _, name = place.partition(":")
    if not module or module.startswith(".") or not name:
        raise ValueError(f"to_text is {place!r}; give 'module:function'")
    return module, name
