"""Candidates in, best first out: what every host calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from .acquisitions import Acquisition, Floats, expected_value
from .prediction import Prediction
from .problem import Question

Candidate = TypeVar("Candidate")
_CHUNK = 4096  # candidates whose distributions are held at once


class Ranked(NamedTuple, Generic[Candidate]):
    """A candidate with what is predicted of it; mean and std in the metric's units, score: higher is better."""

    candidate: Candidate
    mean: float
    std: float
    score: float


class Surrogate(Protocol):
    """What predicts; `RLMSurrogate` is one."""

    def predict(self, problem: Question, texts: Sequence[str]) -> Prediction:
        """Distribution of the problem's metric for each text."""
        ...


def rank(
    surrogate: Surrogate,
    problem: Question,
    candidates: Sequence[Candidate],
    to_text: Callable[[Candidate], str | None],
    acquisition: Acquisition = expected_value,
) -> list[Ranked[Candidate]]:
    """Order candidates, the most wanted first, without running any.

    Args:
        surrogate: What predicts.
        problem: What is asked; its direction says which way is better.
        candidates: Anything that to_text reads. The result does not depend on their order, but for equal texts.
        to_text: Candidate -> text; None leaves the candidate out as invalid.
        acquisition: How much each prediction is wanted (see `acquisitions`).

    Returns:
        The valid candidates, best first. Those more likely to fail than not come after all others;
        equal scores follow the order of the texts.
    """
    texts = [to_text(candidate) for candidate in candidates]
    distinct = sorted({text for text in texts if text is not None})
    mean, std, score, fails = _scores(surrogate, problem, distinct, acquisition)
    order: list[int] = np.lexsort((np.arange(len(distinct)), -np.nan_to_num(score, nan=-np.inf), fails)).tolist()
    place = {distinct[row]: (number, row) for number, row in enumerate(order)}
    valid = [(place[text], candidate) for candidate, text in zip(candidates, texts, strict=True) if text is not None]
    valid.sort(key=lambda entry: entry[0])
    return [Ranked(c, float(mean[row]), float(std[row]), float(score[row])) for (_, row), c in valid]


def _scores(
    surrogate: Surrogate, problem: Question, texts: list[str], acquisition: Acquisition
) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean, std, score and whether failure is likely, chunk by chunk so that memory does not grow with the texts."""
    sign = 1 if problem.direction == "maximize" else -1
    columns: list[list[Floats]] = [[np.empty(0)] for _ in range(4)]
    for chunk in _chunks(texts):
        prediction = surrogate.predict(problem, chunk)
        fails = (prediction.p_fail > 0.5).astype(np.float64)
        parts = prediction.mean, prediction.std, acquisition(prediction, sign), fails
        for column, part in zip(columns, parts, strict=True):
            column.append(part)
    mean, std, score, fails = (np.concatenate(column) for column in columns)
    return mean, std, score, fails


def _chunks(texts: list[str]) -> Iterator[list[str]]:
    return (texts[start : start + _CHUNK] for start in range(0, len(texts), _CHUNK))
