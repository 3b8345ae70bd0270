"""What a study's trials say of candidates, by Gaussian processes."""

from __future__ import annotations

import numpy as np
from optuna.distributions import FloatDistribution

from prerank.integrations.optuna_branches import Branches
from prerank.integrations.optuna_fits import Fits
from prerank.integrations.optuna_history import History
from prerank.integrations.optuna_model import Model


def test_of_many_trials_the_best_feasible_ones_are_kept_where_better_ones_violate_a_constraint() -> None:
    """Less x is better, and below one half forbidden; of 400 trials, 200 are kept."""
    rng = np.random.default_rng(0)
    x = rng.permutation(np.linspace(0, 1, 400))[:, None]
    last = np.argsort((x[:, 0] >= 0.5) & (x[:, 0] < 0.6), kind="stable")[::-1]  # what is sought is not the latest
    x = x[last]
    past = History(range(400), x, x.copy(), 0.5 - x, np.empty((0, 1)))
    model = Model(Branches({"x": FloatDistribution(0, 1)}, {}), past, Fits(), rng)
    feasible = np.sort(x[x >= 0.5])
    np.testing.assert_array_equal(model.incumbents[:, 0], feasible[:8])
