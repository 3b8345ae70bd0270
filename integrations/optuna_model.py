"""A study's objectives and constraints, modelled by Gaussian processes on its encoded parameters.

Shapes: n trials that ended, m candidates, D parameters, M objectives, C constraints.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ..surrogate.adaptation import Warp
from ..surrogate.metrics import spearman
from .optuna_history import History
from .optuna_improvement import front, log_chebyshev_improvement, log_expected_improvement, log_feasibility, normals
from .optuna_parameters import Parameters
from .optuna_process import GaussianProcess, Hyperparameters, fitted

Floats = NDArray[np.float64]
Acquisition = Callable[[Floats], Floats]
"""Rows (m, D) -> how much each is wanted (m,)."""

_MOST = 200  # trials that a process is conditioned on: the best, the latest and any
_SOON, _GROWTH = 30, 1.1  # trials up to which hyperparameters are fitted anew each time; then at such growth
_FARTHEST = 3.0  # standard deviations; a worse loss, or constraint, is no worse


class Lengths:
    """Hyperparameters of a study's processes, kept from one proposal to the next."""

    def __init__(self) -> None:
        self._fitted: dict[str, tuple[int, Hyperparameters]] = {}

    def __call__(self, name: str, features: Floats, owners: NDArray[np.intp], y: Floats, count: int) -> Hyperparameters:
        """Hyperparameters of one output, fitted anew if the study, of count trials, has grown enough."""
        parameters = int(owners.max()) + 1
        before, hyper = self._fitted.get(name, (0, Hyperparameters.usual(parameters)))
        if count != before and (count <= _SOON or count >= _GROWTH * before or count < before):
            hyper = fitted(features, owners, y, hyper)
            self._fitted[name] = count, hyper
        return hyper


class Model:
    """What a history says about candidates not tried.

    Args:
        parameters: The search space.
        history: Trials of it, at least one of which succeeded.
        lengths: Hyperparameters of earlier proposals.
        rng: Draws which trials are kept of many.
    """

    def __init__(self, parameters: Parameters, history: History, lengths: Lengths, rng: np.random.Generator) -> None:
        self._parameters, self._rng = parameters, rng
        self.warps = [Warp(column[np.isfinite(column)]) for column in history.losses.T]
        scores = np.stack([_scores(*pair) for pair in zip(self.warps, history.losses.T, strict=True)], axis=1)
        kept = _kept(scores, rng)
        rows, count = history.rows[kept], len(history.rows)
        features = parameters.features(rows)

        def process(name: str, y: Floats, known: NDArray[np.bool_]) -> GaussianProcess:
            hyper = lengths(name, features[known], parameters.owners, y[known], count)
            given = GaussianProcess(features[known], parameters.owners, y[known], hyper)
            return given.believing(parameters.features(history.pending))

        everything = np.ones(len(kept), dtype=np.bool_)
        self.objectives = [process(f"objective {k}", y, everything) for k, y in enumerate(scores[kept].T)]
        bounds = [column for column in history.violations[kept].T if np.isfinite(column).any()]
        self._constraints = [
            process(f"constraint {k}", _bounded(column), np.isfinite(column)) for k, column in enumerate(bounds)
        ]
        self._observed, self._feasible = features, history.feasible[kept]
        self.incumbents = rows[self._best(scores[kept])]

    def _best(self, scores: Floats) -> NDArray[np.intp]:
        """Places of the best feasible trials, the best first; of all trials if none is feasible."""
        allowed = self._feasible if self._feasible.any() else np.ones(len(scores), dtype=np.bool_)
        order = np.argsort(_places(scores) + np.where(allowed, 0, len(scores)), kind="stable")
        if scores.shape[1] > 1:
            order = order[np.argsort(~(front(scores) & allowed)[order], kind="stable")]
        return order[: min(8, int(allowed.sum()))]

    @property
    def trust(self) -> list[float]:
        """Rank correlation of each objective with what the other trials say of it, at least 0."""
        ranks = [spearman(process.left_out, process.observed) for process in self.objectives]
        return [float(np.clip(np.nan_to_num(rank), 0, 1)) for rank in ranks]

    def predict(self, rows: Floats) -> tuple[Floats, Floats]:
        """Means and standard deviations of the scores of candidates, (m, M) each."""
        return _together(self.objectives, self._parameters.features(rows))

    def acquisition(self) -> Acquisition:
        """Expected improvement over the best feasible trial, or over a part of the front, times feasibility."""
        improvement = self._improvement() if self._feasible.any() else None

        def wanted(rows: Floats) -> Floats:
            features = self._parameters.features(rows)
            score = np.zeros(len(rows))
            if self._constraints:
                score += log_feasibility(*_together(self._constraints, features))
            return score + (improvement(features) if improvement else 0.0)

        return wanted

    def _improvement(self) -> Acquisition:
        # What is expected of the trials themselves, since their measurements may be noisy.
        reached = _together(self.objectives, self._observed[self._feasible])[0]
        if len(self.objectives) == 1:
            best = float(reached.min())
            return lambda features: log_expected_improvement(*self.objectives[0](features), best)
        weights = self._rng.dirichlet(np.ones(len(self.objectives)))
        best_front, samples = reached[front(reached)], normals(self._rng, len(self.objectives))
        worst, ideal = best_front.max(axis=0), best_front.min(axis=0)
        weights = weights / np.maximum(worst - ideal, 1e-3)

        def score(features: Floats) -> Floats:
            means, stds = _together(self.objectives, features)
            return log_chebyshev_improvement(means - ideal, stds, best_front - ideal, weights, samples)

        return score


def _together(processes: list[GaussianProcess], features: Floats) -> tuple[Floats, Floats]:
    answers = [process(features) for process in processes]
    return np.stack([mean for mean, _ in answers], axis=1), np.stack([std for _, std in answers], axis=1)


def _scores(warp: Warp, losses: Floats) -> Floats:
    """Standardised losses; a failure is as bad as the worst success."""
    scores = np.full(len(losses), np.nan)
    scores[np.isfinite(losses)] = np.minimum(warp.scores, _FARTHEST)
    return np.nan_to_num(scores, nan=float(np.nanmax(scores)))


def _bounded(violations: Floats) -> Floats:
    """Constraints on a scale of their own whose 0 stays where it is."""
    spread = np.sqrt(np.nanmean(np.clip(violations / 2, -1e150, 1e150) ** 2)) * 2
    return np.clip(violations / max(float(spread), np.finfo(np.float64).tiny), -_FARTHEST, _FARTHEST)


def _places(scores: Floats) -> Floats:
    """Mean place of each trial over the objectives, (n,)."""
    return scores.argsort(axis=0, kind="stable").argsort(axis=0, kind="stable").mean(axis=1)


def _kept(scores: Floats, rng: np.random.Generator) -> NDArray[np.intp]:
    """Trials that the processes are conditioned on, in their order: half the best, a quarter the latest, some others."""
    count = len(scores)
    if count <= _MOST:
        return np.arange(count)
    best = np.argsort(_places(scores), kind="stable")[: _MOST // 2]
    chosen = np.union1d(best, np.arange(count - _MOST // 4, count))
    others = rng.choice(np.setdiff1d(np.arange(count), chosen), size=_MOST - len(chosen), replace=False)
    return np.sort(np.concatenate([chosen, others]))
