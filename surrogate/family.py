"""What the observations of a family of problems teach of one of them.

Shapes: n observations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from . import belief
from .adaptation import Adaptation
from .borrowed import Ratio
from .knowledge import Knowledge
from .levels import LEVELLED, levelled
from .observations import Observation
from .problem import Problem
from .reading import Reading, joined

Floats = NDArray[np.float64]
Read = Callable[[Problem, Sequence[str]], Reading]
Ratios = Callable[[Problem, Problem, Sequence[str]], Ratio]
"""Two problems, candidates of the second -> how much more the metric is on the first."""

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


def taught(
    observations: Sequence[Observation],
    level: Problem | None,
    read: Read,
    knowledge: Knowledge,
    ratio: Ratios | None = None,
) -> Adaptation:
    """What observations teach, of other problems on the level of one of them, or of the one that is asked alone.

    Another device may rank candidates in another way: then its values are left out, be they many.

    Args:
        observations: Those of a family, at least one.
        level: The problem whose level is taken, where others have values too; its own values tell it from the fifth on.
        read: What the model makes of candidates.
        knowledge: What the model knows.
        ratio: What the model takes to lie between the levels of two problems; None: nothing.
    """
    family = _by_problem(observations, read, knowledge)
    if ratio and level:
        family = [_brought(own, ratio(level, own.problem, own.reading.texts)) for own in family]
    own = [each for each in family if each.problem == level]
    if sum(np.isfinite(each.values).sum() for each in own) < LEVELLED:
        return _adapted(family, None, knowledge)
    together, count = _adapted(family, level, knowledge), sum(len(each.values) for each in own)
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


def _brought(own: _Observed, ratio: Ratio) -> _Observed:
    """The same on the level of another problem."""
    return replace(own, reading=ratio(own.reading), values=own.values * ratio.factor)


def _adapted(family: Sequence[_Observed], level: Problem | None, knowledge: Knowledge) -> Adaptation:
    """What problems teach together, the claims and errors of each counting as often as it was measured."""
    reading, values = joined([own.reading for own in family]), np.concatenate([own.values for own in family])
    count, problems = [len(own.values) for own in family], [own.problem for own in family]
    claim = float(np.average([own.claim for own in family], weights=count))
    error = float(np.average([own.error for own in family], weights=count))
    if level:
        expected = reading.prior if claim > 0 else np.ones(len(values))
        values = levelled(values, expected, np.repeat(np.arange(len(family)), count), problems.index(level))
    own = _of(level, family) if level else None
    return Adaptation(reading, values, claim, error, belief.words(knowledge, problems), own)


def _of(problem: Problem | None, family: Sequence[_Observed]) -> NDArray[np.bool_]:
    """Which values of a family are of one problem, (n,)."""
    return np.repeat([each.problem == problem for each in family], [len(each.values) for each in family])
