"""What the observations of a family of problems teach of one of them.

Shapes: n observations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from . import belief
from .adaptation import Adaptation
from .knowledge import Knowledge
from .levels import levelled
from .problem import Problem
from .reading import Reading, joined

Row = tuple[Problem, str, float]
"""A problem, an observed candidate, its value."""
Read = Callable[[Problem, Sequence[str]], Reading]

_ALONE = 10  # values of a problem that may tell more of it alone than together with those of others
_CHANCE = 0.5  # standard errors of a rank correlation by which they must


def taught(rows: Sequence[Row], level: Problem | None, read: Read, knowledge: Knowledge) -> Adaptation:
    """What rows teach, those of other problems on the level of one that has values of its own, or these alone.

    Another device may rank candidates in another way: then its values are left out, be they many.

    Args:
        rows: Observations of a family, at least one.
        level: The problem that is asked, if it has values that tell its level, and others have some too.
        read: What the model makes of candidates.
        knowledge: What the model knows.
    """
    asked: dict[Problem, dict[str, float]] = {}
    for problem, text, value in rows:
        asked.setdefault(problem, {})[text] = value
    together = _adapted(asked, level, read, knowledge)
    if level is None or not _ALONE <= len(own := asked.get(level, {})) < len(rows):
        return together
    alone = _adapted({level: own}, None, read, knowledge)
    among = np.repeat([problem == level for problem in asked], [len(observed) for observed in asked.values()])
    apart = alone.rank(np.ones(len(own), dtype=np.bool_)) - together.rank(among)
    return alone if apart > _CHANCE / np.sqrt(len(own)) else together


def _adapted(
    asked: dict[Problem, dict[str, float]], level: Problem | None, read: Read, knowledge: Knowledge
) -> Adaptation:
    reading = joined([read(problem, list(observed)) for problem, observed in asked.items()])
    values = np.array([value for observed in asked.values() for value in observed.values()])
    count = [len(observed) for observed in asked.values()]
    claims = [belief.claim(knowledge, problem, list(observed)) for problem, observed in asked.items()]
    errors = [belief.factor_error(knowledge, problem) for problem in asked]
    claim, error = (float(np.average(each, weights=count)) for each in (claims, errors))
    if level in asked:
        expected = reading.prior if claim > 0 else np.ones(len(values))
        values = levelled(values, expected, np.repeat(np.arange(len(asked)), count), list(asked).index(level))
    return Adaptation(reading, values, claim, error, belief.words(knowledge, list(asked)))
