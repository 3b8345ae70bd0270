"""What the trials of a study say, as arrays: encoded parameters, losses, constraints, candidates under way.

Shapes: n trials that ended, p under way, D parameters, M objectives, C constraints.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from .optuna_branches import Branches
from .optuna_parameters import Parameters
from .optuna_patterns import Rule

Floats = NDArray[np.float64]
Known = tuple[FrozenTrial, Mapping[str, Any]]
"""A trial and its parameters, with those it was promised where it has not stored them yet, or ended before."""
PROMISED = "prerank:promised"
"""System attribute of a trial: what was proposed; parameters are stored one by one, an early end cuts them short."""
_LEAST_PLACE = 0.5  # a pruned trial is no better than the median, however it began
_USUAL_PLACE = 0.75  # of a pruned trial whose reports compare with no other's


@dataclass(frozen=True)
class History:
    """The trials that have all parameters of a search space.

    Args:
        numbers: Numbers of those that ended, (n,).
        rows: Their encoded parameters, (n, D).
        losses: Their values, less is better, (n, M); nan: it failed, or was pruned without a report.
        violations: Their constraints, satisfied at 0 or less, (n, C); nan where they are unknown.
        pending: Encoded parameters of those under way, (p, D).
    """

    numbers: Sequence[int]
    rows: Floats
    losses: Floats
    violations: Floats
    pending: Floats

    @property
    def succeeded(self) -> NDArray[np.bool_]:
        """Trials that have all losses, (n,)."""
        return np.asarray(np.isfinite(self.losses).all(axis=1))

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """Trials that succeeded within all constraints, (n,)."""
        return self.succeeded & ~np.asarray((self.violations > 0).any(axis=1))

    @property
    def idle(self) -> int:
        """Trials that ended since the best one within the constraints; 0 where no single loss tells which that is."""
        if self.losses.shape[1] != 1 or not self.feasible.any():
            return 0
        return len(self.losses) - 1 - int(np.where(self.feasible, self.losses[:, 0], np.inf).argmin())

    @property
    def outcomes(self) -> dict[int, Floats]:
        """Trial number -> its losses, (M,)."""
        return dict(zip(self.numbers, self.losses, strict=True))


class Record:
    """Encoded rows of one search space, each trial encoded once."""

    def __init__(self) -> None:
        self._parameters: Branches | None = None
        self._rows: dict[int, Floats] = {}

    def parameters(self, distributions: dict[str, BaseDistribution], rules: Mapping[str, Rule]) -> Branches:
        """The search space; if it or its branches changed, all rows are encoded anew."""
        known = self._parameters
        if known is None or (known.distributions, known.rules) != (distributions, rules):
            known = self._parameters = Branches(distributions, rules)
            self._rows = {}
        return known

    def rows(self, parameters: Parameters, trials: Sequence[Known]) -> Floats:
        """Rows of finished trials with their parameters, (n, D)."""
        new = [(trial.number, params) for trial, params in trials if trial.number not in self._rows]
        if new:
            encoded = parameters.encode([params for _, params in new])
            self._rows.update((number, row) for (number, _), row in zip(new, encoded, strict=True))
        return np.array([self._rows[trial.number] for trial, _ in trials]).reshape(-1, len(parameters))


def with_promised(trials: Iterable[FrozenTrial], space: Mapping[str, BaseDistribution]) -> list[Known]:
    """Trials with all that is known of their parameters, whichever process proposed them."""
    return [(trial, {**_promised(trial, space), **trial.params}) for trial in trials]


def held(values: Mapping[str, Any], space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """Those of some values that parameters of a space may have."""
    return {name: value for name, value in values.items() if name in space and _holds(space[name], value)}


def history(record: Record, parameters: Parameters, known: Sequence[Known], signs: Sequence[int]) -> History:
    """Read trials.

    Args:
        record: What was encoded before.
        parameters: The search space.
        known: All trials of the study.
        signs: +1 for each objective that is minimised, -1 for the others.
    """
    full = [(trial, params) for trial, params in known if parameters.names(params) <= params.keys()]
    kept = [(trial, params) for trial, params in full if _tells(trial, parameters.names(params))]
    finished = [(trial, params) for trial, params in kept if trial.state.is_finished()]
    pending = [params for trial, params in full if trial.state == TrialState.RUNNING]
    ended = [trial for trial, _ in finished]
    return History(
        [trial.number for trial in ended],
        record.rows(parameters, finished),
        _losses(ended, signs),
        _violations(ended),
        parameters.encode(pending) if pending else np.empty((0, len(parameters))),
    )


def _promised(trial: FrozenTrial, space: Mapping[str, BaseDistribution]) -> dict[str, Any]:
    """What was proposed to a trial beyond what it has; nothing of a complete one, which has all that is its own."""
    if trial.state == TrialState.COMPLETE:
        return {}
    promised: Mapping[str, Any] = trial.system_attrs.get(PROMISED, {})
    return held({name: value for name, value in promised.items() if name not in trial.params}, space)


def _holds(distribution: BaseDistribution, value: Any) -> bool:
    try:
        return distribution._contains(distribution.to_internal_repr(value))  # pyright: ignore[reportPrivateUsage]
    except ValueError:  # no number, or no such category
        return False


def _tells(trial: FrozenTrial, names: Set[str]) -> bool:
    """Whether a trial had parameters, or crashed or was pruned between the first and the last of them.

    Those of a branch that a trial never entered have no part in its end.
    """
    early = trial.state in (TrialState.FAIL, TrialState.PRUNED) and bool(names & trial.params.keys())
    return early or names <= trial.params.keys()


def mean_places(losses: Floats) -> Floats:
    """Mean place of each row over the objectives, the least loss first, (n, M) -> (n,)."""
    return losses.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable").mean(axis=1)


def _losses(trials: Sequence[FrozenTrial], signs: Sequence[int]) -> Floats:
    """Losses of finished trials, (n, M)."""
    nothing = [np.nan] * len(signs)
    done = [trial.state == TrialState.COMPLETE for trial in trials]
    values = [trial.values if complete else nothing for trial, complete in zip(trials, done, strict=True)]
    losses = np.array(values, dtype=np.float64).reshape(len(trials), len(signs)) * signs
    losses[~np.isfinite(losses).all(axis=1)] = np.nan
    if len(signs) == 1 and any(trial.state == TrialState.PRUNED for trial in trials):
        losses[:, 0] = _with_pruned(losses[:, 0], trials, signs[0])
    return losses


def _with_pruned(losses: Floats, trials: Sequence[FrozenTrial], sign: int) -> Floats:
    """Losses in which each pruned trial has the place among the complete ones that its last report had among theirs."""
    complete = np.sort(losses[np.isfinite(losses)])
    last = {number: _last(trial) for number, trial in enumerate(trials) if trial.state == TrialState.PRUNED}
    reports = {number: report for number, report in last.items() if report is not None}
    if not len(complete) or not reports:
        return losses
    rivals = _reported({step for step, _ in reports.values()}, trials, sign)
    places = [_place(sign * value, rivals[step]) for step, value in reports.values()]
    losses = losses.copy()
    losses[list(reports)] = np.quantile(complete, np.maximum(places, _LEAST_PLACE))
    return losses


def _place(loss: float, others: Floats) -> float:
    """Share of the others that are better."""
    return float(np.searchsorted(others, loss) / len(others)) if len(others) else _USUAL_PLACE


def _last(trial: FrozenTrial) -> tuple[int, float] | None:
    """Step and value of the last report that is a number."""
    reports = trial.intermediate_values
    steps = sorted(reports, reverse=True)
    return next(((step, reports[step]) for step in steps if math.isfinite(reports[step])), None)


def _reported(steps: Iterable[int], trials: Sequence[FrozenTrial], sign: int) -> dict[int, Floats]:
    """Step -> reports of the complete trials there, ascending losses."""
    complete = [trial.intermediate_values for trial in trials if trial.state == TrialState.COMPLETE]
    found = {step: np.array([sign * reports[step] for reports in complete if step in reports]) for step in steps}
    return {step: np.sort(values[np.isfinite(values)]) for step, values in found.items()}


def _violations(trials: Sequence[FrozenTrial]) -> Floats:
    """Constraints of trials by name, each in the same column whenever a trial set it, (n, C); nan where it did not."""
    known = [_constraints(trial) for trial in trials]
    names = dict.fromkeys(name for own in known for name in own)
    rows = [[own.get(name, np.nan) for name in names] for own in known]
    return np.array(rows, dtype=np.float64).reshape(len(known), len(names))


def _constraints(trial: FrozenTrial) -> Mapping[str, float]:
    """Constraints of a trial by name; before Optuna 5 there are those of a sampler's function only, which have none."""
    if hasattr(trial, "constraints"):
        return trial.constraints
    return {str(place): value for place, value in enumerate(trial.system_attrs.get("constraints") or ())}
