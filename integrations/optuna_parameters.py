"""Optuna's distributions as columns of numbers: encode, decode, draw, vary.

A number lies in [0, 1] on its own scale (logarithmic where the distribution is), whole steps in the middle of cells of
equal width; a category is its index.

Shapes: n candidates, D parameters, E features.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

Floats = NDArray[np.float64]
Params = dict[str, Any]
_FEW = 16  # steps of a number of which all are neighbours


class _Number:
    """One float or int parameter."""

    choices, places = 0, None

    def __init__(self, distribution: FloatDistribution | IntDistribution) -> None:
        self._low, self._high = distribution.low, distribution.high
        self._log, self._step = distribution.log, distribution.step or 0.0
        self._kind = int if isinstance(distribution, IntDistribution) else float
        self._ends = _floats_within(self._low, self._high)
        margin = self._step / 2
        self._bottom, self._top = self._scaled(self._low - margin), self._scaled(self._high + margin)
        self.steps = round((self._high - self._low) / self._step) + 1 if self._step else 0

    def _scaled(self, value: Any) -> Any:
        return np.log(value) if self._log else value

    def encode(self, values: Sequence[Any]) -> Floats:
        scaled = self._scaled(np.array(values, dtype=np.float64))
        # Halves first: the width of the widest range would overflow.
        return (scaled / 2 - self._bottom / 2) / (self._top / 2 - self._bottom / 2)

    def _values(self, column: Floats) -> Floats:
        scaled = self._bottom * (1 - column) + self._top * column
        values: Floats = np.exp(scaled) if self._log else scaled
        if self._step:
            low, step = float(self._low), float(self._step)  # with integers beyond 64 bits NumPy 1 makes objects
            values = low + np.round((values - low) / step) * step
        return np.clip(values, *self._ends)

    def decode(self, column: Floats) -> list[Any]:
        values = self._values(np.clip(column, 0, 1)).tolist()
        return [round(value) if self._kind is int else float(value) for value in values]

    def snap(self, column: Floats) -> Floats:
        inside = np.clip(column, 0, 1)
        return self.encode(self._values(inside).tolist()) if self._step else inside


class _Category:
    """One categorical parameter."""

    def __init__(self, distribution: CategoricalDistribution) -> None:
        self._distribution = distribution
        self.choices = self.steps = len(distribution.choices)
        self.places = _places(distribution.choices)

    def encode(self, values: Sequence[Any]) -> Floats:
        return np.array([self._distribution.to_internal_repr(value) for value in values], dtype=np.float64)

    def decode(self, column: Floats) -> list[Any]:
        return [self._distribution.choices[int(index)] for index in column]

    def snap(self, column: Floats) -> Floats:
        return column


def _places(choices: Sequence[Any]) -> Floats | None:
    """Places in [0, 1] of choices that are distinct numbers in their order; None: they are something else."""
    if not all(map(_is_number, choices)) or len(set(choices)) < max(3, len(choices)):
        return None
    order = np.argsort(np.array(choices, dtype=object))  # as Python compares them: whole numbers may be of any size
    return np.argsort(order) / (len(choices) - 1)


def _is_number(choice: Any) -> bool:
    whole = isinstance(choice, int) and not isinstance(choice, bool)
    return whole or (isinstance(choice, float) and math.isfinite(choice))


class Parameters:
    """A search space that candidates are rows of.

    Args:
        distributions: Name -> distribution; none of them of a single value.
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution]) -> None:
        self.distributions = dict(distributions)
        self._columns = [_column(distribution) for distribution in distributions.values()]
        self.choices = np.array([column.choices for column in self._columns])
        """Choices of the categories, 0 for numbers, (D,)."""
        self._categories = self.choices > 0
        self._ordered = [number for number, column in enumerate(self._columns) if column.places is not None]
        widths, places = np.maximum(self.choices, 1), np.arange(len(self.choices))
        self.columns = np.concatenate([np.repeat(places, widths), np.array(self._ordered, dtype=np.intp)])
        """Parameter of each feature, (E,)."""
        self.owners = np.concatenate([np.repeat(places, widths), np.arange(len(self._ordered)) + len(widths)])
        """What has a length of its own, of each feature, (E,): a parameter, or the order of categories."""
        self.indicators = np.concatenate([np.repeat(self._categories, widths), np.zeros(len(self._ordered), np.bool_)])
        """Whether a feature says of a category whether it is there, (E,)."""

    def __len__(self) -> int:
        return len(self._columns)

    @property
    def size(self) -> float:
        """Number of candidates; infinite if a parameter is continuous."""
        return float(np.prod([column.steps or np.inf for column in self._columns]))

    def names(self, params: Mapping[str, Any]) -> frozenset[str]:
        """Parameters that such a candidate has."""
        return frozenset(self.distributions)

    def breadth(self, rows: Floats) -> float:
        """How many lengths matter to a candidate, on average."""
        return float(self.owners.max() + 1)

    def encode(self, candidates: Sequence[Mapping[str, Any]]) -> Floats:
        """Rows of candidates that have all parameters, (n, D); values outside a range are outside [0, 1]."""
        named = zip(self.distributions, self._columns, strict=True)
        return np.stack([column.encode([params[name] for params in candidates]) for name, column in named], axis=1)

    def decode(self, rows: Floats) -> list[Params]:
        """Candidates of rows, in Python's own numbers, within range and on the steps."""
        columns = [column.decode(values) for column, values in zip(self._columns, rows.T, strict=True)]
        return [dict(zip(self.distributions, values, strict=True)) for values in zip(*columns, strict=True)]

    def snap(self, rows: Floats) -> Floats:
        """The nearest rows that stand for valid values."""
        return np.stack([column.snap(values) for column, values in zip(self._columns, rows.T, strict=True)], axis=1)

    def put(self, rows: Floats, params: Mapping[str, Any]) -> Floats:
        """Rows in which some parameters are as given, (n, D)."""
        changed = rows.copy()
        for number, (name, column) in enumerate(zip(self.distributions, self._columns, strict=True)):
            if name in params:
                changed[:, number] = column.encode([params[name]])
        return changed

    def features(self, rows: Floats) -> Floats:
        """Numbers as they are, categories as indicators at a distance of 1, and places of some, (n, E)."""
        blocks: list[Floats] = [
            (rows[:, number, None] == np.arange(choices)) / np.sqrt(2) if choices else rows[:, number, None]
            for number, choices in enumerate(self.choices.tolist())
        ]
        for number in self._ordered:
            places = self._columns[number].places
            assert places is not None
            blocks.append(places[rows[:, number].astype(np.intp)][:, None])
        return np.concatenate(blocks, axis=1).astype(np.float64)

    def draw(self, rng: np.random.Generator, count: int) -> Floats:
        """Independent draws, (count, D)."""
        uniform = rng.random((count, len(self)))
        return self.snap(np.where(self._categories, np.floor(uniform * self.choices), uniform))

    def mutate(self, rng: np.random.Generator, parents: Floats, count: int) -> Floats:
        """Parents of which one or a few parameters are drawn anew, (count, D)."""
        chosen, draws = parents[rng.integers(len(parents), size=count)], self.draw(rng, count)
        return np.where(self._some(rng, count), draws, chosen)

    def perturb(self, rng: np.random.Generator, parents: Floats, count: int, scale: float) -> Floats:
        """Parents whose numbers are moved by about a scale, all or some; rarely a category changes, (count, D)."""
        chosen = parents[rng.integers(len(parents), size=count)]
        widths = scale * rng.lognormal(0, 1, size=(count, 1))
        moved = np.clip(chosen + widths * rng.standard_normal(chosen.shape), 0, 1)
        some = np.where(rng.random((count, 1)) < 0.5, self._some(rng, count), True)
        redrawn = self._some(rng, count) & (rng.random((count, 1)) < min(1.0, 0.1 + scale))
        changes = np.where(self._categories, redrawn, some)
        return self.snap(np.where(changes, np.where(self._categories, self.draw(rng, count), moved), chosen))

    def cross(self, rng: np.random.Generator, parents: Floats, count: int) -> Floats:
        """Each parameter from one of two parents, (count, D)."""
        one, other = (parents[rng.integers(len(parents), size=count)] for _ in range(2))
        return np.where(rng.random(one.shape) < 0.5, one, other)

    def neighbours(self, row: Floats) -> Floats:
        """All rows that differ in one category or by one step of one number, few steps by any, (m, D)."""
        found: list[Floats] = [np.empty((0, len(self)))]
        for number, column in enumerate(self._columns):
            values = _beside(row[number], column)
            changed = np.repeat(row[None], len(values), axis=0)
            changed[:, number] = values
            found.append(changed)
        return np.concatenate(found)

    def _some(self, rng: np.random.Generator, count: int) -> NDArray[np.bool_]:
        """One parameter of each row or a few more, (count, D)."""
        places = rng.random((count, len(self))).argsort(axis=1).argsort(axis=1)
        return places < rng.geometric(0.5, size=(count, 1))


