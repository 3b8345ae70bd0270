"""What a surrogate was told of measured candidates: by problem, the last value of each text."""

from __future__ import annotations

import hashlib
import json
import math
import reprlib
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .problem import Problem, undirected

Observation = tuple[Problem, str, float]
"""A problem, an observed candidate, its value."""


class Observations:
    """Measured values by problem, whichever way is better there, and text; nan or infinite: the candidate failed."""

    def __init__(self) -> None:
        self._values: dict[Problem, dict[str, float]] = {}
        self._asked: dict[Problem, Problem] = {}  # with the direction
        self._digests: dict[Problem, str] = {}
        self._order: dict[tuple[Problem, str], int] = {}
        self._added = 0

    def __len__(self) -> int:
        return sum(map(len, self._values.values()))

    @property
    def problems(self) -> list[Problem]:
        """What was observed, with the direction that was told last."""
        return list(self._asked.values())

    def measured(self, problem: Problem) -> int:
        """How many values of a problem itself were observed, failures apart, which say nothing of its scale."""
        return sum(map(math.isfinite, self._values.get(undirected(problem), {}).values()))

    def add(self, problem: Problem, values: Mapping[str, float]) -> None:
        """Add values; a text that has one takes the new one."""
        if not values:
            return  # a problem without values would count as observed
        asked, problem = problem, undirected(problem)
        self._asked[problem] = asked
        self._values.setdefault(problem, {}).update(values)
        self._order.update({(problem, text): self._added + place for place, text in enumerate(values)})
        self._added += len(values)
        self._digests.pop(problem, None)

    def remove(self, problem: Problem, texts: Iterable[str]) -> None:
        """Remove the values of some texts, where there are any."""
        problem = undirected(problem)
        values = self._values.get(problem, {})
        for text in {*texts} & values.keys():
            del values[text], self._order[problem, text]
        self._digests.pop(problem, None)
        if not values:
            self._values.pop(problem, None)
            self._asked.pop(problem, None)

    def of(self, problems: Iterable[Problem]) -> list[Observation]:
        """All values of some problems, the oldest first; a text that was observed again counts from the last time."""
        found = [(problem, text, value) for problem in problems for text, value in self._values[problem].items()]
        return sorted(found, key=lambda told: self._order[told[:2]])

    def telling(self, problem: Problem, *, known: bool) -> list[Problem]:
        """The observed problems that tell of one: of its metric, or of its word where the model knows no such metric.

        A latency on one device is on another scale than that on the next; of what it knows the model says more.

        Args:
            problem: What is asked.
            known: Whether the model knows metrics of its word.
        """
        family = [other for other in self._values if other.family == problem.family]
        own = [other for other in family if other.metric == problem.metric]
        return own or ([] if known else family)

    def beside(self, problem: Problem, *, devices: bool) -> list[Problem]:
        """The other observed problems of its metric; if there are none, and it names a device, those of its word."""
        family = [other for other in self._values if other.family == problem.family and other != undirected(problem)]
        return [other for other in family if other.metric == problem.metric] or (family if devices else [])

    def copy(self) -> Observations:
        """The same, to be added to apart."""
        other = Observations()
        other._values = {problem: dict(values) for problem, values in self._values.items()}
        other._asked = dict(self._asked)
        other._digests, other._order, other._added = dict(self._digests), dict(self._order), self._added
        return other

    @property
    def digest(self) -> str:
        """Equal for equal observations, in whatever order they came."""
        for problem in self._values.keys() - self._digests.keys():
            told = json.dumps([*vars(problem).values(), sorted(self._values[problem].items())])
            self._digests[problem] = hashlib.sha256(told.encode()).hexdigest()
        return hashlib.sha256("".join(sorted(self._digests.values())).encode()).hexdigest()

    def to_json(self) -> str:
        """A list of problems with their texts and values in the order in which they came, so that a problem returns."""
        runs = groupby(self.of(self._values), key=lambda row: row[0])
        told = [(self._asked[problem], [row[1:] for row in rows]) for problem, rows in runs]
        entries = [vars(p) | {"texts": [text for text, _ in own], "values": [v for _, v in own]} for p, own in told]
        return json.dumps(entries, indent=1)

    @classmethod
    def read(cls, file: Path) -> Observations:
        """What `to_json` wrote to a file; none without it.

        Raises:
            ValueError: If the file is damaged.
        """
        found = cls()
        try:
            entries: Sequence[dict[str, Any]] = json.loads(file.read_text("utf-8")) if file.exists() else []
            for entry in entries:
                problem = Problem(entry["context"], entry["metric"], entry["direction"])
                found.add(problem, dict(zip(_texts(entry["texts"]), map(float, entry["values"]), strict=True)))
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            raise ValueError(f"{file} is damaged ({error!r}); remove it or save the surrogate again") from error
        return found


def _texts(found: object) -> list[str]:
    """A list of texts, as JSON had it.

    Raises:
        TypeError: If it is another thing.
    """
    if not isinstance(found, list) or not all(isinstance(text, str) for text in cast("list[Any]", found)):
        raise TypeError(f"texts are {found!r:.60}")
    return cast("list[str]", found)


def by_text(texts: Sequence[str], values: ArrayLike) -> dict[str, float]:
    """The values of some texts, but for those that are masked.

    Raises:
        ValueError: If there is not one number for each text.
    """
    numbers = _numbers(texts, values)
    if numbers.shape != (len(texts),):
        raise ValueError(f"values have shape {numbers.shape} for {len(texts)} texts; give one value for each text")
    return {text: float(value) for text, value in zip(texts, numbers, strict=True) if value is not np.ma.masked}


def _numbers(texts: Sequence[str], values: Any) -> NDArray[np.float64]:
    """Values as floats, in whatever shape; masked ones stay masked."""
    if hasattr(values, "dtype") and np.iscomplexobj(values):
        values = values.tolist()  # numpy would keep the real parts
    try:
        return np.ma.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(_no_numbers(texts, values)) from error


def _no_numbers(texts: Sequence[str], values: Any) -> str:
    """What is said of values that are no numbers: of which text the first one is."""
    each: Iterable[Any] = values if hasattr(values, "__iter__") else ()
    wrong = [(text, value) for text, value in zip(texts, each, strict=False) if not _is_number(value)]
    if not wrong:
        return f"values are {reprlib.repr(values)}; give a list of numbers, one for each text"
    text, value = wrong[0]
    shown = "larger than any float" if isinstance(value, int) else reprlib.repr(value)
    return f"the value of {text[:60]!r} is {shown}; give a number, nan where the candidate failed"


def _is_number(value: Any) -> bool:
    try:
        return np.asarray(value, dtype=np.float64).ndim == 0
    except (TypeError, ValueError, OverflowError):
        return False
