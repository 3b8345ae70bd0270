"""What the observations of a family of problems teach of one of them.

Shapes: n observations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from . import belief
from .adaptation import Adaptation
from .knowledge import Knowledge
from .levels import levelled
from .observations import Observation
from .problem import Problem
from .reading import Reading, joined

Floats = NDArray[np.float64]
Read = Callable[[Problem, Sequence[str]], Reading]

_ALONE = 10  # values of a problem that may tell more of it alone than together with those of others
_CHANCE = 0.5  # standard errors of a rank correlation by which they must


@dataclass(frozen=True)
class _Observed:
    """What was observed of one problem of the family.

    Args:
        problem: The problem.
        reading: The observed candidates.
        values: What was measured, (n,).
        claim: Weight of the model against these values, in [0, 1].
        error: Standard deviation of the logarithm of a factor by which the model may be off.
    """

    problem: Problem
    reading: Reading
    values: Floats
    claim: float
    error: float


def taught(observations: Sequence[Observation], level: Problem | None, read: Read, knowledge: Knowledge) -> Adaptation:
    """What observations teach, of other problems on the level of one that has values of its own, or these alone.

    Another device may rank candidates in another way: then its values are left out, be they many.

    Args:
        observations: Those of a family, at least one.
        level: The problem that is asked, if it has values that tell its level, and others have some too.
        read: What the model makes of candidates.
        knowledge: What the model knows.
    """
    family = _by_problem(observations, read, knowledge)
    together, own = _adapted(family, level, knowledge), [each for each in family if each.problem == level]
    count = sum(len(each.values) for each in own)
    if not _ALONE <= count < len(observations):
        return together
    alone = _adapted(own, None, knowledge)
    apart = alone.rank(np.ones(count, dtype=np.bool_)) - together.rank(_of(level, family))
    return alone if apart > _CHANCE / np.sqrt(count) else together


def _by_problem(observations: Sequence[Observation], read: Read, knowledge: Knowledge) -> list[_Observed]:
    told: dict[Problem, dict[str, float]] = {}
    for problem, text, value in observations:
        told.setdefault(problem, {})[text] = value
    return [_observed(problem, values, read, knowledge) for problem, values in told.items()]


def _observed(problem: Problem, told: dict[str, float], read: Read, knowledge: Knowledge) -> _Observed:
    texts, values = list(told), np.array(list(told.values()))
    claim, error = belief.claim(knowledge, problem, texts), belief.factor_error(knowledge, problem)
    return _Observed(problem, read(problem, texts), values, claim, error)


def _adapted(family: Sequence[_Observed], level: Problem | None, knowledge: Knowledge) -> Adaptation:
    """What problems teach together, the claims and errors of each counting as often as it was measured."""
    reading, values = joined([own.reading for own in family]), np.concatenate([own.values for own in family])
    count, problems = [len(own.values) for own in family], [own.problem for own in family]
    claim = float(np.average([own.claim for own in family], weights=count))
    error = float(np.average([own.error for own in family], weights=count))
    if level in problems:
        expected = reading.prior if claim > 0 else np.ones(len(values))
        values = levelled(values, expected, np.repeat(np.arange(len(family)), count), problems.index(level))
    own = _of(level, family) if level in problems else None
    return Adaptation(reading, values, claim, error, belief.words(knowledge, problems), own)


def _of(problem: Problem | None, family: Sequence[_Observed]) -> NDArray[np.bool_]:
    """Which values of a family are of one problem, (n,)."""
    return np.repeat([each.problem == problem for each in family], [len(each.values) for each in family])
