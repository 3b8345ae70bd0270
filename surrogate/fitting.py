"""Training rows into a model, and what the model then knows."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence

import numpy as np

from .inference import Inference, Knowledge
from .metrics import spearman
from .problem import Problem, first_line
from .table import Row, Table, by_space
from .training import Training

_FEWEST = 5  # rows of one metric that a rank correlation needs
_WATCHED = 4  # metrics of a space that are rated while the training runs


def fit(inference: Inference, rows: Sequence[Row], validation: Sequence[Row], training: Training) -> Inference:
    """Train a model in place; returns it with what it now knows, as seen on the validation rows."""
    table = Table(rows, inference.tokenizer, training.shares)
    fresh = Inference(inference.model, inference.tokenizer, inference.knowledge)
    watched = _watched(validation)
    training.run(inference.model, table, lambda: _mean_rank(_knowledge(fresh, watched)))
    learnt = copy.deepcopy(inference.knowledge)
    for context, metrics in _knowledge(fresh, validation).items():
        learnt[context] = learnt.get(context, {}) | metrics
    return Inference(inference.model, inference.tokenizer, learnt)


def _watched(rows: Sequence[Row]) -> list[Row]:
    """The rows with a few metrics of each space, spread over all: rating hundreds would take longer than training."""
    kept: list[Row] = []
    for own in by_space(rows).values():
        names = list(dict.fromkeys(name for row in own for name in row.values))
        chosen = set(names[:: -(-len(names) // _WATCHED)])
        watched = [(row, {name: value for name, value in row.values.items() if name in chosen}) for row in own]
        kept += [Row(row.context, row.texts, values) for row, values in watched if values]
    return kept


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
    found = [(row.texts[0], row.values.get(problem.metric, np.nan)) for row in rows]
    measured = [(text, value) for text, value in found if np.isfinite(value)]
    if len(measured) < _FEWEST:
        return []
    rank = spearman(inference.predict(problem, [text for text, _ in measured]).mean, [value for _, value in measured])
    return [rank] if np.isfinite(rank) else []


def _mean_rank(knowledge: Knowledge) -> float:
    """Mean over the first lines of the mean over their metrics; -1 where nothing could be rated."""
    ranks = [float(np.mean(list(metrics.values()))) for metrics in knowledge.values() if metrics]
    return float(np.mean(ranks)) if ranks else -1.0
