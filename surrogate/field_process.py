"""A Gaussian process on the plain fields of texts, which finds out how much each of them matters.

Shapes: n observations, m candidates, F features.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .ard_process import GaussianProcess, Hyperparameters, fitted
from .evenly import evenly
from .fields import Fields
from .reading import Reading
from .scores import in_order
from .text_graph import are_graphs

Floats = NDArray[np.float64]

_MOST = 60  # features; of more, few observations cannot tell which ones matter
_MOST_FITTED = 100  # observations that lengths are fitted to; all of them are used for the prediction
_BEYOND = 0.5  # of the observed range; a candidate beyond it is no farther


class FieldProcess:
    """A length for each field, fitted to observations; the words of one name, as in ``act=relu``, are one field.

    Args:
        fields: Features of texts, as many as it `suits`.
        texts: The observed candidates, n of them.
        y: Scores of their values, (n,).
    """

    def __init__(self, fields: Fields, texts: Sequence[str], y: Floats) -> None:
        self._fields, self._mean = fields, float(y.mean())
        rows = in_order(texts, y)
        columns = fields([texts[row] for row in rows])
        self._low, width = columns.min(axis=0), np.ptp(columns, axis=0)
        self._width = np.where(width > 0, width, 1.0)  # logarithms may be equal whose numbers are not
        scaled, scores, owners = self._scaled(columns), y[rows] - self._mean, _owners(fields.names)
        count = int(owners.max()) + 1
        some = evenly(len(y), _MOST_FITTED)
        hyper, _ = fitted(scaled[some], owners, scores[some], Hyperparameters.usual(count), count)
        self._process, self._noise = GaussianProcess(scaled, owners, scores, hyper), hyper.noise
        self.left_out = np.empty(len(y))
        self.left_out[rows] = self._process.left_out + self._mean

    @staticmethod
    def suits(fields: Fields, texts: Sequence[str]) -> bool:
        """Whether there are so many features that lengths can be told; not of graphs, whose words name places."""
        return 0 < len(fields.names) <= _MOST and not are_graphs(texts)

    def __call__(self, reading: Reading) -> tuple[Floats, Floats]:
        """Means and variances of the scores of new candidates, (m,) each."""
        mean, deviation = self._process(self._scaled(self._fields(reading.texts)))
        return mean + self._mean, deviation**2 + self._noise

    def _scaled(self, columns: Floats) -> Floats:
        """Features in the range of the observed ones."""
        return np.clip((columns - self._low) / self._width, -_BEYOND, 1 + _BEYOND)


def _owners(names: Sequence[str]) -> NDArray[np.intp]:
    """Field of each feature, (F,)."""
    places: dict[str, int] = {}
    return np.array([places.setdefault(_field(name), len(places)) for name in names])


def _field(name: str) -> str:
    return name if name.endswith("=") else name.partition("=")[0] or name
