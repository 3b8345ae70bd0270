"""What a sampler predicted of its trials, against what was measured: a picture that a study draws as it runs."""

from __future__ import annotations

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from optuna.study import Study
from optuna.trial import FrozenTrial, TrialState

from ..surrogate.atomic import write_whole
from ..surrogate.once import Once
from .optuna_notes import ATTRIBUTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


class PredictionPlot:
    """Callback of ``study.optimize`` that draws predicted against measured values. Needs matplotlib.

    Example::

        study.optimize(objective, n_trials=100, callbacks=[PredictionPlot("predicted.png")])

    Args:
        path: The picture; its ending says of what kind. Its folder is made.
        every: Trials between two drawings.
        objective: Which objective, where there are several.

    Raises:
        ValueError: If every is less than 1.
    """

    def __init__(self, path: str | Path, *, every: int = 10, objective: int = 0) -> None:
        if every < 1:
            raise ValueError(f"every is {every}; draw after at least 1 trial")
        self.path = Path(path)
        self._every, self._objective = every, objective
        self._warn = Once()

    def __call__(self, study: Study, trial: FrozenTrial) -> None:
        """Draw, if it is time to; a picture that fails is warned of once, since a study of hours must not die of it."""
        if (trial.number + 1) % self._every:
            return
        try:
            self.draw([study])
        except Exception as error:
            self._warn("drawing", f"{self.path} cannot be drawn ({error!r}); the study goes on")

    def draw(self, studies: Iterable[Study]) -> None:
        """Draw now, the trials of one study or of several; the picture is replaced as a whole."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.5, 4.5), layout="constrained")
        draw_predictions(studies, figure.subplots(), self._objective)
        drawn = BytesIO()
        figure.savefig(drawn, dpi=120, format=self.path.suffix[1:] or None)
        write_whole(self.path, drawn.getvalue())


def draw_predictions(studies: Iterable[Study], axes: Axes, objective: int = 0) -> None:
    """Predicted mean and 90 % interval of each trial that ended, against its value; later trials are darker."""
    trials = [trial for study in studies for trial in study.get_trials(deepcopy=False) if _told(trial)]
    means = np.array([trial.user_attrs[ATTRIBUTE]["mean"][objective] for trial in trials])
    ends = np.array([trial.user_attrs[ATTRIBUTE]["interval"][objective] for trial in trials]).reshape(-1, 2)
    values = np.array([trial.values[objective] for trial in trials])
    axes.errorbar(means, values, xerr=np.abs(ends.T - means), fmt="none", elinewidth=0.5, ecolor="lightgrey", zorder=0)
    axes.scatter(means, values, c=[trial.number for trial in trials], cmap="viridis_r", s=12)
    if len(trials):
        axes.axline((values.min(), values.min()), slope=1, color="grey", linewidth=0.7)
    axes.set(xlabel="predicted before the trial, with the 90 % interval", ylabel="measured")


def _told(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.COMPLETE and "mean" in trial.user_attrs.get(ATTRIBUTE, {})
