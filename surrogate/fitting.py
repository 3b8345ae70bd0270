"""Training rows into a model, and what the model then knows."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import numpy as np

from .inference import Inference, Knowledge
from .metrics import spearman
from .problem import Problem, first_line
from .table import Row, Table
from .training import Training

_FEWEST = 5  # rows of one metric that a rank correlation needs


def fit(inference: Inference, rows: Sequence[Row], validation: Sequence[Row], training: Training) -> Inference:
    """Train a model in place; returns it with what it now knows, as seen on the validation rows."""
    table = Table(rows, inference.tokenizer)
    fresh = Inference(inference.model, inference.tokenizer, inference.knowledge)
    training.run(inference.model, table, lambda: _mean_rank(_knowledge(fresh, validation)))
    learnt = copy.deepcopy(inference.knowledge)
    for context, metrics in _knowledge(fresh, validation).items():
        learnt[context] = learnt.get(context, {}) | metrics
    return Inference(inference.model, inference.tokenizer, learnt)


def _knowledge(inference: Inference, rows: Sequence[Row]) -> Knowledge:
    """Rank correlation of each metric with rows enough: its mean over the contexts of one first line."""
    inference.forget_contexts()
    ranks: dict[str, dict[str, list[float]]] = {}
    for context in dict.fromkeys(row.context for row in rows):
        own = [row for row in rows if row.context == context]
        for metric in dict.fromkeys(metric for row in own for metric in row.values):
            rank = _rank(inference, Problem(context, metric), own)
            ranks.setdefault(first_line(context), {}).setdefault(metric, []).extend(rank)
    return {
        line: {metric: round(float(np.mean(values)), 4) for metric, values in metrics.items() if values}
        for line, metrics in ranks.items()
    }


def _rank(inference: Inference, problem: Problem, rows: Iterable[Row]) -> list[float]:
    """Rank correlation of one metric, or nothing where there are too few values."""
    measured = [(row.texts[0], row.values[problem.metric]) for row in rows if problem.metric in row.values]
    if len(measured) < _FEWEST:
        return []
    rank = spearman(inference.predict(problem, [text for text, _ in measured]).mean, [value for _, value in measured])
    return [rank] if np.isfinite(rank) else []


def _mean_rank(knowledge: Knowledge) -> float:
    """Mean over all first lines and metrics; -1 where nothing could be rated."""
    ranks = [rank for metrics in knowledge.values() for rank in metrics.values()]
    return float(np.mean(ranks)) if ranks else -1.0
