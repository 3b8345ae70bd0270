"""One proposal of one group of parameters: by the texts of candidates, or by their parameters.

Shapes: m candidates, D parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..surrogate import Problem
from .optuna_candidates import Candidates
from .optuna_history import History, Known, mean_places
from .optuna_model import Model
from .optuna_opinion import Opinion
from .optuna_parameters import Params
from .optuna_pool import farthest, fresh, in_the_widest_gap
from .optuna_reader import Choice, Names, Pool, Reader
from .optuna_subject import Subject
from .optuna_texts import Texts

Floats = NDArray[np.float64]
_INCUMBENTS = 8
_LETTERS = 2**18  # of the texts that are read for one proposal: 20 of 2,000 words
_LEAST = 8  # texts that are read, however long they are
_BAND = 1.645  # standard deviations that hold 90 %


class Proposal(NamedTuple):
    """Parameters proposed, and what is predicted of them, for the trial's user attributes."""

    params: Params
    note: dict[str, Any]


def texts_of(
    candidates: Candidates, reader: Reader, problems: Sequence[Problem], known: Sequence[Known], subject: Subject
) -> Texts | None:
    """How candidates are read, now that the surrogate has learnt what became of trials; None: no text tells any.

    Args:
        candidates: What may be proposed.
        reader: Makes the texts; its surrogate learns.
        problems: One for each objective.
        known: Trials of the study with their parameters.
        subject: What a text is made of.
    """
    read = [(trial, reader.read_trial(trial, params, subject), params) for trial, params in known]
    told = [(trial, text, params) for trial, text, params in read if text is not None]
    beside = reader.left_out(candidates.parameters, subject)
    outcomes = candidates.past.outcomes
    reader.learn(problems, [(trial, text) for trial, text, _ in told], outcomes, best=bool(beside))
    if beside >= candidates.parameters.distributions.keys():
        reader.tells_nothing_new()
        return None
    if reader.unreadable(subject):
        return None
    by_text = [(text, params) for _, text, params in told]
    return Texts(candidates.parameters, lambda params: reader.read(params, subject), by_text, beside)


def by_text(
    candidates: Candidates, reader: Reader, problems: Sequence[Problem], texts: Texts, names: Names
) -> tuple[Proposal | None, Texts | None]:
    """What the language model chooses, together with the parameters once these say anything; None: it has no say.

    Returns:
        The proposal, and the texts that what the parameters propose must have instead: none if there is no new one.
    """
    together = candidates.modelled and reader.has_opinion(problems)
    rows = _pooled(candidates, reader, texts, names, favourite=together)
    if not len(rows):
        return None, _anything_new(candidates, reader, texts)
    if together:
        return _by_both(candidates, reader, problems, texts, rows), texts
    said = _to_choose(candidates, texts, rows)
    choice = reader.choose(problems, [*said], candidates.rng, _share(texts, rows)) if said else None
    if choice is None:
        return None, texts
    return Proposal(candidates.parameters.decode(said[choice.text][None])[0], _said(choice)), texts


def _to_choose(candidates: Candidates, texts: Texts, rows: Floats) -> dict[str, Floats]:
    """Texts with their most wanted candidates; while nothing is known of these, new texts if there are any."""
    if candidates.modelled and texts.beside:
        rows = rows[np.argsort(candidates.wanted(rows), kind="stable")]
    said = {text: row for text, row in zip(texts(rows), rows, strict=True) if text is not None}
    new = {text: row for text, row in said.items() if text not in texts.tried}
    return said if candidates.modelled else new or said


def _share(texts: Texts, rows: Floats) -> float:
    """Share of candidates that have a text."""
    return sum(text is not None for text in texts(rows)) / len(rows)


def _anything_new(candidates: Candidates, reader: Reader, texts: Texts) -> Texts | None:
    """The texts, if any candidate has a new one after all; else None, with a warning where there are others."""
    if len(candidates.drawn(texts)):
        return texts
    if not candidates.settled and len(candidates.drawn(None)):
        reader.tells_nothing_new()
    return None


def _by_both(
    candidates: Candidates, reader: Reader, problems: Sequence[Problem], texts: Texts, rows: Floats
) -> Proposal:
    """The most wanted of some candidates, by what is said of them and of their parameters, or of these alone."""
    said = [(number, text) for number, text in enumerate(texts(rows)) if text is not None]
    wanted, fails = candidates.wanted(rows), np.zeros(len(rows), dtype=np.bool_)
    if not said:
        return _proposed(candidates, rows[np.argmax(wanted)], [problem.loss_sign for problem in problems])
    places = np.array([number for number, _ in said])
    opinion = reader.opinion(problems, [text for _, text in said])
    wanted[places], fails[places] = candidates.wanted(rows[places], opinion), opinion.fails
    best = np.lexsort((-wanted, fails))[:1]
    own = opinion[np.flatnonzero(places == best)] if best in places else None
    note = _expected(candidates.model, rows[best], [problem.loss_sign for problem in problems], own)
    return Proposal(candidates.parameters.decode(rows[best])[0], note)


def _pooled(candidates: Candidates, reader: Reader, texts: Texts, names: Names, *, favourite: bool) -> Floats:
    """Candidates to choose from: what is left of the last ones while no trial has ended since, (m, D).

    With favourite, a new pool has what the parameters alone would choose.
    """
    past = candidates.past
    after = tuple(past.numbers), names
    if reader.pool is not None and reader.pool.drawn_after == after and not candidates.settled:
        left = fresh(reader.pool.rows[texts.may(reader.pool.rows)], candidates.tried)
        if len(left):
            return left
    rows = _allowed(candidates, candidates.pool(past.rows[_ranked(past)[:_INCUMBENTS]], texts))
    if len(rows) and favourite:
        rows = fresh(np.concatenate([candidates.refined(rows, texts)[None], rows]), candidates.tried)
    rows = _affordable(candidates, texts, rows)
    if not candidates.settled:
        reader.pool = Pool(after, rows)
    return rows


def _affordable(candidates: Candidates, texts: Texts, rows: Floats) -> Floats:
    """As many candidates as may be read, in their order: the most wanted by their parameters and any, half each."""
    lengths = np.array([len(text or "") for text in texts(rows)])
    count = max(_LEAST, int(_LETTERS / max(1, lengths.mean()))) if len(rows) else 0
    if len(rows) <= count:
        return rows
    order = candidates.rng.permutation(len(rows))
    if candidates.modelled:
        best = np.argsort(-candidates.wanted(rows), kind="stable")[: count // 2]
        order = np.concatenate([best, np.setdiff1d(order, best, assume_unique=True)])
    return rows[np.sort(order[:count])]


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
    """The most wanted one, varied where these no longer lead on; where nothing tells what is better, the farthest
    from all that was tried, (D,).

    A process would be least sure of the corners, and ask for one after the other.
    """
    allowed = rows[~candidates.model.violates(rows)] if candidates.model.undecided else rows[:0]
    if not len(allowed):
        return candidates.refined(rows, texts, vary=candidates.leads_nowhere)
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
    bands = zip(signs, model.scales, means[0], np.hypot(stds[0], model.noise), strict=True)
    knots = [sign * scale.inverse(mean + std * np.array([0, -_BAND, _BAND])) for sign, scale, mean, std in bands]
    return {
        "by": "both" if opinion else "parameters",
        "mean": [float(values[0]) for values in knots],
        "interval": [sorted(values[1:].tolist()) for values in knots],
        "trust": np.maximum(model.trust, opinion.trust).tolist() if opinion else model.trust,
    }
