"""What the model makes of candidates, which the adaptation builds on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reading:
    """What is known of candidates before any is measured.

    Args:
        texts: The candidates, n of them.
        prior: Predicted means, (n,).
        std: Predicted standard deviations, (n,).
        p_fail: Predicted probabilities of failure, (n,).
        outlines: Cheap means of the metric asked and of the known ones of its word, (n, K).
        states: Hidden states before these metrics are written, (n, F).
    """

    texts: Sequence[str]
    prior: Floats
    std: Floats
    p_fail: Floats
    outlines: Floats
    states: Floats

    def __getitem__(self, rows: NDArray[np.bool_]) -> Reading:
        """Some of the candidates."""
        texts = [text for text, kept in zip(self.texts, rows, strict=True) if kept]
        arrays = (self.prior, self.std, self.p_fail, self.outlines, self.states)
        return Reading(texts, *(array[rows] for array in arrays))


def joined(readings: Sequence[Reading]) -> Reading:
    """Readings of several batches of candidates one after the other."""
    names = ("prior", "std", "p_fail", "outlines", "states")
    arrays = (np.concatenate([getattr(reading, name) for reading in readings]) for name in names)
    return Reading([text for reading in readings for text in reading.texts], *arrays)
