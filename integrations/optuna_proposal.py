"""One proposal of one group of parameters: by the texts of candidates, or by their parameters.

Shapes: m candidates, D parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution

from ..surrogate import Problem
from .optuna_branches import Branches
from .optuna_fits import Fits
from .optuna_history import History, Known, mean_places
from .optuna_model import Acquisition, Model
from .optuna_opinion import Opinion
from .optuna_pool import farthest, fresh, pool, refined
from .optuna_reader import Choice, Names, Params, Pool, Reader

Floats = NDArray[np.float64]
_MOST_POOLS = 20  # drawn for one proposal, where many candidates are invalid or have been tried
_INCUMBENTS = 8
_BAND = 1.645  # standard deviations that hold 90 %


class Proposal(NamedTuple):
    """Parameters proposed, and what is predicted of them, for the trial's user attributes."""

    params: Params
    note: dict[str, Any]


class Candidates:
    """Candidates that may be proposed, and how to get more of them.

    Args:
        parameters: Their search space.
        past: What was tried.
        fits: What earlier proposals fitted to it.
        rng: All draws.
        size: Candidates to rank.
        startup: Trials that must have succeeded before their parameters say anything.
        settled: Parameters that are decided already.
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
    ) -> None:
        self.parameters, self.past, self.rng = parameters, past, rng
        self._fits, self._size, self.settled = fits, size, settled
        self.tried = np.concatenate([past.rows, past.pending])
        self.modelled: bool = past.succeeded.sum() >= max(1, startup)
        """Whether the parameters say anything."""
        self._read: Callable[[Params], str | None] | None = None
        self._tried_texts: set[str] = set()
        self._texts: dict[bytes, str | None] = {}

    @cached_property
    def model(self) -> Model:
        """What the trials say of them, at least one of which must have succeeded."""
        return Model(self.parameters, self.past, self._fits, self.rng)

    def wanted(self, rows: Floats, opinion: Opinion) -> Floats:
        """How much some are wanted by their parameters and by what else is known of them, (m,)."""
        return self._acquisition(rows, opinion)(rows)

    def refined(self, rows: Floats) -> Floats:
        """The most wanted one near some, by their parameters, (D,)."""
        return refined(self.rng, self.parameters, self._acquisition(rows), rows, self.eligible)

    def again(self) -> Floats | None:
        """The most wanted one of those that were tried, (D,); None: none of them may be proposed."""
        rows = self.past.rows[(self.parameters.put(self.past.rows, self.settled) == self.past.rows).all(axis=1)]
        return rows[int(np.argmax(self._acquisition(rows)(rows)))] if len(rows) else None

    def _acquisition(self, rows: Floats, opinion: Opinion | None = None) -> Acquisition:
        """Where values are decided that the best trials may not have, some improve on the others at least."""
        return self.model.acquisition(rows if self.settled else None, opinion)

    def only_readable(self, read: Callable[[Params], str | None], tried: set[str]) -> None:
        """From now on leave out what has no text, and texts that were tried."""
        self._read, self._tried_texts = read, tried

    def regardless(self) -> None:
        """From now on texts no longer matter."""
        self._read = None

    def without_text(self) -> bool:
        """Whether there are some, but none with a text that was not tried; if so, texts no longer matter."""
        if len(self.pool(np.empty((0, len(self.parameters))))):
            return False
        self.regardless()
        return not self.settled and len(self.pool(np.empty((0, len(self.parameters))))) > 0

    def texts(self, rows: Floats) -> list[str | None]:
        """Texts of candidates, None for those that may not be proposed."""
        assert self._read is not None
        keys = [row.tobytes() for row in rows]
        new = {key: number for number, key in enumerate(keys) if key not in self._texts}
        read = map(self._read, self.parameters.decode(rows[list(new.values())])) if new else ()
        self._texts.update(zip(new, (None if text in self._tried_texts else text for text in read), strict=True))
        return [self._texts[key] for key in keys]

    def eligible(self, rows: Floats) -> Floats:
        """Those that may be proposed, each once, with what is decided already."""
        rows = fresh(self.parameters.put(rows, self.settled), self.tried)
        return rows if self._read is None else rows[[text is not None for text in self.texts(rows)]]

    def pool(self, incumbents: Floats) -> Floats:
        """Eligible candidates, fewer than wanted where they are hard to find, (m, D)."""
        found = np.empty((0, len(self.parameters)))
        for _ in range(_MOST_POOLS):
            new = fresh(self.eligible(pool(self.rng, self.parameters, incumbents, self._size)), found)
            found = np.concatenate([found, new])
            exhausted = self._read is None and np.isfinite(self.parameters.size) and not len(new)
            if len(found) >= self._size or exhausted:
                break
        return found[self.rng.permutation(len(found))[: self._size]]


def by_text(
    candidates: Candidates,
    reader: Reader,
    problems: Sequence[Problem],
    known: Sequence[Known],
    space: Mapping[str, BaseDistribution],
) -> Proposal | None:
    """What the language model chooses, together with the parameters once these say anything; None: it has no say.

    From here on the candidates are those that have a text, unless none can be made. `space` is what a text is made of.
    """
    parameters = candidates.parameters
    told = [(trial, text) for trial, params in known if (text := reader.read_trial(trial, params, space)) is not None]
    reader.learn(problems, told, candidates.past.outcomes)
    if reader.unreadable(space):
        return None
    tried = {text for _, text in told}
    candidates.only_readable(lambda params: reader.read(params, space), tried)
    together = candidates.modelled and reader.has_opinion(problems)
    rows = _readable(candidates, reader, Names(space), tried, favourite=together)
    if reader.unreadable(space):
        candidates.regardless()
        return None
    if not rows:
        if candidates.without_text():
            reader.tells_nothing_new()
        return None
    if together:
        return _by_both(candidates, reader, problems, rows)
    choice = reader.choose(problems, list(rows), candidates.rng)
    return None if choice is None else Proposal(parameters.decode(rows[choice.text][None])[0], _said(choice))


def _by_both(
    candidates: Candidates, reader: Reader, problems: Sequence[Problem], texts: Mapping[str, Floats]
) -> Proposal:
    """The most wanted of some texts, by what is said of it and of its parameters."""
    opinion, rows = reader.opinion(problems, list(texts)), np.stack([*texts.values()])
    best = np.lexsort((-candidates.wanted(rows, opinion), opinion.fails))[:1]
    note = _expected(candidates.model, rows[best], [problem.loss_sign for problem in problems], opinion[best])
    return Proposal(candidates.parameters.decode(rows[best])[0], note)


def _readable(
    candidates: Candidates, reader: Reader, names: Names, tried: Set[str], *, favourite: bool
) -> Mapping[str, Floats]:
    """Texts to choose from, with their rows: what is left of the last ones while no trial has ended since.

    With favourite, a new pool has what the parameters alone would choose.
    """
    past = candidates.past
    after = tuple(past.numbers), names
    if reader.pool is not None and reader.pool.drawn_after == after and not candidates.settled:
        left = {text: row for text, row in reader.pool.rows.items() if text not in tried}
        if left:
            return left
    rows = _allowed(candidates, candidates.pool(past.rows[_ranked(past)[:_INCUMBENTS]]))
    if len(rows) and favourite:
        rows = np.concatenate([rows, candidates.refined(rows)[None]])
    found = {text: row for text, row in zip(candidates.texts(rows), rows, strict=True) if text is not None}
    if not candidates.settled:
        reader.pool = Pool(after, found)
    return found


def _allowed(candidates: Candidates, rows: Floats) -> Floats:
    """Candidates that are not expected to violate a constraint, of which the language model knows nothing."""
    past = candidates.past
    if not len(rows) or not past.succeeded.any() or not np.isfinite(past.violations).any():
        return rows
    return rows[~candidates.model.violates(rows)]


def by_parameters(candidates: Candidates, signs: Sequence[int]) -> Proposal | None:
    """What is expected to improve most, by Gaussian processes; at first, what is farthest from all that was tried.

    Returns:
        None if there is nothing that may be proposed and was not tried.
    """
    parameters = candidates.parameters
    if not candidates.modelled:
        rows = candidates.pool(np.empty((0, len(parameters))))
        chosen = farthest(parameters, rows, candidates.tried) if len(rows) else None
        return None if chosen is None else Proposal(parameters.decode(chosen[None])[0], {})
    model = candidates.model
    rows = candidates.pool(model.incumbents)
    return _proposed(candidates, candidates.refined(rows), signs) if len(rows) else None


def once_more(candidates: Candidates, signs: Sequence[int]) -> Proposal | None:
    """Of what was tried the most wanted, whose measurements may be noisy; None where nothing can be told of it."""
    row = candidates.again() if candidates.modelled else None
    return None if row is None else _proposed(candidates, row, signs)


def _proposed(candidates: Candidates, row: Floats, signs: Sequence[int]) -> Proposal:
    row = row[None]
    return Proposal(candidates.parameters.decode(row)[0], _expected(candidates.model, row, signs))


def _ranked(past: History) -> NDArray[np.intp]:
    """Trials that succeeded, within the constraints if any did, the best first; by the mean place over objectives."""
    good = np.flatnonzero(past.feasible if past.feasible.any() else past.succeeded)
    return good[np.argsort(mean_places(past.losses)[good], kind="stable")]


def _said(choice: Choice) -> dict[str, Any]:
    ends = [[float(p.quantile(q)[0]) for q in (0.05, 0.95)] for p in choice.predictions]
    return {
        "by": "text",
        "mean": [float(p.mean[0]) for p in choice.predictions],
        "interval": ends,
        "trust": [float(p.trust[0]) for p in choice.predictions],
    }


def _expected(model: Model, row: Floats, signs: Sequence[int], opinion: Opinion | None = None) -> dict[str, Any]:
    """What is predicted of one candidate, (1, D), by its parameters, or by what else is known of it too."""
    means, stds = model.predict(row, opinion)
    bands = zip(signs, model.scales, means[0], stds[0], strict=True)
    knots = [sign * scale.inverse(mean + std * np.array([0, -_BAND, _BAND])) for sign, scale, mean, std in bands]
    return {
        "by": "both" if opinion else "parameters",
        "mean": [float(values[0]) for values in knots],
        "interval": [sorted(values[1:].tolist()) for values in knots],
        "trust": np.maximum(model.trust, opinion.trust).tolist() if opinion else model.trust,
    }
