"""Candidates that may be proposed: by their parameters, and by their texts where these are read.

Shapes: m candidates, D parameters.
"""

from __future__ import annotations

from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from .optuna_branches import Branches
from .optuna_fits import Fits
from .optuna_history import History
from .optuna_model import Acquisition, Model
from .optuna_opinion import Opinion
from .optuna_parameters import Params
from .optuna_pool import SAME, fresh, pool, refined, varied
from .optuna_texts import Texts

Floats = NDArray[np.float64]
_IDLE = 5  # trials without a better one after which candidates are varied
_MOST_POOLS = 20  # drawn for one proposal, where many candidates are invalid or have been tried
_ALL = 5  # times that as many were drawn as there are, when nothing new says that all were tried


class Candidates:
    """Candidates that may be proposed, and how to get more of them. Those of some texts say nothing that was tried.

    Args:
        parameters: Their search space.
        past: What was tried.
        fits: What earlier proposals fitted to it.
        rng: All draws.
        size: Candidates to rank.
        startup: Trials that must have succeeded before their parameters say anything.
        settled: Parameters that are decided already.
        whole: Whether trials have no others.
    """

    def __init__(
        self,
        parameters: Branches,
        past: History,
        fits: Fits,
        rng: np.random.Generator,
        size: int,
        startup: int,
        settled: Params,
        whole: bool,
    ) -> None:
        self.parameters, self.past, self.rng = parameters, past, rng
        self._fits, self._size, self.settled = fits, size, settled
        self.tried = np.concatenate([past.rows, past.pending])
        self.modelled: bool = past.succeeded.sum() >= max(1, startup)
        """Whether the parameters say what is good."""
        self.begins: bool = len(past.rows) < max(1, startup)
        """Whether trials are still to be spread, whatever became of the first ones."""
        self.tells: bool = bool(past.succeeded.any()) and not self.begins
        """Whether the parameters say anything, if only which trials fail."""
        self.leads_nowhere: bool = whole and past.idle >= _IDLE
        """Whether no better trial was found for a while, by all that trials have."""

    @cached_property
    def model(self) -> Model:
        """What the trials say of them, at least one of which must have succeeded."""
        return Model(self.parameters, self.past, self._fits, self.rng)

    def wanted(self, rows: Floats, opinion: Opinion | None = None) -> Floats:
        """How much some are wanted by their parameters, and by what else is known of them, (m,)."""
        return self._acquisition(rows, opinion)(rows)

    def refined(self, rows: Floats, texts: Texts | None, *, vary: bool = False) -> Floats:
        """The most wanted one near some, by their parameters, or one nearly as wanted, (D,)."""
        wanted, eligible = self._acquisition(rows), partial(self._eligible, texts=texts)
        row = refined(self.rng, self.parameters, wanted, rows, eligible)
        return varied(self.rng, self.parameters, wanted, row, eligible) if vary else row

    def again(self) -> Floats | None:
        """The most wanted one of those that were tried, (D,); None: none of them may be proposed."""
        tried = self.past.rows
        allowed = self.parameters.put(self.parameters.snap(tried), self.settled)
        rows = tried[np.isclose(allowed, tried, rtol=0, atol=SAME).all(axis=1)]
        return rows[int(np.argmax(self._acquisition(rows)(rows)))] if len(rows) else None

    def drawn(self, texts: Texts | None) -> Floats:
        """Some at random, fewer than wanted where they are hard to find, (m, D)."""
        return self.pool(np.empty((0, len(self.parameters))), texts)

    def pool(self, incumbents: Floats, texts: Texts | None) -> Floats:
        """Some at random, some like the incumbents, fewer than wanted where they are hard to find, (m, D)."""
        found, in_vain = np.empty((0, len(self.parameters))), 0
        for _ in range(_MOST_POOLS):
            new = fresh(self._eligible(pool(self.rng, self.parameters, incumbents, self._size), texts), found)
            found, in_vain = np.concatenate([found, new]), 0 if len(new) else in_vain + self._size
            exhausted = texts is None and in_vain > _ALL * self.parameters.size
            if len(found) >= self._size or exhausted:
                break
        return found[self.rng.permutation(len(found))[: self._size]]

    def _eligible(self, rows: Floats, texts: Texts | None) -> Floats:
        """Those that may be proposed, each once, with what is decided already.

        What is like trials of an earlier range may lie outside of the present one: it is moved inside to be judged.
        """
        rows = fresh(self.parameters.put(self.parameters.snap(rows), self.settled), self.tried)
        return rows if texts is None else rows[texts.may(rows)]

    def _acquisition(self, rows: Floats, opinion: Opinion | None = None) -> Acquisition:
        """Where values are decided that the best trials may not have, some improve on the others at least."""
        return self.model.acquisition(rows if self.settled else None, opinion)
