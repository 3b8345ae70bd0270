"""A random forest on the plain fields of texts, or of their graphs: what a model would learn that has read nothing.

Shapes: n observations, m candidates.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .fields import Fields
from .graph_fields import GraphFields
from .reading import Reading
from .scores import in_order, means_of_others
from .text_graph import are_graphs

Floats = NDArray[np.float64]

_TREES = 50
_DIGITS = 9


class Forest:
    """Trees on the fields of observed texts (Breiman 2001), on those of their graphs where all of them write one.

    Args:
        fields: Plain fields of the texts.
        texts: The observed candidates, n of them.
        y: Scores of their values, (n,).
    """

    def __init__(self, fields: Fields, texts: Sequence[str], y: Floats) -> None:
        self._fields = GraphFields(texts) if are_graphs(texts) else fields
        self._mean, self.left_out = float(y.mean()), means_of_others(y)
        rows = in_order(texts, y)
        columns = self._fields([texts[row] for row in rows])
        # Splits that are equally good are told apart by the last digit, which must not be one of rounding.
        self._model = _fitted(columns, y[rows].round(_DIGITS)) if columns.size else None
        if self._model:
            self.left_out[rows] = self._model.oob_prediction_  # of the trees that did not see it
        self._variance = float(np.mean((self.left_out - y) ** 2))

    def __call__(self, reading: Reading) -> tuple[Floats, Floats]:
        """Means and variances of the scores of new candidates, (m,) each."""
        count = len(reading.texts)
        mean = np.full(count, self._mean)
        if self._model is not None and count:
            mean = np.asarray(self._model.predict(self._fields(reading.texts)), dtype=np.float64)
        return mean, np.full(count, self._variance)


def _fitted(columns: Floats, y: Floats) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    model: Any = RandomForestRegressor(_TREES, oob_score=True, random_state=0, n_jobs=1)
    return model.fit(columns, y)
