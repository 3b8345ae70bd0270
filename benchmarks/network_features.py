"""What a text of an ONNX network states: its totals, and how often each kind of operation occurs."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingRegressor

Floats = NDArray[np.float64]


def frame_of(rows: Sequence[dict[str, float]], more: dict[str, float] | None = None) -> Floats:
    """Counts by name as a matrix; what a row does not name is zero."""
    return pd.DataFrame(rows).fillna(0.0).assign(**more or {}).to_numpy(dtype=np.float64)


def stated_numbers(text: str) -> dict[str, float]:
    """Numbers of a text by name, ``name=number``: its totals, and those of single kinds of operations."""
    words = (word.partition("=") for word in text.split())
    return {name: float(value) for name, equals, value in words if equals}


def operators(text: str) -> dict[str, float]:
    """How often each kind of operation occurs, repeats counted, and the MACs of those kinds that are told apart."""
    found: dict[str, float] = {}
    times = [1]
    for word in text.split():
        name, equals, value = word.partition("=")
        if name.endswith("_macs_m"):
            found[name] = float(value)
        elif repeat := re.fullmatch(r"(\d+)\*\(", word):
            times.append(times[-1] * int(repeat[1]))
        elif word.startswith(")"):
            times.pop()
        elif not equals and (kind := re.match(r"[a-z]+(?:\d+x\d+)?", word)):
            found[kind[0]] = found.get(kind[0], 0) + times[-1]
    return found


def trees_on_counts(texts: Sequence[str], values: Sequence[float], asked: Sequence[str]) -> Floats:
    """Logarithms of the values of the texts asked, by boosted trees on the counts of operations and all totals."""
    counts = frame_of([operators(text) | stated_numbers(text) for text in (*texts, *asked)])
    model = HistGradientBoostingRegressor(max_iter=300, random_state=0).fit(counts[: len(texts)], np.log(values))
    return model.predict(counts[len(texts) :])
