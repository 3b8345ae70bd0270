"""Means over seeds, with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.stats import t


def interval(values: Iterable[float]) -> dict[str, float]:
    """Mean, and half the width of its 95 % interval (Student's t); values that are nan do not count."""
    array = np.array([value for value in values if np.isfinite(value)])
    half = t.ppf(0.975, len(array) - 1) * array.std(ddof=1) / np.sqrt(len(array)) if len(array) > 1 else 0.0
    return {"mean": round(float(array.mean()), 4), "half": round(float(half), 4), "count": len(array)}


def shown(found: dict[str, float], digits: int = 3) -> str:
    """An interval as text; a mean alone where there was one run, or every run gave the same."""
    mean = f"{found['mean']:.{digits}f}"
    return f"{mean} ± {found['half']:.{digits}f}" if found["half"] else mean
