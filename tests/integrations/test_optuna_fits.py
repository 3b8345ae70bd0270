"""Fits of Gaussian processes that outlive a proposal."""

from __future__ import annotations

import numpy as np
import pytest

from prerank.integrations.optuna_fits import Fits, Inputs


@pytest.fixture
def inputs() -> Inputs:
    """Twelve trials of two parameters."""
    return Inputs(np.random.default_rng(0).random((12, 2)), np.arange(2), 2.0)


def test_trials_without_an_output_say_nothing_of_it(inputs: Inputs) -> None:
    y = np.sin(5 * inputs.features[:, 0])
    some = np.arange(12) % 3 > 0
    of_some = Fits().process("y", inputs.of(some), y[some], 12, np.inf)
    of_all = Fits().process("y", inputs, np.where(some, y, np.nan), 12, np.inf)
    asked = np.array([[0.2, 0.4], [0.9, 0.1]])
    np.testing.assert_array_equal(of_all(asked), of_some(asked))


def test_a_fit_is_kept_until_the_study_grows(inputs: Inputs) -> None:
    """Other outputs, the same count of trials: fitted to the first ones; a trial more, and it is fitted anew."""
    smooth, rough = inputs.features[:, 0], np.sin(40 * inputs.features[:, 0])
    fits, asked = Fits(), np.array([[0.2, 0.4]])
    fits.process("y", inputs, smooth, 12, np.inf)
    kept = fits.process("y", inputs, rough, 12, np.inf)(asked)
    renewed = fits.process("y", inputs, rough, 13, np.inf)(asked)
    assert not np.allclose(kept, renewed)


def test_what_few_trials_look_like_is_left_again(inputs: Inputs) -> None:
    """Noise that looks like detail at first: a fit that goes on from there alone keeps a length of hardly anything."""
    rng = np.random.default_rng(3)
    rows = Inputs(rng.random((48, 2)), np.arange(2), 2.0)
    y = rows.features[:, 0] + 0.5 * rng.normal(size=48)
    old, new, asked = Fits(), Fits(), rng.random((50, 2))
    for count in range(5, 48):
        old.scale("y", rows.of(np.arange(48) < count), y[:count], count, [np.inf])
    said, alone = [
        fits.process("y", rows, fits.scale("y", rows, y, 48, [np.inf]).scores, 48, np.inf)(asked) for fits in (old, new)
    ]
    np.testing.assert_allclose(said, alone, atol=0.05)
