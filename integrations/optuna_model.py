"""A study's objectives and constraints, modelled by Gaussian processes on its encoded parameters.

Shapes: n trials that ended, m candidates, D parameters, M objectives, C constraints.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..surrogate.ard_process import GaussianProcess
from ..surrogate.metrics import spearman
from .optuna_branches import Branches
from .optuna_fits import Fits, Inputs, is_flag
from .optuna_history import History, mean_places
from .optuna_improvement import front, log_chebyshev_improvement, log_expected_improvement, log_feasibility, normals
from .optuna_opinion import Opinion
from .optuna_scale import SHARES, Scale

Floats = NDArray[np.float64]
Acquisition = Callable[[Floats], Floats]
"""Rows (m, D) -> how much each is wanted (m,)."""

_MOST = 200  # trials that a process is conditioned on: the best, the latest and any
_INCUMBENTS = 8  # best trials that are varied
_MILD = 1  # scales that suit several objectives, or branches
_NARROWEST, _BEYOND = 0.1, 0.5  # least width of a front in standard deviations; of the ideal, in widths
_PENALTY = 10.0  # from the best to the median; a loss of several that is farther is no worse
_GAP, _NEAR = 30.0, 0.25  # times as far as the next better loss, which a share of the trials reaches: these diverged
_HUGE, _LARGE = 1e300, 1e150  # differences of losses stay finite, and squares of constraints
_FARTHEST = 3.0  # standard deviations; a worse loss, or constraint, is no worse


class Model:
    """What a history says about candidates not tried.

    Args:
        parameters: The search space.
        history: Trials of it, at least one of which succeeded.
        fits: Scales and hyperparameters of earlier proposals.
        rng: Draws which trials are kept of many.
    """

    def __init__(self, parameters: Branches, history: History, fits: Fits, rng: np.random.Generator) -> None:
        self._parameters, self._rng = parameters, rng
        kept = _kept(history, rng)
        rows, count = history.rows[kept], len(history.rows)
        inputs = Inputs(parameters.features(rows), parameters.owners, parameters.breadth(rows))
        columns = _without_penalties(history.losses[kept], rows)
        kind, shares = _kind(len(columns), count, in_branches=bool(parameters.rules))
        names = [f"{kind} objective {number}" for number in range(len(columns))]
        self.scales = [
            fits.scale(name, inputs, losses, count, shares) for name, losses in zip(names, columns, strict=True)
        ]
        scores = np.stack([_scores(*pair) for pair in zip(self.scales, columns, strict=True)], axis=1)
        pending = parameters.features(history.pending)

        def process(name: str, y: Floats, share: float = np.inf, *, levelled: bool = False) -> GaussianProcess:
            return fits.process(name, inputs, y, count, share, levelled=levelled).believing(pending)

        # Most trials of a search are good: in their mean corners would look good, and with noise for ever.
        self.objectives = [
            process(name, y, scale.share, levelled=True)
            for name, y, scale in zip(names, scores.T, self.scales, strict=True)
        ]
        bounds = _bounds(history, kept)
        bounded = {name: _bounded(column, rows) for name, column in bounds.items() if _varies(column)}
        self._usual = np.array([_usual(column) for column in bounded.values()])
        shifted = zip(bounded.items(), self._usual.tolist(), strict=True)
        self._constraints = [process(name, column - usual) for (name, column), usual in shifted]
        self._observed, self._feasible = inputs.features, history.feasible[kept]
        unmet = any((column > 0).any() and not _varies(column) for column in bounds.values())
        flat = not any(map(_varies, columns))
        self.undecided: bool = flat if self._feasible.any() else unmet
        """Whether nothing tells what is better, among what may be kept within the other constraints."""
        self.incumbents = rows[self._best(scores)]

    def _best(self, scores: Floats) -> NDArray[np.intp]:
        """Places of the best feasible trials, the best first; of all trials if none is feasible."""
        allowed = self._feasible if self._feasible.any() else np.ones(len(scores), dtype=np.bool_)
        order = np.argsort(mean_places(scores) + np.where(allowed, 0, len(scores)), kind="stable")
        if scores.shape[1] > 1:
            order = order[np.argsort(~(front(scores) & allowed)[order], kind="stable")]
        return order[: min(_INCUMBENTS, int(allowed.sum()))]

    @property
    def trust(self) -> list[float]:
        """Rank correlation of each objective with what the other trials say of it, at least 0."""
        ranks = [spearman(process.left_out, process.observed) for process in self.objectives]
        return [float(np.clip(np.nan_to_num(rank), 0, 1)) for rank in ranks]

    def predict(self, rows: Floats, opinion: Opinion | None = None) -> tuple[Floats, Floats]:
        """Means and standard deviations of the scores of candidates, (m, M) each, with what else is known of them."""
        return self._expected(self._parameters.features(rows), opinion)

    @property
    def noise(self) -> Floats:
        """Standard deviations of the scores of one candidate that is measured again and again, (M,)."""
        return np.array([process.noise for process in self.objectives])

    def _expected(self, features: Floats, opinion: Opinion | None) -> tuple[Floats, Floats]:
        own = _together(self.objectives, features)
        return opinion.averaged(self.scales, *own) if opinion else own

    def violates(self, rows: Floats) -> NDArray[np.bool_]:
        """Candidates that are more likely than not to violate a constraint, or to fail, (m,)."""
        features = self._parameters.features(rows)
        if not self._constraints:
            return np.zeros(len(rows), dtype=np.bool_)
        return np.asarray((self._bounds_at(features)[0] > 0).any(axis=1))

    def _bounds_at(self, features: Floats) -> tuple[Floats, Floats]:
        """Means and standard deviations of the constraints, of which there is one at least, (m, C) each."""
        means, stds = _together(self._constraints, features)
        return means + self._usual, stds

    def acquisition(self, among: Floats | None, opinion: Opinion | None) -> Acquisition:
        """Expected improvement over the best feasible trial, or over a part of the front, times feasibility.

        Args:
            among: Rows to improve on instead, where no candidate may reach what the best trials did, (m, D).
            opinion: What else is known of the candidates that will be asked about.
        """
        rivals = self._observed[self._feasible] if among is None else self._parameters.features(among)
        improvement = self._improvement(rivals) if self._feasible.any() else None

        def wanted(rows: Floats) -> Floats:
            features = self._parameters.features(rows)
            score = np.zeros(len(rows))
            if self._constraints:
                score += log_feasibility(*self._bounds_at(features))
            return score + (improvement(*self._expected(features, opinion)) if improvement else 0.0)

        return wanted

    @cached_property
    def _draws(self) -> tuple[Floats, Floats]:
        """Weights of the objectives (M,) and samples, which are those of one proposal."""
        count = len(self.objectives)
        return self._rng.dirichlet(np.ones(count)), normals(self._rng, count)

    def _improvement(self, rivals: Floats) -> Callable[[Floats, Floats], Floats]:
        # What is expected of the trials themselves, since their measurements may be noisy.
        reached = _together(self.objectives, rivals)[0]
        if len(self.objectives) == 1:
            best = float(reached.min())
            return lambda means, stds: log_expected_improvement(means[:, 0], stds[:, 0], best)
        best_front, (weights, samples) = reached[front(reached)], self._draws
        width = np.maximum(np.ptp(best_front, axis=0), _NARROWEST)
        ideal = best_front.min(axis=0) - _BEYOND * width  # nearer, and the front would never grow at its ends
        weights = weights / width

        def score(means: Floats, stds: Floats) -> Floats:
            return log_chebyshev_improvement(means - ideal, stds, best_front - ideal, weights, samples)

        return score


def _together(processes: list[GaussianProcess], features: Floats) -> tuple[Floats, Floats]:
    answers = [process(features) for process in processes]
    return np.stack([mean for mean, _ in answers], axis=1), np.stack([std for _, std in answers], axis=1)


def _scores(scale: Scale, losses: Floats) -> Floats:
    """Scores of losses, nan where they are."""
    scores = np.full(len(losses), np.nan)
    scores[np.isfinite(losses)] = scale.scores
    return scores


def _kind(objectives: int, trials: int, *, in_branches: bool) -> tuple[str, Sequence[float]]:
    """Name and shares of the scales that losses may be on.

    A strong logarithm would see nothing but the ends of a front, where one loss is least, or one branch: there it sees
    the details, the losses as they are tell where others are worth a trial, and both take turns.
    """
    strong = objectives == 1 and not (in_branches and trials % 2)
    return ("strong", SHARES) if strong else ("mild", SHARES[:_MILD])


def _without_penalties(losses: Floats, rows: Floats) -> list[Floats]:
    """Losses (n, M) by objective, none so large, as those of diverged trainings are, that all others look alike.

    Of one objective the median is no measure: a search comes to where all trials but the first are close to the best.
    """
    if losses.shape[1] == 1:
        return [np.minimum(losses[:, 0], _before_the_gap(losses[:, 0], rows))]
    return [np.minimum(column, _far_from_the_median(column[np.isfinite(column)])) for column in losses.T]


def _before_the_gap(losses: Floats, rows: Floats) -> float:
    """How large losses may be where a gap parts those far off from the better ones; infinite if there is none.

    Better ones that are all in one place are no sign of others that diverged: the search has found that place.
    """
    order = np.argsort(losses)[: int(np.isfinite(losses).sum())]  # nan is last
    ranked = np.clip(losses[order], -_HUGE, _HUGE)
    away = ranked - ranked[0]
    gaps = 1 + np.flatnonzero((away[:-1] > 0) & (away[1:] > _GAP * away[:-1]))
    for better in gaps[gaps >= _NEAR * len(away)].tolist():
        if _span(rows[order[:better]]) > _span(rows) / 2:
            return float(ranked[0] + _GAP * away[better - 1])
    return np.inf


def _span(rows: Floats) -> float:
    return float(np.ptp(rows, axis=0).sum())


def _far_from_the_median(known: Floats) -> float:
    with np.errstate(over="ignore"):
        far = known.min() + _PENALTY * (np.median(known) - known.min())
    return float(far) if far > known.min() else np.inf


def _varies(column: Floats) -> bool:
    """Whether an output has two values. Of one that has not, a process would say that it has the same everywhere."""
    known = column[~np.isnan(column)]
    return bool((known != known[:1]).any())


def _bounds(history: History, kept: NDArray[np.intp]) -> dict[str, Floats]:
    """Constraints by name, and whether a trial failed, which is one like others."""
    columns = enumerate(history.violations[kept].T)
    found = {f"constraint {number}": column for number, column in columns if not np.isnan(column).all()}
    return found | {"failure": np.where(history.succeeded[kept], -1.0, 1.0)}


def _usual(bounded: Floats) -> float:
    """What is to be expected of a constraint far from all trials: of a flag, whose size tells nothing, its mean."""
    return float(np.nanmean(bounded)) if is_flag(bounded) else 0.0


def _bounded(violations: Floats, rows: Floats) -> Floats:
    """Constraints of rows (n, D) on a scale of their own whose 0 stays where it is.

    Penalties that are far larger than what is satisfied, or the other way round, shall not make that look like 0, nor
    shall a 0 that is all a flag says: each side has its own unit, which does not shrink as a search comes to the edge.
    """
    if is_flag(violations):
        return np.where(np.isnan(violations), np.nan, np.where(violations > 0, 1.0, -1.0))
    scaled = np.clip(violations, -_LARGE, _LARGE)
    for side in (1.0, -1.0):
        sizes = np.where(side * scaled > 0, np.abs(scaled), np.nan)
        if np.isfinite(sizes).any():
            sizes = np.minimum(sizes, _before_the_gap(sizes, rows))
            unit = np.sqrt(np.nanmean(sizes**2))
            scaled = np.where(np.isnan(sizes), scaled, side * sizes / max(float(unit), np.finfo(np.float64).tiny))
    return np.clip(scaled, -_FARTHEST, _FARTHEST)


def _kept(history: History, rng: np.random.Generator) -> NDArray[np.intp]:
    """Trials that processes are conditioned on, in order: half the best, feasible first, a quarter the latest, any."""
    count = len(history.losses)
    if count <= _MOST:
        return np.arange(count)
    best = np.argsort(mean_places(history.losses) + np.where(history.feasible, 0, count), kind="stable")[: _MOST // 2]
    chosen = np.union1d(best, np.arange(count - _MOST // 4, count))
    others = rng.choice(np.setdiff1d(np.arange(count), chosen), size=_MOST - len(chosen), replace=False)
    return np.sort(np.concatenate([chosen, others]))