def _column(distribution: BaseDistribution) -> _Number | _Category:
    if isinstance(distribution, CategoricalDistribution):
        return _Category(distribution)
    if isinstance(distribution, (FloatDistribution, IntDistribution)):
        return _Number(distribution)
    raise ValueError(f"{distribution!r} is no distribution that can be sampled; use a float, an int or a category")


def _floats_within(low: float, high: float) -> tuple[float, float]:
    """The least and the largest float of a range: those nearest to large whole numbers may be outside of it."""
    least, most = float(low), float(high)
    return (
        least if least >= low else math.nextafter(least, math.inf),
        most if most <= high else math.nextafter(most, -math.inf),
    )


def _beside(value: float, column: _Number | _Category) -> Floats:
    """Other values of a column next to one."""
    if column.choices:
        return np.delete(np.arange(column.choices, dtype=np.float64), int(value))
    if not column.steps:
        return np.empty(0)
    width = 1 / column.steps
    steps = (np.arange(column.steps) + 0.5) * width if column.steps <= _FEW else value + np.array([-width, width])
    snapped = column.snap(steps.astype(np.float64))
    return np.unique(snapped[np.abs(snapped - value) > 1e-9])


def groups(patterns: Iterable[frozenset[str]]) -> list[frozenset[str]]:
    """Parameters that always occur together: the coarsest groups of which each pattern is a union.

    Args:
        patterns: The parameters of each trial.
    """
    found: list[frozenset[str]] = []
    for pattern in patterns:
        split = [part for group in found for part in (group & pattern, group - pattern)]
        new = pattern.difference(*found)
        found = [group for group in (*split, new) if group]
    return found
