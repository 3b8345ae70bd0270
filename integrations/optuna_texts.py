"""Candidates as texts: which of them may be proposed, and which parameters no text shows.

Shapes: m candidates, D parameters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .optuna_branches import Branches
from .optuna_parameters import Params

Floats = NDArray[np.float64]
Names = frozenset[str]
Read = Callable[[Params], "str | None"]
"""Parameters -> text; None of what may not be proposed."""

_PROBES = 64  # candidates of which each parameter is changed alone, until a text shows it
_ENOUGH = 8  # changes that no text shows


class UnreadableError(Exception):
    """No text can be made of a candidate, which may be proposed all the same: by its parameters."""


class Texts:
    """What candidates say, each read once.

    A text is not to be proposed again, unless its candidates differ in what no text shows: what is tuned beside it.

    Args:
        parameters: Their search space.
        read: Makes the texts.
        told: Texts that were tried, with the parameters of their trials.
        beside: Parameters that no text shows.
    """

    def __init__(
        self, parameters: Branches, read: Read, told: Iterable[tuple[str, Mapping[str, Any]]], beside: Names
    ) -> None:
        self._parameters, self._read, self.beside = parameters, read, sorted(beside)
        self._tried = {self._key(text, params) for text, params in told}
        self.tried = {text for text, *_ in self._tried}
        """Texts that were tried."""
        self._known: dict[bytes, tuple[str | None, bool]] = {}

    def __call__(self, rows: Floats) -> list[str | None]:
        """Texts of candidates (m, D), None of those of which there is none."""
        return [text for text, _ in self._look(rows)]

    def may(self, rows: Floats) -> NDArray[np.bool_]:
        """Which candidates may be proposed, (m,)."""
        return np.array([may for _, may in self._look(rows)], dtype=np.bool_)

    def _look(self, rows: Floats) -> list[tuple[str | None, bool]]:
        keys = [row.tobytes() for row in rows]
        new = {key: number for number, key in enumerate(keys) if key not in self._known}
        decoded = self._parameters.decode(rows[list(new.values())]) if new else ()
        self._known.update(zip(new, map(self._judged, decoded), strict=True))
        return [self._known[key] for key in keys]

    def _judged(self, params: Params) -> tuple[str | None, bool]:
        try:
            text = self._read(params)
        except UnreadableError:
            return None, True
        return text, text is not None and self._key(text, params) not in self._tried

    def _key(self, text: str, params: Mapping[str, Any]) -> tuple[str, ...]:
        return text, *(repr(params.get(name)) for name in self.beside)  # a choice may be a list


def left_out(parameters: Branches, read: Read) -> Names:
    """Parameters that no text shows: wherever one of them alone is changed, the text remains."""
    rng, hidden, shown = np.random.default_rng(0), Counter[str](), set[str]()
    for row in parameters.put(parameters.draw(rng, _PROBES), {}):
        text, params = _told(read, parameters.decode(row[None])[0])
        if text is None:
            continue
        for name, changed in _changes(parameters, row, parameters.draw(rng, 1)[0]):
            if name in params.keys() - shown:
                remains = _told(read, changed)[0] == text
                hidden.update([name] if remains and changed.get(name) != params[name] else [])
                shown.update([] if remains else [name])
        if shown >= parameters.distributions.keys():
            break
    return Names(name for name, count in hidden.items() if count >= _ENOUGH and name not in shown)


def _changes(parameters: Branches, row: Floats, other: Floats) -> Iterable[tuple[str, Params]]:
    """A candidate with each of its parameters alone as in another one."""
    rows = np.where(np.eye(len(row), dtype=np.bool_), other, row)
    return zip(parameters.distributions, parameters.decode(parameters.put(rows, {})), strict=True)


def _told(read: Read, params: Params) -> tuple[str | None, Params]:
    try:
        return read(params), params
    except UnreadableError:
        return None, params
