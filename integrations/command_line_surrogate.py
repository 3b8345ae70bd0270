"""What answers a command: a surrogate, or a count where a graph tells exactly what is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..search_spaces.onnx_vertices import Graph
from ..surrogate import Prediction, Problem, Question, RLMSurrogate
from ..surrogate.problem import undirected
from ..surrogate.ranking import Predictor
from .command_line_candidates import Entry
from .command_line_output import say

_COUNTED = ("params", "macs")


class Counts:
    """Predicts the numbers that its texts are."""

    def predict(self, problem: Question, texts: Sequence[str]) -> Prediction:
        """Each number for certain."""
        values, ones = np.array([float(text) for text in texts]).reshape(-1, 1), np.ones(len(texts))
        return Prediction(values, values, ones[:, None], 0 * ones, ones)


def answering(
    path: Path | None, problem: Problem, entries: Sequence[Entry]
) -> tuple[Predictor, Callable[[Entry], str]]:
    """What predicts a metric of candidates, and the text that it reads of each: a surrogate, or `Counts`.

    Args:
        path: Folder of the surrogate; None: the packaged one.
        problem: What is asked.
        entries: The candidates.
    """
    if problem.metric in _COUNTED and all(isinstance(entry.candidate, Graph) for entry in entries):
        return Counts(), lambda entry: str(getattr(entry.candidate, problem.metric))
    return opened(path), lambda entry: entry.text


def as_observed(answers: Predictor, problem: Problem) -> Problem:
    """A problem with the direction in which the surrogate was told that it is better, if it observed some of it."""
    observed = answers.observed if isinstance(answers, RLMSurrogate) else []
    return next((own for own in observed if undirected(own) == undirected(problem)), problem)


def opened(path: Path | None) -> RLMSurrogate:
    """A surrogate on onnxruntime, which starts in a tenth of torch's time; on torch, saying so, if it cannot run there.

    Args:
        path: Its folder; None: the packaged one.
    """
    try:
        return RLMSurrogate.load(path, backend="onnxruntime")
    except (ModuleNotFoundError, PermissionError, ValueError) as reason:
        surrogate = RLMSurrogate.load(path)  # what is wrong with the checkpoint itself is said here
        say(f"this runs on torch, which starts slower: {reason}")
        return surrogate
