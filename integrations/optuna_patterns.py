"""Which parameters a trial has: seen in the trials, not told by anyone.

A parameter may be there only where another one, a switch, has certain values: the width of a kernel for some kernels,
the units of a third layer from three layers on, the strength of what is done to a share of more than one half.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

Space = Mapping[str, BaseDistribution]
Values = set[Any]
_MOST_VALUES = 32  # of a whole number that others depend on
_FEWEST = 6  # trials with a parameter, and without, of which a float is not taken to decide by chance
_NONE = object()  # value of a switch that a trial did not have


class Side(NamedTuple):
    """Numbers below a cut, or the others."""

    cut: float
    below: bool

    def __contains__(self, number: Any) -> bool:
        return (number < self.cut) == self.below


class Rule(NamedTuple):
    """A parameter is there where its switch is there and has none of some values."""

    switch: str
    absent: tuple[Any, ...] | Side


class Patterns:
    """Which parameters complete trials had together, and what their switches were."""

    def __init__(self) -> None:
        self._seen: dict[frozenset[str], defaultdict[str, Values]] = {}  # of floats the two ends
        self._counts = Counter[frozenset[str]]()
        self._found: dict[frozenset[str], tuple[dict[str, BaseDistribution], dict[str, Rule]]] = {}

    def note(self, params: Mapping[str, Any], distributions: Space) -> None:
        """A complete trial's parameters."""
        pattern = frozenset(params)
        values = self._seen.setdefault(pattern, defaultdict(set))
        before = dict(values)
        self._counts[pattern] += 1
        for name, distribution in distributions.items():
            if _choices(distribution) is not None:  # a choice may be a list
                values[name] = values[name] | {distribution.to_internal_repr(params[name])}
            else:
                own = values[name] | {params[name]}
                values[name] = {min(own), max(own)}
        if self._counts[pattern] <= _FEWEST or values != before:
            self._found = {}

    def rules(self, space: Space) -> dict[str, Rule]:
        """What each of some parameters depends on, if not all trials have it and that is seen.

        Those that others depend on come before these.
        """
        names = frozenset(space)
        if names not in self._found or self._found[names][0] != space:
            self._found[names] = dict(space), self._rules(space)
        return self._found[names][1]

    def _rules(self, space: Space) -> dict[str, Rule]:
        choices = {name: values for name, own in space.items() if (values := _choices(own)) is not None}
        fewest = sorted(choices, key=lambda name: len(choices[name]))  # more of them agree by chance
        left = sorted(name for name in space if not all(name in pattern for pattern in self._seen))
        found: dict[str, Rule] = {}
        while left:
            switches = [(switch, choices[switch]) for switch in fewest if switch not in left]
            new = {name: _outside(rule, space) for name in left if (rule := self._rule(name, switches))}
            new = new or {name: rule for name in left if (rule := self._cut(name, space, left))}
            if not new:
                break  # two others, or nothing that is seen, decides of those that are left
            found |= new
            left = [name for name in left if name not in new]
        return found

    def _rule(self, name: str, switches: Sequence[tuple[str, Sequence[Any]]]) -> Rule | None:
        """The first switch whose values tell the trials with a parameter from those without."""
        for switch, choices in switches:
            there, away = self._values(name, switch, there=True), self._values(name, switch, there=False)
            if there and _NONE not in there and not there & away:
                absent = _absent(there, away - {_NONE}, choices)
                if absent is not None:
                    return Rule(switch, absent)
        return None

    def _cut(self, name: str, space: Space, left: Sequence[str]) -> Rule | None:
        """The first number of which one side of a cut tells the trials with a parameter from those without."""
        with_it = sum(count for pattern, count in self._counts.items() if name in pattern)
        if min(with_it, self._counts.total() - with_it) < _FEWEST:
            return None
        for switch, distribution in space.items():
            if isinstance(distribution, FloatDistribution | IntDistribution) and switch not in left:
                there, away = self._values(name, switch, there=True), self._values(name, switch, there=False) - {_NONE}
                side = _side(there, away, log=distribution.log) if there and away and _NONE not in there else None
                if side:
                    return Rule(switch, side)
        return None

    def _values(self, name: str, switch: str, *, there: bool) -> Values:
        """Values of a switch in the trials that had a parameter, or had not."""
        patterns = [values for pattern, values in self._seen.items() if (name in pattern) == there]
        return {value for values in patterns for value in values.get(switch, {_NONE})}


def _side(there: Values, away: Values, *, log: bool) -> Side | None:
    """Where numbers without a parameter are, beyond the middle between them and those with it; None: on both sides."""
    if max(away) < min(there):
        return Side(_between(max(away), min(there), log=log), below=True)
    return Side(_between(max(there), min(away), log=log), below=False) if max(there) < min(away) else None


def _between(low: float, high: float, *, log: bool) -> float:
    return low**0.5 * high**0.5 if log else low / 2 + high / 2


def present(names: Iterable[str], rules: Mapping[str, Rule], params: Mapping[str, Any]) -> frozenset[str]:
    """Those of some parameters that a candidate has, by what is known of it."""
    there = {*names}
    for name, (switch, absent) in rules.items():
        if switch not in there or (switch in params and params[switch] in absent):
            there.discard(name)
    return frozenset(there)


def _choices(distribution: BaseDistribution) -> Sequence[int] | None:
    """Values of what others may depend on: places of a category's, or those of a whole number, as of layers."""
    if isinstance(distribution, CategoricalDistribution):
        return tuple(range(len(distribution.choices)))
    if not isinstance(distribution, IntDistribution):
        return None
    few = (distribution.high - distribution.low) // distribution.step < _MOST_VALUES
    return range(distribution.low, distribution.high + 1, distribution.step) if few else None


def _outside(rule: Rule, space: Space) -> Rule:
    """A rule whose values are those that users write."""
    return rule._replace(absent=tuple(map(space[rule.switch].to_external_repr, rule.absent)))


def _absent(there: Values, away: Values, choices: Sequence[Any]) -> tuple[Any, ...] | None:
    """Values without a parameter: of a number all on one side of those with it; None if they are on both."""
    if not isinstance(choices, range) or not away:
        return tuple(choice for choice in choices if choice in away)
    if max(away) < min(there):
        return tuple(choice for choice in choices if choice <= max(away))
    return tuple(choice for choice in choices if choice >= min(away)) if max(there) < min(away) else None
