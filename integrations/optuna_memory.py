"""What a sampler remembers of one study. All of it can be read again from the study's storage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence

from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from .optuna_fits import Fits
from .optuna_history import Record
from .optuna_parameters import groups
from .optuna_patterns import Patterns, Rule
from .optuna_proposal import Proposal
from .optuna_reader import Names, Reader

Space = dict[str, BaseDistribution]
_MOST_GROUPS = 4  # each of which takes a model of all parameters


class Memory:
    """The parameters that trials had, what was encoded and fitted, and what was predicted of trials under way."""

    def __init__(self) -> None:
        self.space: Space = {}
        """All parameters of trials that ended, with their latest distributions."""
        self.records: defaultdict[Names, Record] = defaultdict(Record)
        self.fits: defaultdict[Names, Fits] = defaultdict(Fits)
        self.proposals: dict[int, list[Proposal]] = {}
        """Trial number -> what was proposed for each group, some of which are of branches that it may not take."""
        self.reader: Reader | None = None
        self._groups: list[Names] = []
        self._patterns = Patterns()
        self._whole: Names | None = None
        self._seen: set[int] = set()

    def outlives(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether it is of a study that was deleted, and whose number a storage gave to the one with these trials.

        A pruner may show some of the trials alone, as Hyperband does: their numbers tell, not how many they are.
        """
        return max(self._seen, default=-1) > max((trial.number for trial in trials), default=-1)

    def look(self, trials: Sequence[FrozenTrial]) -> None:
        """Note the parameters of trials that ended since the last time."""
        telling = (TrialState.COMPLETE, TrialState.PRUNED)
        new = [trial for trial in trials if trial.state in telling and trial.number not in self._seen]
        self._seen.update(trial.number for trial in new)
        for trial in new:
            self.space |= trial.distributions
        complete = [trial for trial in new if trial.state == TrialState.COMPLETE]
        # One that was pruned before it had all its parameters says nothing of which belong together.
        patterns = [Names(trial.params) for trial in complete if trial.params]
        self._groups = groups([*self._groups, *dict.fromkeys(patterns)])
        for trial in complete:
            self._patterns.note(trial.params, trial.distributions)
            if trial.params:
                self._whole = Names(trial.params) if self._whole is None else self._whole & trial.params.keys()

    def shared(self, names: Iterable[str]) -> Names:
        """Those of some parameters that all complete trials have; before there is one, all."""
        return Names(names) if self._whole is None else self._whole.intersection(names)

    def rules(self, space: Space) -> dict[str, Rule]:
        """What those of some parameters depend on that not all trials have, where that is seen."""
        return self._patterns.rules(space) if len(self._groups) > 1 else {}

    def explained(self, space: Space) -> Names:
        """Those of some parameters of which it is known which trials have them."""
        return self.shared(space) | self.rules(space).keys()

    def partition(self, space: Space, together: Collection[str]) -> list[Space]:
        """The parameters by groups, the first of them those that are read together, if any are.

        Where none are, and it is seen what some branches depend on, these are one group with all of that.
        """
        first = Names(space).intersection(together) or self._branched(space)
        others = [group & Names(space) - first for group in self._groups]
        rest = Names(space).difference(first, *others)
        return [{name: space[name] for name in space if name in part} for part in (first, *others, rest) if part]

    def common(self, groups: Sequence[Space]) -> Space:
        """What each other group is modelled together with: the first one, if it is seen which trials have what of it.

        Nobody sees of the others which trials have them; what is best there may depend on what all have.
        """
        few = len(groups) <= _MOST_GROUPS
        return groups[0] if few and self.explained(groups[0]) == groups[0].keys() else {}

    def _branched(self, space: Space) -> Names:
        """Parameters of branches, of which it is seen what they depend on, with all others that are in all trials."""
        return self.explained(space) if self.rules(space) else Names()
