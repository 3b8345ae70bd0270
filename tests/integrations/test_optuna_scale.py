"""Scales of losses: any loss has a score, in the order of the losses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.integrations.optuna_scale import SHARES, Scale

LOSSES = st.lists(st.integers(-1_000_000, 1_000_000).map(float), min_size=2, max_size=20, unique=True)


@given(LOSSES, st.sampled_from(SHARES))
def test_scores_of_known_losses_are_what_they_were(losses: list[float], share: float) -> None:
    scale = Scale(np.array(losses), share)
    assert scale(np.array(losses)) == pytest.approx(scale.scores)


@given(LOSSES, st.floats(1e-3, 1e3), st.sampled_from(SHARES))
def test_what_is_better_than_the_best_scores_better(losses: list[float], gain: float, share: float) -> None:
    scale, best = Scale(np.array(losses), share), min(losses)
    gain *= float(np.ptp(losses)) + 1
    scores = scale(np.array([best - 2 * gain, best - gain, best]))
    assert np.all(np.diff(scores) > 0)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("losses", [[1.0, 2.0, 4.0], [0.0, 1e-300, 2e-300], [0.0, 5e-324], [-1e300, 1e300]])
@pytest.mark.parametrize("share", SHARES)
def test_huge_losses_have_scores(losses: list[float], share: float) -> None:
    scale = Scale(np.array(losses), share)
    assert np.isfinite(scale(np.array([-1e308, 0.0, 1.0, 1e308]))).all()
