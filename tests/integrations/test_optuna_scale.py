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


def test_huge_losses_have_scores() -> None:
    scale = Scale(np.array([1.0, 2.0, 4.0]), 0.01)
    assert np.isfinite(scale(np.array([-1e308, 1e308]))).all()
