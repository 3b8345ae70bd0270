"""Search spaces with branches: parameters that candidates have only where a switch has certain values.

The width of a kernel is modelled together with the kernel: by itself it would be averaged over all kernels, and the
kernel over all widths.

Shapes: n candidates, D parameters, E features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution

from .optuna_parameters import Parameters, Params
from .optuna_patterns import Rule, Side, present

Floats = NDArray[np.float64]
_NUMBER, _CATEGORY = 0.5, 0.0  # in the row of a candidate that does not have them
_SAME = 1e-9


class Branches(Parameters):
    """A search space of which candidates have those parameters that belong to their branch.

    Args:
        distributions: Name -> distribution, of all branches; none of them of a single value.
        rules: What those depend on that are not in all of them, in order (see `Patterns.rules`).
    """

    def __init__(self, distributions: Mapping[str, BaseDistribution], rules: Mapping[str, Rule]) -> None:
        super().__init__(distributions)
        self.rules = dict(rules)
        self._usual = {name: _any(distribution) for name, distribution in distributions.items()}
        places = {name: place for place, name in enumerate(distributions)}
        self._rules = [
            (places[name], places[of], self._absence(places[of], away)) for name, (of, away) in rules.items()
        ]
        self._nowhere = np.where(self.choices > 0, _CATEGORY, _NUMBER)
        in_branches = np.isin(self.columns, [place for place, *_ in self._rules])
        self._on_arcs = np.flatnonzero(in_branches & ~self.indicators)
        self.columns = np.concatenate([self.columns, self.columns[self._on_arcs]])
        self.owners = np.concatenate([self.owners, self.owners[self._on_arcs]])

    def names(self, params: Mapping[str, Any]) -> frozenset[str]:
        """Parameters of the branch that a candidate takes."""
        return present(self.distributions, self.rules, params)

    def encode(self, candidates: Sequence[Mapping[str, Any]]) -> Floats:
        """Rows of candidates that have all parameters of their branches, (n, D)."""
        return self._placed(super().encode([{**self._usual, **params} for params in candidates]))

    def decode(self, rows: Floats) -> list[Params]:
        """Candidates of rows, without the parameters of other branches."""
        return [
            {name: value for (name, value), own in zip(params.items(), there, strict=True) if own}
            for params, there in zip(super().decode(rows), self._there(rows), strict=True)
        ]

    def put(self, rows: Floats, params: Mapping[str, Any]) -> Floats:
        """Rows in which some parameters are as given, and those of other branches nowhere, (n, D)."""
        return self._placed(super().put(rows, params))

    def features(self, rows: Floats) -> Floats:
        """Features, (n, E), in which numbers of a branch lie on an arc about what stands for other branches.

        On a line the ends of their range would look least like other branches, and be tried first (Swersky et al. 2014,
        Raiders of the Lost Architecture).
        """
        features = super().features(rows)
        angles = features[:, self._on_arcs]
        features[:, self._on_arcs] = np.cos(angles)
        return np.concatenate([features, np.sin(angles)], axis=1) * self._there(rows)[:, self.columns]

    def breadth(self, rows: Floats) -> float:
        """How many lengths matter to a candidate, on average."""
        of = self.columns[np.unique(self.owners, return_index=True)[1]]
        return float(self._there(rows)[:, of].sum(axis=1).mean())

    def _placed(self, rows: Floats) -> Floats:
        return np.where(self._there(rows), rows, self._nowhere)

    def _there(self, rows: Floats) -> NDArray[np.bool_]:
        """Which parameters candidates have, (n, D)."""
        there = np.ones(rows.shape, dtype=np.bool_)
        for place, switch, absent in self._rules:
            there[:, place] = there[:, switch] & ~absent(rows[:, switch])
        return there

    def _absence(self, place: int, values: Sequence[Any] | Side) -> Callable[[Floats], NDArray[np.bool_]]:
        """What tells of a column whether its numbers are among some values of a parameter."""
        encode = self._columns[place].encode
        if isinstance(values, Side):
            return partial(_on_side, cut=float(encode([values.cut])[0]), below=values.below)
        return partial(_among, values=np.round(encode(values) / _SAME))


def _on_side(column: Floats, cut: float, below: bool) -> NDArray[np.bool_]:
    return (column < cut) == below


def _among(column: Floats, values: Floats) -> NDArray[np.bool_]:
    return np.isin(np.round(column / _SAME), values)


def _any(distribution: BaseDistribution) -> Any:
    """Any value that a parameter may have."""
    return distribution.choices[0] if isinstance(distribution, CategoricalDistribution) else distribution.low  # type: ignore[attr-defined]
