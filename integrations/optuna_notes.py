"""What was predicted of trials, as user attributes that a study keeps.

Shapes: M objectives.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from .optuna_proposal import Proposal

Floats = NDArray[np.float64]

ATTRIBUTE = "prerank"
"""User attribute of a trial: who chose it and what was predicted."""
_OUTSIDE = 0.1  # share of the values that intervals do not hold
_GROWTH = 0.2  # of the logarithm of the widths, with each value too many outside
_RECENT = 100  # trials that tell


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


def widened(proposals: Sequence[Proposal], trials: Sequence[FrozenTrial], objectives: int) -> list[Proposal]:
    """Proposals whose intervals are the wider the more values those noted before did not hold.

    What is fitted to a few noisy values is too sure, and the candidate chosen is the one that is overrated most (Gibbs
    and Candes 2021, Adaptive Conformal Inference).
    """
    widths = np.exp(_GROWTH * _too_many(trials[-_RECENT:], objectives))
    return [proposal._replace(note=proposal.note | _wider(proposal, widths)) for proposal in proposals]


def _too_many(trials: Sequence[FrozenTrial], objectives: int) -> Floats:
    """Values outside of what was noted, beyond their share; long without any excuses none, (M,)."""
    found = np.zeros(objectives)
    for trial in trials:
        ends = trial.user_attrs.get(ATTRIBUTE, {}).get("interval", ())
        if trial.state == TrialState.COMPLETE and len(ends) == objectives:
            held = [low <= value <= high for value, (low, high) in zip(trial.values, ends, strict=True)]
            found = np.maximum(found + ~np.array(held) - _OUTSIDE, 0.0)
    return found


def _wider(proposal: Proposal, widths: Floats) -> dict[str, list[list[float]]]:
    """The intervals of a proposal that has any, stretched about the means."""
    if "interval" not in proposal.note:
        return {}
    (lows, highs), means = np.transpose(proposal.note["interval"]), np.array(proposal.note["mean"])
    lows, highs = np.minimum(lows, means - widths * (means - lows)), np.maximum(highs, means + widths * (highs - means))
    return {"interval": np.stack([lows, highs], axis=1).tolist()}
