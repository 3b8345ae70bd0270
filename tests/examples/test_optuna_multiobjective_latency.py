"""The example on accuracy against latency: what is left after Ctrl-C."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import optuna
from optuna.trial import create_trial

sys.path.append(str(Path(__file__).parents[2] / "examples"))
example = importlib.import_module("optuna_multiobjective_latency")
optuna.logging.set_verbosity(optuna.logging.ERROR)


def test_a_study_without_a_complete_trial_is_left_out_of_the_picture(tmp_path: Path) -> None:
    studies = {name: optuna.create_study(directions=["maximize", "minimize"]) for name in ("random", "RLMSampler")}
    studies["random"].add_trial(create_trial(values=[0.9, 5.0]))
    studies["RLMSampler"].ask()
    example.draw(studies, "pixel 3", tmp_path / "front.png")
    assert (tmp_path / "front.png").read_bytes().startswith(b"\x89PNG")
