"""What a model was trained on, and how well: spaces, the names in their contexts, metrics, ranks, values.

It bounds what the model may answer (a number far outside everything that a metric ever was is a stray), says how far
an answer deserves belief, and names the metrics that can be asked besides.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codec import FAILED, HEADS, ZERO, interval
from .problem import Problem, first_line

_LARGEST = sys.float_info.max
_NEW_NAME = 0.8  # rank correlation on devices that were left out, over that on known ones
_BEYOND = 10.0  # a value may be ten times as large, or as small, as any that was measured


@dataclass(frozen=True)
class Known:
    """A metric of a space.

    Args:
        rank: Rank correlation on validation rows.
        least: Smallest value of the training rows; the least of all numbers: not known.
        most: Largest value of the training rows; the largest of all: not known.
    """

    rank: float
    least: float = -_LARGEST
    most: float = _LARGEST


@dataclass(frozen=True)
class Space:
    """What contexts that begin with the same line were trained on.

    Args:
        metrics: Metric -> how it is known.
        names: What occurs in the contexts, see `names`.
    """

    metrics: Mapping[str, Known] = field(default_factory=dict[str, Known])
    names: frozenset[str] = frozenset()


class Knowledge:
    """All that a model knows.

    Args:
        spaces: First context line -> what is known of it.
    """

    def __init__(self, spaces: Mapping[str, Space] | None = None) -> None:
        self.spaces = dict(spaces or {})

    @classmethod
    def from_json(cls, spaces: Mapping[str, Mapping[str, Any]]) -> Knowledge:
        """Read what `to_json` wrote."""
        return cls({
            line: Space(
                {metric: Known(*map(float, numbers)) for metric, numbers in found["metrics"].items()},
                frozenset(found["names"]),
            )
            for line, found in spaces.items()
        })  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """As plain lists and mappings."""
        return {
            line: {
                "names": sorted(space.names),
                "metrics": {metric: list(astuple(known)) for metric, known in space.metrics.items()},
            }
            for line, space in self.spaces.items()
        }

    def __or__(self, newer: Knowledge) -> Knowledge:
        """Both; of what both know, the newer."""
        spaces = dict(self.spaces)
        for line, space in newer.spaces.items():
            own = self.spaces.get(line, Space())
            spaces[line] = Space({**own.metrics, **space.metrics}, own.names | space.names)
        return Knowledge(spaces)

    @property
    def ranks(self) -> dict[str, dict[str, float]]:
        """First context line -> metric -> rank correlation on validation rows."""
        return {
            line: {metric: known.rank for metric, known in space.metrics.items()} for line, space in self.spaces.items()
        }

    def metrics(self, context: str) -> list[str]:
        """Metrics that are known of a context."""
        return list(self._space(context).metrics)

    def trust(self, problem: Problem) -> float:
        """How far the model alone deserves belief on a problem: its validated rank correlation on the same metric.

        Half of the best of the same metric word where the exact metric was not trained on; less where the context names
        something new, a device say; 0 for an unknown space.
        """
        space = self._space(problem.context)
        word = problem.metric.split()[0]
        related = [own.rank / 2 for metric, own in space.metrics.items() if metric.split()[0] == word]
        exact = space.metrics.get(problem.metric)
        rank = np.nan_to_num(exact.rank if exact else max(related, default=0.0))
        return float(np.clip(rank, 0, 1)) * (1.0 if names(problem.context) <= space.names else _NEW_NAME)

    def heads(self, problem: Problem) -> NDArray[np.bool_]:
        """Heads of the numbers that a metric may be, (HEADS,): all of them if nothing like it was ever measured."""
        exact = self._space(problem.context).metrics.get(problem.metric)
        alike = [exact] if exact else self._of_word(problem.metric.split()[0])
        least = min((known.least for known in alike), default=-_LARGEST)
        return _heads(least, max((known.most for known in alike), default=_LARGEST))

    def _space(self, context: str) -> Space:
        return self.spaces.get(first_line(context), Space())

    def _of_word(self, word: str) -> list[Known]:
        """What all spaces know of a metric word."""
        metrics = [pair for space in self.spaces.values() for pair in space.metrics.items()]
        return [known for metric, known in metrics if metric.split()[0] == word]


def names(context: str) -> frozenset[str]:
    """Names in a context below its first line: devices, fields, data types, operations; their numbers left out."""
    words = re.sub(r"=-?\d+(\.\d+)?\b", "=", context.partition("\n")[2]).split()
    return frozenset(word for word in words if re.search(r"[^\W\d]", word))


@lru_cache(maxsize=256)
def _heads(least: float, most: float) -> NDArray[np.bool_]:
    lower, upper = interval(np.arange(HEADS), np.empty((HEADS, 0), dtype=np.int64))
    margins = [end * (_BEYOND if (end > 0) == out else 1 / _BEYOND) for end, out in ((least, False), (most, True))]
    allowed = (upper >= margins[0]) & (lower <= margins[1])
    allowed[FAILED], allowed[ZERO] = True, least <= 0 <= most
    return allowed
