"""Means over seeds, with their 95 % intervals."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from prerank.surrogate import metrics


def interval(values: Iterable[float]) -> dict[str, float]:
    """Mean, and half the width of its 95 % interval (Student's t); values that are nan do not count."""
    finite = [value for value in values if np.isfinite(value)]
    mean, half = metrics.interval(finite)
    return {"mean": round(mean, 4), "half": round(half, 4), "count": len(finite)}


def shown(found: dict[str, float], digits: int = 3) -> str:
    """An interval as text; a mean alone where there was one run, or every run gave the same."""
    mean = f"{found['mean']:.{digits}f}"
    return f"{mean} ± {found['half']:.{digits}f}" if found["half"] else mean
