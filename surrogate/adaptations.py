"""What observations taught of the problems that were asked, kept until an observation changes it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from . import belief
from .evenly import evenly
from .levels import LEVELLED
from .observations import Observation, Observations
from .prediction import Prediction
from .problem import Problem, undirected
from .reading import Reading
from .readings import Readings
from .source import Source

if TYPE_CHECKING:
    from .adaptation import Adaptation
    from .borrowed import Borrowed, Ratio
    from .family import Ratios
    from .transfer import Transfer

_FEWEST_ELSEWHERE = 5  # values of other problems from which on they tell candidates apart
_COMPARED = 16  # candidates by which the levels of two problems are compared
_MOST_OBSERVED = 2000  # of a family of problems; what they teach takes the cube of their number


class Adaptations:
    """What one model learnt from observations, and what it makes of the texts that were observed or asked last.

    Args:
        source: The model, which is opened as soon as there are observations to learn from, not before.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._readings = Readings()
        self._learnt: dict[tuple[frozenset[Problem], Problem | None], Adaptation] = {}
        self._transfers: dict[tuple[frozenset[Problem], Problem], Transfer] = {}  # others, what is asked

    def __call__(self, problem: Problem, observations: Observations) -> Adaptation | Borrowed | Transfer | None:
        """What the observations of a problem's family teach of it; None without any."""
        measured = observations.measured(problem)
        others = self._others(problem, observations) if measured else []
        if 0 < measured < LEVELLED and sum(map(observations.measured, others)) >= _FEWEST_ELSEWHERE:
            return self._transfer(undirected(problem), others, observations)
        return self._adaptation(problem, others if measured >= LEVELLED else [], observations)

    def _others(self, problem: Problem, observations: Observations) -> list[Problem]:
        """Other problems that tell of one on another scale; none where the model itself says more than they do."""
        known = self._source.knowledge.alike(problem)
        return [] if known else observations.beside(problem, devices=belief.of_a_device(problem))

    def _transfer(self, own: Problem, others: Sequence[Problem], observations: Observations) -> Transfer:
        """What those of other problems teach of one that has too few values to tell candidates apart."""
        key = frozenset(others), own
        if key not in self._transfers:
            from .transfer import Transfer

            finite = {text: value for _, text, value in observations.of([own]) if math.isfinite(value)}
            rows = [row for row in observations.of([*others, own]) if row[0] != own or row[1] not in finite]
            taught, knowledge = self._taught(rows[-_MOST_OBSERVED:], None, None), self._source.knowledge
            told, values = self.read(own, [*finite], keep=True), np.array([*finite.values()])
            certainty = belief.trust(knowledge, own), belief.error(knowledge, own)
            self._transfers[key] = Transfer(taught, told, values, *certainty)
        return self._transfers[key]

    def _adaptation(
        self, problem: Problem, others: Sequence[Problem], observations: Observations
    ) -> Adaptation | Borrowed | None:
        """What its own observations teach of a problem, with those of others, of any device, brought to its level."""
        asked, known = undirected(problem), bool(self._source.knowledge.alike(problem))
        telling = [asked, *others] if others else observations.telling(problem, known=known)
        compared = all(other.metric == problem.metric for other in telling)
        level = asked if asked in telling else telling[-1] if telling and compared else None
        key = frozenset(telling), level if len(telling) > 1 else None
        if key not in self._learnt:
            rows = observations.of(telling)[-_MOST_OBSERVED:]
            if not rows:
                return None
            for unread in key[0] - {observed for observed, *_ in rows}:
                self._readings.release(unread)
            self._learnt[key] = self._taught(rows, key[1], self._ratio if compared else None)
        learnt = self._learnt[key]
        return learnt if level is None or level == asked else self._borrowed(learnt, asked, level, observations)

    def _borrowed(self, learnt: Adaptation, asked: Problem, level: Problem, observations: Observations) -> Borrowed:
        """What was learnt on the level of another problem."""
        from .borrowed import Borrowed

        ratio = self._ratio(asked, level, [text for _, text, _ in observations.of([level])])
        return Borrowed(learnt, ratio, trusted=belief.trust(self._source.knowledge, asked) > 0)

    def _ratio(self, problem: Problem, other: Problem, texts: Sequence[str]) -> Ratio:
        """How much more the model takes the metric to be on a problem than on another, by some candidates of it."""
        from .borrowed import Ratio

        some = [texts[int(place)] for place in evenly(len(texts), _COMPARED)]
        return Ratio.between(self.read(problem, some)[1], self.read(other, some)[1])

    def read(self, problem: Problem, texts: Sequence[str], *, keep: bool = False) -> tuple[Prediction, Reading]:
        """What the model makes of texts, which is the same in either direction.

        Args:
            problem: What is asked.
            texts: The candidates.
            keep: Whether they are asked again and again, as observed ones are (see `Readings`).
        """
        return self._readings(self._source.inference.read, undirected(problem), texts, keep=keep)

    def outdate(self, problem: Problem) -> None:
        """Drop what was learnt from the observations of a problem, which have changed."""
        changed = undirected(problem)
        self._learnt = {key: learnt for key, learnt in self._learnt.items() if changed not in key[0]}
        self._transfers = {key: own for key, own in self._transfers.items() if changed not in {*key[0], key[1]}}

    def forget(self, problem: Problem, texts: Iterable[str]) -> None:
        """The same where some texts are no longer observed, and need no longer be kept."""
        self.outdate(problem)
        self._readings.release(undirected(problem), texts)

    def _taught(self, rows: Sequence[Observation], level: Problem | None, ratio: Ratios | None) -> Adaptation:
        from .family import taught  # scipy.stats, which a search that has no observations does without

        return taught(rows, level, self._kept, self._source.knowledge, ratio)

    def _kept(self, problem: Problem, texts: Sequence[str]) -> Reading:
        """What the model makes of observed texts, which are asked again and again."""
        return self.read(problem, texts, keep=True)[1]
