"""A surrogate without weights, for the tests of hosts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from prerank.surrogate import Prediction, Problem


class FakeSurrogate:
    """Predicts the number of letters in a text, trusts itself as told, remembers what it was asked and observed."""

    def __init__(self, trust: float = 1.0, error: Exception | None = None) -> None:
        self.trusted = trust
        self.error = error
        self.observed: list[tuple[Problem, str, float]] = []
        self.asked: list[Sequence[str]] = []

    def fork(self) -> FakeSurrogate:
        return self

    def trust(self, problem: Problem) -> float:
        return self.trusted

    def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
        if self.error:
            raise self.error
        self.asked.append(texts)
        value = np.array([[float(len(text))] for text in texts]).reshape(-1, 1)
        ones = np.ones(len(texts))
        return Prediction(value, value, ones[:, None], 0 * ones, self.trusted * ones)

    def observe(self, problem: Problem, texts: Sequence[str], values: Sequence[float]) -> None:
        self.observed += [(problem, text, value) for text, value in zip(texts, values, strict=True)]

    @property
    def values(self) -> dict[str, float]:
        return {text: value for _, text, value in self.observed}
