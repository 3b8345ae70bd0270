"""The example that tunes a classifier: what is left after Ctrl-C."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import optuna
from optuna.trial import TrialState, create_trial

sys.path.append(str(Path(__file__).parents[2] / "examples"))
example = importlib.import_module("optuna_hpo")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def study_of(*values: float | None) -> optuna.Study:
    study = optuna.create_study(direction="maximize")
    for value in values:
        state = TrialState.FAIL if value is None else TrialState.COMPLETE
        study.add_trial(create_trial(state=state, value=value))
    return study


def test_a_trial_that_was_interrupted_is_not_counted() -> None:
    best = example.best_so_far([study_of(0.5, 0.7, 0.6), study_of(0.4, None)])
    np.testing.assert_array_equal(best, [[0.5], [0.4]])


def test_pictures_of_any_interruption_are_drawn(tmp_path: Path) -> None:
    for number, studies in enumerate([[study_of()], [study_of(0.5, 0.7), study_of(0.6, None)], [study_of(None)]]):
        example.report({"TPE": studies, "RLMSampler": studies})
        out = tmp_path / f"{number}.png"
        example.draw({"TPE": studies, "RLMSampler": studies}, out)
        assert out.read_bytes().startswith(b"\x89PNG")
