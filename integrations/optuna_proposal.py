"""One proposal of one group of parameters: by the texts of candidates, or by their parameters.

Shapes: m candidates, D parameters.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution

from ..surrogate import Problem
from .optuna_candidates import Candidates, Texts
from .optuna_history import History, Known, mean_places
from .optuna_model import Model
from .optuna_opinion import Opinion
from .optuna_pool import farthest, in_the_widest_gap
from .optuna_reader import Choice, Names, Params, Pool, Reader

Floats = NDArray[np.float64]
_INCUMBENTS = 8
_BAND = 1.645  # standard deviations that hold 90 %


class Proposal(NamedTuple):
    """Parameters proposed, and what is predicted of them, for the trial's user attributes."""

    params: Params
    note: dict[str, Any]


def texts_of(
    candidates: Candidates,
    reader: Reader,
    problems: Sequence[Problem],
    known: Sequence[Known],
    space: Mapping[str, BaseDistribution],
) -> Texts | None:
    """How candidates are read, now that the surrogate has learnt what became of trials; None: no text can be made.

    Args:
        candidates: What may be proposed.
        reader: Makes the texts; its surrogate learns.
        problems: One for each objective.
        known: Trials of the study with their parameters.
        space: What a text is made of.
    """
    told = [(trial, text) for trial, params in known if (text := reader.read_trial(trial, params, space)) is not None]
    reader.learn(problems, told, candidates.past.outcomes)
    if reader.unreadable(space):
        return None
    return Texts(candidates.parameters, lambda params: reader.read(params, space), {text for _, text in told})


def by_text(
    candidates: Candidates, reader: Reader, problems: Sequence[Problem], texts: Texts, names: Names
) -> tuple[Proposal | None, Texts | None]:
    """What the language model chooses, together with the parameters once these say anything; None: it has no say.

    Returns:
        The proposal, and the texts that what the parameters propose must have instead: none if there is no new one.
    """
    together = candidates.modelled and reader.has_opinion(problems)
    rows = _readable(candidates, reader, texts, names, favourite=together)
    if reader.unreadable(names):
        return None, None
    if not rows:
        return None, _anything_new(candidates, reader, texts)
    if together:
        return _by_both(candidates, reader, problems, rows), texts
    choice = reader.choose(problems, list(rows), candidates.rng)
    if choice is None:
        return None, texts
    return Proposal(candidates.parameters.decode(rows[choice.text][None])[0], _said(choice)), texts


def _anything_new(candidates: Candidates, reader: Reader, texts: Texts) -> Texts | None:
    """The texts, if any candidate has a new one after all; else None, with a warning where there are others."""
    if len(candidates.drawn(texts)):
        return texts
    if not candidates.settled and len(candidates.drawn(None)):
        reader.tells_nothing_new()
    return None


def _by_both(
    candidates: Candidates, reader: Reader, problems: Sequence[Problem], readable: Mapping[str, Floats]
) -> Proposal:
    """The most wanted of some texts, by what is said of it and of its parameters."""
    opinion, rows = reader.opinion(problems, list(readable)), np.stack([*readable.values()])
    best = np.lexsort((-candidates.wanted(rows, opinion), opinion.fails))[:1]
    note = _expected(candidates.model, rows[best], [problem.loss_sign for problem in problems], opinion[best])
    return Proposal(candidates.parameters.decode(rows[best])[0], note)


def _readable(
    candidates: Candidates, reader: Reader, texts: Texts, names: Names, *, favourite: bool
) -> Mapping[str, Floats]:
    """Texts to choose from, with their rows: what is left of the last ones while no trial has ended since.

    With favourite, a new pool has what the parameters alone would choose.
    """
    past = candidates.past
    after = tuple(past.numbers), names
    if reader.pool is not None and reader.pool.drawn_after == after and not candidates.settled:
        left = {text: row for text, row in reader.pool.rows.items() if text not in texts.tried}
        if left:
            return left
    rows = _allowed(candidates, candidates.pool(past.rows[_ranked(past)[:_INCUMBENTS]], texts))
    if len(rows) and favourite:
        rows = np.concatenate([rows, candidates.refined(rows, texts)[None]])
    found = {text: row for text, row in zip(texts(rows), rows, strict=True) if text is not None}
    if not candidates.settled:
        reader.pool = Pool(after, found)
    return found


def _allowed(candidates: Candidates, rows: Floats) -> Floats:
    """Candidates that are not expected to violate a constraint, of which the language model knows nothing."""
    past = candidates.past
    if not len(rows) or not past.succeeded.any() or not np.isfinite(past.violations).any():
        return rows
    return rows[~candidates.model.violates(rows)]


def by_parameters(candidates: Candidates, signs: Sequence[int], texts: Texts | None = None) -> Proposal | None:
    """What is expected to improve most, by Gaussian processes; until one trial succeeds, what is far from all tried.

    Returns:
        None if there is nothing that may be proposed and was not tried.
    """
    parameters = candidates.parameters
    if not candidates.tells:
        rows = candidates.drawn(texts)
        spread = farthest if candidates.begins else in_the_widest_gap
        chosen = spread(parameters, rows, candidates.tried) if len(rows) else None
        return None if chosen is None else Proposal(parameters.decode(chosen[None])[0], {})
    rows = candidates.pool(candidates.model.incumbents, texts)
    return _proposed(candidates, _best(candidates, rows, texts), signs) if len(rows) else None


def _best(candidates: Candidates, rows: Floats, texts: Texts | None) -> Floats:
    """The most wanted one; where nothing tells what is better, the farthest from all that was tried, (D,).

    A process would be least sure of the corners, and ask for one after the other.
    """
    allowed = rows[~candidates.model.violates(rows)] if candidates.model.undecided else rows[:0]
    if not len(allowed):
        return candidates.refined(rows, texts)
    return in_the_widest_gap(candidates.parameters, allowed, candidates.tried)


def once_more(candidates: Candidates, signs: Sequence[int]) -> Proposal | None:
    """Of what was tried the most wanted, whose measurements may be noisy; None where nothing can be told of it."""
    row = candidates.again() if candidates.tells else None
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
