"""What the trials of one search have taught, and which candidate to try next.

A candidate is known by its text. A trial that is under way is pending: its candidate is not proposed again, nor are its
nearest neighbours, so that several workers try several things.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from numbers import Integral
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..surrogate import Problem, Ranked, RLMSurrogate, rank
from ..surrogate.acquisitions import Acquisition, expected_improvement, expected_value
from ..surrogate.covariance import squares
from ..surrogate.fields import Fields
from ..surrogate.ranking import ENOUGH_TRUST
from ..surrogate.standard import Standard

Candidate = TypeVar("Candidate")
Pool = Callable[[], Mapping[str, Candidate]]

MOST_DRAWS = 20
"""Draws for each place in a pool, where many are invalid or have been tried."""
INCUMBENTS = 8
"""Best candidates that are varied."""
_logger = logging.getLogger("nni.prerank")  # below "nni", so that it reaches the experiment's log
_START = 10  # values that an unknown problem is explored for; a model of fewer is sure of itself too soon
_MOST_RANKED = 0.75  # share of the proposals of an unknown problem that follow the surrogate, at most
_NEIGHBOURS = 0.05  # share of the ranked candidates that is left out around each pending one


def check_pool(size: Any) -> None:
    """Refuse what is no number of candidates.

    Raises:
        ValueError: If it is none.
    """
    if not isinstance(size, Integral) or size < 1:
        raise ValueError(f"pool_size is {size!r}; at least one candidate must be ranked")


class Trial(NamedTuple, Generic[Candidate]):
    """A finished trial; its value is nan where it failed."""

    candidate: Candidate
    value: float


class TrialHistory(Generic[Candidate]):
    """Trials of one search.

    Args:
        surrogate: What predicts; a fork of it learns from the trials.
        problem: What is measured.
        acquisition: How much each prediction is wanted; None: its mean where the surrogate knew the problem before any
            trial, else the improvement that it lets expect, which also draws the search to where it is unsure.
        rng: Decides between ranked and explored candidates.
    """

    def __init__(
        self, surrogate: RLMSurrogate, problem: Problem, acquisition: Acquisition | None, rng: np.random.Generator
    ) -> None:
        self.problem = problem
        self.finished: dict[str, Trial[Candidate]] = {}
        self.pending: dict[str, Candidate] = {}
        self.left_out: set[str] = set()
        self._before = surrogate
        self._surrogate = surrogate.fork()
        self._acquisition = acquisition
        self._rng = rng
        self._ranked: dict[str, Candidate] | None = None
        self._trust = 0.0
        self._warned = False

    def tried(self, text: str) -> bool:
        """Whether a candidate is under way, is done or shall not be proposed for another reason."""
        return text in self.finished or text in self.pending or text in self.left_out

    def untried(self, draws: Iterable[tuple[str | None, Candidate]], count: int) -> dict[str, Candidate]:
        """The first so many drawn candidates that have a text, one for each, and were not tried."""
        pool: dict[str, Candidate] = {}
        for text, candidate in draws:
            if text is not None and not self.tried(text):
                pool.setdefault(text, candidate)
                if len(pool) == count:
                    break
        return pool

    def begin(self, text: str, candidate: Candidate) -> None:
        """A trial of the candidate is under way."""
        self.pending[text] = candidate

    def end(self, text: str, candidate: Candidate, value: float) -> None:
        """A trial ended with a value, nan or infinite where it failed; a failure after a success teaches nothing."""
        self.pending.pop(text, None)
        value = value if math.isfinite(value) else math.nan
        if math.isnan(value) and text in self.finished:
            return
        self.finished[text] = Trial(candidate, value)
        self._surrogate.observe(self.problem, [text], [value])
        self._ranked = None

    def abandon(self, text: str, *, forever: bool) -> None:
        """A trial ended without a word on its candidate, which may be proposed again or never."""
        self.pending.pop(text, None)
        if forever:
            self.left_out.add(text)

    def best(self, count: int) -> list[Candidate]:
        """The best finished candidates, the best one first."""
        sign = self.problem.loss_sign
        good = [trial for trial in self.finished.values() if not math.isnan(trial.value)]
        return [trial.candidate for trial in sorted(good, key=lambda trial: sign * trial.value)[:count]]

    def propose(self, pool: Pool[Candidate], explored: Pool[Candidate]) -> tuple[str, Candidate] | None:
        """The next text and candidate; None where there is nothing left to try.

        How often the best of the pool is taken, rather than an explored candidate, is the surrogate's trust.

        Args:
            pool: Draws untried candidates to rank; called once for all proposals between two results.
            explored: Draws untried candidates that do without a surrogate; the first one is taken.
        """
        if self._rng.random() >= self._share(pool):
            chosen = next(iter(explored().items()), None)
            if chosen is not None:
                return chosen
        for _ in range(2):  # all that was ranked may be under way by now; then draw once more
            text = self._first_apart(pool)
            if text is not None:
                return text, self._ranking(pool)[text]
            self._ranked = None
        return None

    def _share(self, pool: Pool[Candidate]) -> float:
        """Of the proposals, how many shall be the best ranked."""
        if not self._knew and len(self._values()) < _START:
            return 0.0
        self._ranking(pool)
        share = self._trust / ENOUGH_TRUST
        return share if self._knew else min(share, _MOST_RANKED)

    def _values(self) -> list[float]:
        """All that was measured, without failures."""
        return [trial.value for trial in self.finished.values() if not math.isnan(trial.value)]

    def _ranking(self, pool: Pool[Candidate]) -> dict[str, Candidate]:
        """Candidates drawn since the last result, the best first."""
        if self._ranked is None:
            self._ranked = self._rank(pool())
        return self._ranked

    def _rank(self, pool: Mapping[str, Candidate]) -> dict[str, Candidate]:
        """The pool, best first; as it came where the surrogate fails, since a search of hours must not die of it."""
        texts = list(pool)
        self._trust = 0.0
        try:
            self._trust = self._surrogate.trust(self.problem) if texts else 0.0
            if self._trust > 0:
                ranked = rank(self._surrogate, self.problem, texts, str, self._wanted())
                texts = [entry.candidate for entry in ranked]
                self._log(ranked)
        except Exception as error:
            self._trust = 0.0
            self._warn(error)
        return {text: pool[text] for text in texts}

    def _log(self, ranked: Sequence[Ranked[str]]) -> None:
        first, metric = ranked[0], self.problem.metric
        _logger.info("ranked %d, trust %.2f; first %s", len(ranked), self._trust, first.candidate)
        _logger.info("predicted %s: %.4g ± %.2g", metric, first.mean, first.std)

    def _warn(self, error: Exception) -> None:
        if not self._warned:
            _logger.warning("the surrogate failed (%r); the search goes on without it", error)
        self._warned = True

    @cached_property
    def _knew(self) -> bool:
        """Whether the surrogate knew the problem before any trial."""
        try:
            return self._before.trust(self.problem) > 0
        except Exception as error:
            self._warn(error)
            return False

    def _wanted(self) -> Acquisition:
        """The acquisition to rank by now."""
        values = self._values()
        if self._acquisition or self._knew or not values:
            return self._acquisition or expected_value
        return expected_improvement(max(values) if self.problem.direction == "maximize" else min(values))

    def _first_apart(self, pool: Pool[Candidate]) -> str | None:
        """The best ranked candidate that is untried and, if possible, no neighbour of a pending one."""
        ranked = list(self._ranking(pool))
        near = _near(ranked, list(self.pending))
        free = [(text, close) for text, close in zip(ranked, near, strict=True) if not self.tried(text)]
        return next((text for text, close in free if not close), free[0][0] if free else None)


def _near(texts: Sequence[str], pending: Sequence[str]) -> NDArray[np.bool_]:
    """Which texts are among the nearest to any pending one, by what can be counted in them, (n,)."""
    if not pending or not texts:
        return np.zeros(len(texts), dtype=np.bool_)
    every = [*texts, *pending]
    counted = Fields(every)(every)
    rows = Standard(counted)(counted)
    distance = squares(rows[: len(texts)], rows[len(texts) :])
    return np.any(distance <= np.quantile(distance, _NEIGHBOURS, axis=0, method="lower"), axis=1)
