"""What the text of a candidate is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    _get_single_value,  # pyright: ignore[reportPrivateUsage]
)

from .optuna_parameters import Params
from .optuna_patterns import Rule, present


class Subject:
    """Parameters that texts are made of: those of a group, and what has a single value.

    Args:
        space: Name -> distribution, of all branches.
        rules: What those depend on that not all candidates have (see `Patterns.rules`).
    """

    def __init__(self, space: Mapping[str, BaseDistribution], rules: Mapping[str, Rule]) -> None:
        self.space = dict(space)
        self.names = frozenset(space)
        self._rules = dict(rules)
        self._single = {name: _get_single_value(own) for name, own in space.items() if own.single()}

    def of(self, params: Mapping[str, Any]) -> tuple[Params, bool]:
        """What is known of those that belong to a candidate's branch, in order, and whether these are all.

        One of a single value has it, whether it was sampled or not.
        """
        known = self._single | dict(params)
        there = present(self.space, self._rules, known)
        return {name: known[name] for name in self.space if name in there and name in known}, there <= known.keys()
