"""The surrogate after a few measurements: as by `RLMSurrogate.observe`, with every candidate read once for all draws.

Shapes: N candidates, n of them measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from intervals import interval
from numpy.typing import NDArray
from ranks import rank
from rich.progress import track
from scipy.stats import rankdata

from prerank.surrogate import Prediction, belief
from prerank.surrogate.acquisitions import pooled_value, unadapted_value
from prerank.surrogate.adaptation import Adaptation
from prerank.surrogate.checkpoint import load
from prerank.surrogate.metrics import coverage
from prerank.surrogate.problem import Question, as_problem
from prerank.surrogate.rlm_surrogate import PACKAGED

Floats = NDArray[np.float64]

LEVELS = (50, 90)
"""Levels of the central intervals that are rated, in per cent."""


class FewShot:
    """A problem's candidates, read.

    Args:
        checkpoint: Folder of the checkpoint; None: the packaged one.
        question: What is asked.
        texts: The candidates.
        values: What each would measure, (N,).
    """

    def __init__(self, checkpoint: Path | None, question: Question, texts: Sequence[str], values: Floats) -> None:
        inference, problem = load(checkpoint or PACKAGED, "cpu"), as_problem(question)
        self.prior, self._reading = inference.read(problem, texts)
        knowledge = inference.knowledge
        self._claim, self._values = belief.claim(knowledge, problem, texts), values
        self._error, self._factor = belief.error(knowledge, problem), belief.factor_error(knowledge, problem)
        self._words = belief.words(knowledge, [problem])

    def after(self, n: int, seeds: int, asked: FewShot | None = None) -> Iterator[tuple[Prediction, NDArray[np.bool_]]]:
        """Predictions of all candidates for each seed, and which of them were measured.

        Args:
            n: Candidates that are measured.
            seeds: Draws of them.
            asked: The candidates of another problem of the same family, that are predicted instead.
        """
        error = asked._error if asked else 0.0
        asked = asked or self
        for seed in track(range(seeds), f"{n} measured", transient=True):
            seen = np.isin(np.arange(len(self._values)), draw(len(self._values), n, seed))
            learnt = Adaptation(self._reading[seen], self._values[seen], self._claim, self._factor, self._words)
            yield learnt(asked.prior, asked._reading, error), seen


def draw(count: int, n: int, seed: int) -> NDArray[np.intp]:
    """The rows that a seed measures, or trains on."""
    return np.random.default_rng(seed).permutation(count)[:n]


def interleaved(prediction: Prediction, sign: int = 1) -> Floats:
    """Places of a ranking that takes the next best by both together and by the model alone in turn, (N,).

    Args:
        prediction: After some measurements.
        sign: 1 where less is better, else -1.
    """
    acquisitions = pooled_value, unadapted_value
    both, alone = (rankdata(-acquisition(prediction, -sign), "ordinal") for acquisition in acquisitions)
    return np.minimum(both, alone + 0.5)


def unmeasured(
    after: Iterable[tuple[Prediction, NDArray[np.bool_]]], values: Floats
) -> list[tuple[Prediction, Floats]]:
    """Predictions and values of the candidates that were not measured, for each seed."""
    return [(learnt[np.flatnonzero(~seen)], values[~seen]) for learnt, seen in after]


def reliability(pairs: Sequence[tuple[Prediction, Floats]]) -> dict[str, dict[str, float]]:
    """How often the intervals hold, the trust and the rank correlation that it stands for: predictions, one a seed."""
    covered = {f"covered{level}": interval(coverage(*pair, level / 100) for pair in pairs) for level in LEVELS}
    trust = interval(prediction.trust.mean() for prediction, _ in pairs)
    ranks = interval(rank(prediction.mean, values) for prediction, values in pairs)
    return covered | {"trust": trust, "spearman": ranks}
