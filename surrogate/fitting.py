"""Training rows into a model, and what the model then knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from .inference import Inference
from .knowledge import Knowledge, Known, Space, names
from .metrics import spearman
from .problem import Problem, first_line
from .table import Row, Table, by_space
from .training import Training

Ranks = dict[str, dict[str, float]]
"""First context line -> metric -> rank correlation on validation rows."""

_FEWEST = 5  # rows of one metric that a rank correlation needs
_WATCHED = 4  # metrics of a space that are rated while the training runs
_KEPT, _KEPT_CONTEXTS = 20, 16  # one row in so many is kept out, of so many contexts


def fit(inference: Inference, rows: Sequence[Row], validation: Sequence[Row], training: Training) -> Inference:
    """Train a model in place; returns it with what it now knows, as seen on the validation rows."""
    table = Table(rows, inference.tokenizer, training.shares, inference.context_tokenizer)
    unrated = _unrated(rows, validation)
    fresh = Inference(inference.network, inference.tokenizer, inference.knowledge | unrated)
    watched = _watched(validation)
    training.run(inference.model, table, lambda: _mean_rank(_ranks(fresh, watched)))
    learnt = inference.knowledge | unrated.rated(_ranks(fresh, validation))
    return Inference(inference.network, inference.tokenizer, learnt)


def held_out(rows: Sequence[Row]) -> set[int]:
    """Places of rows to choose weights by: of some contexts enough for a rank correlation, one in twenty of large ones.

    Empty if no context can spare as many.
    """
    contexts: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        contexts.setdefault(row.context, []).append(place)
    large = [own for own in contexts.values() if len(own) >= 4 * _FEWEST]
    some = large[:: -(-len(large) // _KEPT_CONTEXTS) or 1]
    return {own[round(x)] for own in some for x in np.linspace(0, len(own) - 1, max(_FEWEST, len(own) // _KEPT))}


def _unrated(rows: Sequence[Row], validation: Sequence[Row]) -> Knowledge:
    """What rows say of the metrics of others, but how well they are known."""
    spaces = by_space(rows)
    return Knowledge({line: _space(spaces.get(line, []), own) for line, own in by_space(validation).items()})


def _space(rows: Sequence[Row], validation: Sequence[Row]) -> Space:
    found = (names(context) for context in dict.fromkeys(row.context for row in rows))
    metrics = dict.fromkeys(metric for row in validation for metric in row.values)
    return Space({metric: _known(rows, metric) for metric in metrics}, frozenset[str]().union(*found))


def _known(rows: Sequence[Row], metric: str) -> Known:
    values = [value for row in rows if np.isfinite(value := row.values.get(metric, np.nan))]
    return Known(0.0, min(values), max(values)) if values else Known(0.0)


def _watched(rows: Sequence[Row]) -> list[Row]:
    """The rows with a few metrics of each space, spread over all: rating hundreds would take longer than training."""
    kept: list[Row] = []
    for own in by_space(rows).values():
        names = list(dict.fromkeys(name for row in own for name in row.values))
        chosen = set(names[:: -(-len(names) // _WATCHED)])
        watched = [(row, {name: value for name, value in row.values.items() if name in chosen}) for row in own]
        kept += [Row(row.context, row.texts, values) for row, values in watched if values]
    return kept


def _ranks(inference: Inference, rows: Sequence[Row]) -> Ranks:
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


def _mean_rank(found: Ranks) -> float:
    """Mean over the first lines of the mean over their metrics; nan where nothing could be rated."""
    ranks = [float(np.mean(list(metrics.values()))) for metrics in found.values() if metrics]
    return float(np.mean(ranks)) if ranks else float("nan")
