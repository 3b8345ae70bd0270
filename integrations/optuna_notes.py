"""What was predicted of trials, as user attributes that a study keeps."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.study import Study
from optuna.trial import FrozenTrial

from .optuna_proposal import Proposal

ATTRIBUTE = "prerank"
"""User attribute of a trial: who chose it and what was predicted."""


def note(study: Study, trial: FrozenTrial, proposals: Sequence[Proposal]) -> None:
    """Store what was predicted of the first group that runs as proposed; of none, that others run than was noted."""
    before, other = trial.user_attrs.get(ATTRIBUTE), [proposal for proposal in proposals if _differs(proposal, trial)]
    notes = [proposal.note for proposal in proposals if proposal.note and proposal not in other]
    note = next(iter(notes), {"by": "independent"} if before and other else None)
    if note and note != before:
        study._storage.set_trial_user_attr(trial._trial_id, ATTRIBUTE, note)  # pyright: ignore[reportPrivateUsage]


def _differs(proposal: Proposal, trial: FrozenTrial) -> bool:
    """Whether a trial has other values than was proposed: of one outside the trial's own range Optuna draws another."""
    return any(name in trial.params and trial.params[name] != value for name, value in proposal.params.items())
