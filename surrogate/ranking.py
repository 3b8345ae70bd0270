"""Candidates in, best first out: what every host calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from .acquisitions import Acquisition, Floats, expected_value
from .prediction import Prediction
from .problem import Problem, Question, as_problem

Candidate = TypeVar("Candidate")
ENOUGH_TRUST = 0.5
"""Trust from which on a search always takes the best of a ranking; its own trials rank worse than random ones would."""
_CHUNK = 4096  # candidates whose distributions are held at once


class Ranked(NamedTuple, Generic[Candidate]):
    """A candidate with what is predicted of it; mean and std in the metric's units, score: higher is better."""

    candidate: Candidate
    mean: float
    std: float
    score: float


class Predictor(Protocol):
    """What predicts; `RLMSurrogate` is one."""

    def predict(self, problem: Question, texts: Sequence[str]) -> Prediction:
        """Distribution of the problem's metric for each text."""
        ...


def rank(
    surrogate: Predictor,
    problem: Question,
    candidates: Iterable[Candidate],
    to_text: Callable[[Candidate], str | None],
    acquisition: Acquisition | Sequence[Acquisition] = expected_value,
) -> list[Ranked[Candidate]]:
    """Order candidates, the most wanted first, without running any.

    Few observations can mislead about the very best candidates while they improve the ranking as a whole. With
    ``acquisition=(pooled_value, unadapted_value)`` the first k hold the best half of what both speak for, and of what
    the model alone would have put first.

    Args:
        surrogate: What predicts.
        problem: What is asked; its direction says which way is better.
        candidates: Anything that to_text reads. The result does not depend on their order, but for equal texts.
        to_text: Candidate -> text; None leaves the candidate out as invalid.
        acquisition: How much each prediction is wanted (see `acquisitions`). Several of them take turns to name the
            next candidate.

    Raises:
        ValueError: If there is no acquisition, or the direction is none.
        TypeError: If to_text returns neither a text nor None.

    Returns:
        The valid candidates, best first. Those more likely to fail than not come after all others; of equal scores,
        as of all that no improvement is expected of, the better mean comes first, of equal means the order of the texts
        decides.
    """
    acquisitions = [acquisition] if callable(acquisition) else list(acquisition)
    if not acquisitions or not all(map(callable, acquisitions)):
        raise ValueError(f"acquisition is {acquisition!r}; give a function of `acquisitions`, or several of them")
    by_text: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        if (text := text_or_none(to_text(candidate))) is not None:
            by_text.setdefault(text, []).append(candidate)
    distinct = sorted(by_text)
    problem = as_problem(problem)
    mean, std, fails, *scores = _scores(surrogate, problem, distinct, acquisitions)
    hope = -problem.loss_sign * mean
    score, order = scores[0], _turns([by_score(own, fails, hope) for own in scores])
    told = [(float(mean[row]), float(std[row]), float(score[row])) for row in range(len(distinct))]
    return [Ranked(own, *told[row]) for row in order for own in by_text[distinct[row]]]


def text_or_none(text: object) -> str | None:
    """What a user's function made of a candidate, checked.

    Raises:
        TypeError: If it is neither a text nor None.
    """
    if text is None or isinstance(text, str):
        return text
    raise TypeError(f"it returned {text!r}; return a string, or None of an invalid candidate")


def _scores(
    surrogate: Predictor, problem: Problem, texts: list[str], acquisitions: Sequence[Acquisition]
) -> list[Floats]:
    """Mean, std, whether failure is likely, and scores, part by part so that memory does not grow with the texts."""
    sign = -problem.loss_sign
    columns: list[list[Floats]] = [[np.empty(0)] for _ in range(3 + len(acquisitions))]
    for chunk in _chunks(texts):
        prediction = surrogate.predict(problem, chunk)
        fails = prediction.likely_fails.astype(np.float64)
        scores = [acquisition(prediction, sign) for acquisition in acquisitions]
        for column, part in zip(columns, (prediction.mean, prediction.std, fails, *scores), strict=True):
            column.append(part)
    return [np.concatenate(column) for column in columns]


def by_score(score: Floats, fails: Floats | NDArray[np.bool_], then: Floats | None = None) -> list[int]:
    """Rows, best first, those likely to fail last, equal ones by what counts then, or as they stand."""
    keys = [-np.nan_to_num(own, nan=-np.inf) for own in (then, score) if own is not None]
    return np.lexsort((np.arange(len(score)), *keys, fails)).tolist()


def _turns(orders: Sequence[list[int]]) -> list[int]:
    """Rows as several orders name them in turn, each once."""
    return list(dict.fromkeys(row for rows in zip(*orders, strict=True) for row in rows))


def _chunks(texts: list[str]) -> Iterator[list[str]]:
    return (texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK))
