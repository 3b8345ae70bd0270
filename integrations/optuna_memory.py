"""What a sampler remembers of one study. All of it can be read again from the study's storage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from .optuna_history import Record
from .optuna_model import Fits
from .optuna_parameters import groups
from .optuna_reader import Reader

Params = dict[str, Any]
Space = dict[str, BaseDistribution]
Names = frozenset[str]


class Memory:
    """The parameters that trials had, what was encoded and fitted, and what was proposed to trials under way."""

    def __init__(self) -> None:
        self.space: Space = {}
        """All parameters of trials that ended, with their latest distributions."""
        self.records: defaultdict[Names, Record] = defaultdict(Record)
        self.fits: defaultdict[Names, Fits] = defaultdict(Fits)
        self.promised: dict[int, Params] = {}
        """Trial number -> proposal: trials store their parameters one by one, and a crash keeps the rest from it."""
        self.reader: Reader | None = None
        self._groups: list[Names] = []
        self._everywhere: Names | None = None
        self._seen: set[int] = set()

    def look(self, trials: Sequence[FrozenTrial]) -> None:
        """Note the parameters of trials that ended since the last time, and forget what was promised to them."""
        telling = (TrialState.COMPLETE, TrialState.PRUNED)
        new = [trial for trial in trials if trial.state in telling and trial.number not in self._seen]
        self._seen.update(trial.number for trial in new)
        patterns = [Names(trial.params) for trial in new if trial.params]
        self._groups = groups([*self._groups, *dict.fromkeys(patterns)])
        for pattern in patterns:
            self._everywhere = pattern if self._everywhere is None else self._everywhere & pattern
        for trial in new:
            self.space |= trial.distributions
        for trial in new:
            self.promised.pop(trial.number, None)

    def partition(self, space: Space, given: Mapping[str, BaseDistribution] | None) -> list[Space]:
        """The parameters by groups, the first of them what is given or what all trials have."""
        first = Names(space) & (Names(given) if given is not None else self._everywhere or Names(space))
        others = [group & Names(space) - first for group in self._groups]
        rest = Names(space).difference(first, *others)
        return [{name: space[name] for name in space if name in part} for part in (first, *others, rest) if part]
