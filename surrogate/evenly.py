"""Some of many, spread evenly over all of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def evenly(count: int, most: int) -> NDArray[np.intp]:
    """Places of at most so many of a number of things, the first and the last among them."""
    return np.linspace(0, count - 1, min(count, most)).astype(np.intp)
