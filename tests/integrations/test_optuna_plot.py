"""The picture of what was predicted."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from matplotlib.figure import Figure
from optuna import Trial

from prerank.integrations.optuna import ATTRIBUTE, RLMSampler
from prerank.integrations.optuna_plot import PredictionPlot, draw_predictions


def bowl(trial: Trial) -> float:
    return (trial.suggest_float("x", -5, 5) - 1) ** 2


def test_a_study_draws_as_it_runs(tmp_path: Path) -> None:
    plot, sizes = PredictionPlot(tmp_path / "predicted.png", every=4), list[int]()
    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(bowl, 3, callbacks=[plot])
    assert not plot.path.exists()
    for _ in range(2):
        study.optimize(bowl, 4, callbacks=[plot])
        sizes.append(plot.path.stat().st_size)
    assert plot.path.read_bytes().startswith(b"\x89PNG")
    assert len(set(sizes)) == 2


def test_only_what_was_predicted_and_measured_is_drawn() -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(bowl, 10)
    study.ask()
    axes = Figure().subplots()
    draw_predictions([study], axes)
    told = [trial for trial in study.trials if ATTRIBUTE in trial.user_attrs and trial.value is not None]
    points = axes.collections[-1].get_offsets()
    assert 0 < len(told) < 10
    assert points[:, 1].tolist() == [trial.value for trial in told]  # type: ignore[index]


def test_a_study_without_predictions_is_an_empty_picture() -> None:
    axes = Figure().subplots()
    draw_predictions([optuna.create_study()], axes)
    assert axes.get_ylabel() == "measured"


def test_the_folder_is_made_and_holds_the_picture_alone(tmp_path: Path) -> None:
    plot = PredictionPlot(tmp_path / "plots" / "predicted.svg", every=1)
    optuna.create_study(sampler=RLMSampler(seed=0)).optimize(bowl, 4, n_jobs=2, callbacks=[plot])
    assert [*plot.path.parent.iterdir()] == [plot.path]
    assert "<svg" in plot.path.read_text()


def test_a_picture_that_fails_is_warned_of_once_and_the_study_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    plot, study = PredictionPlot(tmp_path / "file" / "predicted.png", every=1), optuna.create_study()
    with pytest.warns(UserWarning, match=r"predicted\.png cannot be drawn") as caught:
        study.optimize(bowl, 3, callbacks=[plot])
    assert len(caught) == 1
    assert len(study.trials) == 3
    with pytest.raises(OSError, match="file"):
        plot.draw([study])


def test_it_is_drawn_at_times_that_make_sense(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="every is 0"):
        PredictionPlot(tmp_path / "p.png", every=0)
