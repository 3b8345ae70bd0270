"""What a model was trained on, and how well: spaces, the names in their contexts, metrics, ranks, values.

It bounds what the model may answer (a number far outside everything that a metric ever was is a stray), and names the
metrics that answer for one it does not know. How far answers deserve belief: `belief`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from functools import lru_cache
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .codec import FAILED, HEADS, ZERO, interval
from .laws import Law
from .problem import Problem, below_first_line, first_line
from .wording import (
    familiar,
    likeness,
    metric_names,
    metric_numbers,
    metric_pieces,
    name_parts,
    names_in,
    similarity,
    unnumbered,
    varies_first,
)

_LARGEST = sys.float_info.max
_ELSEWHERE = 16  # metrics of other spaces that are looked at where a space is unknown
_LIKE_DEVICE = 0.3  # similarity from which on a device stands in: one of the same architecture
_STAND_INS = 4  # metrics that answer for an unknown one
_NEARNESS = 4  # power of their similarity, their share
_STRANGERS = 8  # metrics that answer where none is more similar than others
_ALIKE = 0.5  # share of words that two first lines have in common if one is to be read as the other
_BEYOND = 10.0  # a value may be ten times as large, or as small, as any that was measured


@dataclass(frozen=True)
class Known:
    """A metric of a space.

    Args:
        rank: Rank correlation on validation rows.
        least: Smallest value of the training rows; the least of all numbers: not known.
        most: Largest value of the training rows; the largest of all: not known.
        error: Standard deviation of the logarithm by which validation rows were off, beyond what the model said.
    """

    rank: float
    least: float = -_LARGEST
    most: float = _LARGEST
    error: float = 0.0

    def after(self, before: Known) -> Known:
        """The same, with the values that the metric had before."""
        return replace(self, least=min(self.least, before.least), most=max(self.most, before.most))


@dataclass(frozen=True)
class Space:
    """What contexts that begin with the same line were trained on.

    Args:
        metrics: Metric -> how it is known.
        names: What occurs in the contexts, see `wording.context_names`.
        vocabulary: What occurs in the candidates, see `wording.vocabulary`; empty: not known, or a language of its own.
        laws: Metric -> what it adds up to, where candidates state their totals.
        places: Second lines of the contexts, which tell the device of kernels; empty: not known, or too many.
    """

    metrics: Mapping[str, Known] = field(default_factory=dict[str, Known])
    names: frozenset[str] = frozenset()
    vocabulary: frozenset[str] = frozenset()
    laws: Mapping[str, Law] = field(default_factory=dict[str, Law])
    places: frozenset[str] = frozenset()


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
                frozenset(found.get("vocabulary", ())),
                {metric: Law.from_json(law) for metric, law in found.get("laws", {}).items()},
                frozenset(found.get("places", ())),
            )
            for line, found in spaces.items()
        })  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """As plain lists and mappings."""
        return {
            line: {
                "names": sorted(space.names),
                "vocabulary": sorted(space.vocabulary),
                "metrics": {metric: list(astuple(known)) for metric, known in space.metrics.items()},
                **({"laws": {metric: vars(law) for metric, law in space.laws.items()}} if space.laws else {}),
                **({"places": sorted(space.places)} if space.places else {}),
            }
            for line, space in self.spaces.items()
        }

    def __or__(self, newer: Knowledge) -> Knowledge:
        """Both; of what both know the newer, with all values that a metric had in either."""
        spaces = dict(self.spaces)
        for line, space in newer.spaces.items():
            own = self.spaces.get(line, replace(space, metrics={}))
            both = own.vocabulary | space.vocabulary if own.vocabulary and space.vocabulary else frozenset[str]()
            metrics = {metric: known.after(own.metrics.get(metric, known)) for metric, known in space.metrics.items()}
            more = own.names | space.names, both, {**own.laws, **space.laws}, own.places | space.places
            spaces[line] = Space({**own.metrics, **metrics}, *more)
        return Knowledge(spaces)

    def rated(self, ranks: Mapping[str, Mapping[str, float]], errors: Mapping[str, Mapping[str, float]]) -> Knowledge:
        """The same of the metrics that have a rank, with it, and with their errors."""
        spaces = {line: self.spaces[line] for line in ranks}
        return Knowledge({
            line: replace(space, metrics={
                metric: replace(space.metrics[metric], rank=rank, error=errors[line][metric])
                for metric, rank in ranks[line].items()
            })
            for line, space in spaces.items()
        })  # fmt: skip

    @property
    def ranks(self) -> dict[str, dict[str, float]]:
        """First context line -> metric -> rank correlation on validation rows."""
        return {
            line: {metric: known.rank for metric, known in space.metrics.items()} for line, space in self.spaces.items()
        }

    def read_as(self, context: str) -> str:
        """A context as the model shall read it: first line and device that were never read as the most similar known.

        An unseen name may be read as anything at all. Inductor's matmul, asked instead of another matmul never seen,
        ranked the configurations of that one better than the new name did, and so did an RTX 2080 Ti for a TITAN RTX.
        Devices of another architecture are too little alike to stand in: their names are read as they are.
        """
        line, rest = first_line(context), below_first_line(context)
        known, (second, end, others) = self.line(line), rest.partition("\n")
        place = self._place(second, self.space(context))
        return context if (known, place) == (line, second) else f"{known}\n{place}{end}{others}"

    def metrics(self, context: str) -> list[str]:
        """Metrics that are known of a context; where it is unknown, a few of every space, as a guess."""
        return list(self.space(context).metrics) or self._elsewhere()

    def answering(self, problem: Problem) -> dict[str, float]:
        """Metrics whose distributions answer a question, with their shares.

        What is known answers for itself, and so does what has the names of what is known: that device with another
        batch. For others the most similar metrics of the same word stand in, those of other devices say, since the
        model reads an unseen name (a new kind of processor) as anything at all, its opposite included; so they do where
        a number differs that was the same in all of them (two threads, where only one was ever measured).
        """
        known, alike = self.space(problem.context).metrics, self.alike(problem)
        read = frozenset[str]().union(*map(metric_names, known))
        own = familiar(problem.metric, alike, read) and not varies_first(problem.metric, alike)
        stand_ins = {} if own or problem.metric in known else self.stand_ins(problem)
        return stand_ins or {problem.metric: 1.0}

    def law(self, problem: Problem) -> Law | None:
        """What a metric adds up to, or else the one that has most to answer for it."""
        laws, shares = self.space(problem.context).laws, self.answering(problem)
        known = [metric for metric in laws if metric in shares]
        return laws[max(known, key=lambda metric: shares[metric])] if known else None

    def heads(self, problem: Problem) -> NDArray[np.bool_]:
        """Heads of the numbers that a metric may be, (HEADS,): all of them if nothing like it was ever measured."""
        exact = self.space(problem.context).metrics.get(problem.metric)
        alike = [exact] if exact else self._of_word(problem.metric.split()[0])
        least = min((known.least for known in alike), default=-_LARGEST)
        return _heads(least, max((known.most for known in alike), default=_LARGEST))

    def alike(self, problem: Problem) -> list[str]:
        """The known metrics of the same word."""
        word = problem.metric.split()[0]
        return [metric for metric in self.space(problem.context).metrics if metric.split()[0] == word]

    def stand_ins(self, problem: Problem) -> dict[str, float]:
        """The most similar of the known metrics of the same word, with shares; of those of a stranger, some of all."""
        known, numbers = self.alike(problem), metric_numbers(problem.metric).items()
        shared = {metric: len(numbers & metric_numbers(metric).items()) for metric in known}
        if self.strange(problem):
            alike = [metric for metric in known if shared[metric] == max(shared.values())]
            some = alike[:: -(-len(alike) // _STRANGERS)]
            return dict.fromkeys(some, 1 / len(some))
        similar = _similarities(problem.metric, _most_alike(shared))
        nearest = sorted(similar, key=lambda metric: -similar[metric])[:_STAND_INS]
        total = sum(similar[metric] ** _NEARNESS for metric in nearest)
        return {metric: similar[metric] ** _NEARNESS / total for metric in nearest}

    def strange(self, problem: Problem) -> bool:
        """Whether a metric has names, of a device say, and shares no part of them with a known metric of its word.

        The least described of the known ones would be the most similar to it.
        """
        own, known = name_parts(problem.metric), self.alike(problem)
        return bool(own and known) and not any(own & name_parts(metric) for metric in known)

    def space(self, context: str) -> Space:
        """What is known of a context."""
        return self.spaces.get(self.line(first_line(context)), Space())

    def line(self, line: str) -> str:
        """A first line, or the known one that is most similar to it."""
        if line in self.spaces:
            return line
        similar = {known: likeness(line, known) for known in self.spaces}
        nearest = max(similar, key=lambda known: similar[known], default=line)
        return nearest if similar.get(nearest, 0.0) >= _ALIKE else line

    def _place(self, second: str, space: Space) -> str:
        """A second line, or the known one that is similar to it if it has a name that nobody read."""
        if not space.places or names_in(second) <= space.names:
            return second
        similar = _similarities(second, sorted(space.places))
        nearest = max(similar, key=lambda place: similar[place])
        return nearest if similar[nearest] >= _LIKE_DEVICE else second

    def _elsewhere(self) -> list[str]:
        """The first metrics of every space, then the second ones, and so on."""
        rounds = zip_longest(*(space.metrics for space in self.spaces.values()))
        return list(dict.fromkeys(metric for metrics in rounds for metric in metrics if metric))[:_ELSEWHERE]

    def _of_word(self, word: str) -> list[Known]:
        """What all spaces know of a metric word."""
        metrics = [pair for space in self.spaces.values() for pair in space.metrics.items()]
        return [known for metric, known in metrics if metric.split()[0] == word]


def _similarities(asked: str, known: Iterable[str]) -> dict[str, float]:
    """How similar each of some metrics, or lines that tell a device, is to the one asked."""
    words = metric_pieces(asked)
    return {own: similarity(words, metric_pieces(own)) for own in known}


def _most_alike(shared: Mapping[str, int]) -> list[str]:
    """Of the metrics that differ in numbers alone, those of one device, the ones that share most with what is asked."""
    most: dict[str, int] = {}
    for metric, count in shared.items():
        most[unnumbered(metric)] = max(count, most.get(unnumbered(metric), 0))
    return [metric for metric, count in shared.items() if count == most[unnumbered(metric)]]


@lru_cache(maxsize=256)
def _heads(least: float, most: float) -> NDArray[np.bool_]:
    lower, upper = interval(np.arange(HEADS), np.empty((HEADS, 0), dtype=np.int64))
    margins = [end * (_BEYOND if (end > 0) == out else 1 / _BEYOND) for end, out in ((least, False), (most, True))]
    allowed = (upper >= margins[0]) & (lower <= margins[1])
    allowed[FAILED], allowed[ZERO] = True, least <= 0 <= most
    return allowed
