"""Training rows into a model, and what the model then knows."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .checkpoint import identity_of
from .inference import Inference
from .knowledge import Knowledge, Known, Space
from .laws import COSTS, Law
from .metrics import coverage, spearman
from .prediction import Prediction
from .problem import Problem, below_first_line, first_line
from .table import Row, Table, by_space
from .training import Training
from .wording import context_names, vocabulary

Floats = NDArray[np.float64]
Ratings = dict[str, dict[str, float]]
"""First context line -> metric -> how good it is on validation rows."""
Answer = tuple[Problem, Prediction, Floats]
"""A problem, the prediction for its candidates and what these measured, (N,)."""

_FEWEST = 5  # rows of one metric that a rank correlation needs
_WATCHED = 4  # metrics of a space that are rated while the training runs
_BEFORE = 50  # rows that what was known before counts for
_KEPT, _KEPT_CONTEXTS = 20, 16  # one row in so many is kept out, of so many contexts
_PLACES = 64  # second lines of contexts; more of them tell no devices
_WORDS = 1000  # of candidates; where there are more, as in source code, a new one says nothing
_LEVEL, _HELD = 0.9, 0.87  # of intervals, and how often they shall hold at least; a little less may be chance
_ERRORS = (0.0, 0.003, 0.01, 0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5)


def fit(inference: Inference, rows: Sequence[Row], validation: Sequence[Row], training: Training) -> Inference:
    """Train a model in place; returns it with what it now knows, as seen on the validation rows."""
    if training.folder:  # of a run that may be gone on with
        told = {"start": identity_of(inference), "rows": _digest(rows), "validation": _digest(validation)}
        training = replace(training, of={**training.of, **told})
    table = Table(rows, inference.tokenizer, training.shares, inference.context_tokenizer)
    unrated = _unrated(rows, validation)
    fresh = Inference(inference.network, inference.tokenizer, inference.knowledge | unrated)
    watched = _watched(validation)
    training.run(inference.model, table, lambda: _mean(_rated(_answers(fresh, watched), _rank)))
    answers = list(_answers(fresh, validation))
    ranks = _tempered(_rated(answers, _rank), _rated(answers, _count), inference.knowledge)
    rated = unrated.rated(ranks, _rated(answers, _error))
    # What is trained, even where nothing rates it, is not to be read as something else.
    trained = Knowledge({line: replace(unrated.spaces[line], metrics={}) for line in by_space(rows)})
    learnt = inference.knowledge | trained | rated
    return Inference(inference.network, inference.tokenizer, learnt)


def _digest(rows: Sequence[Row]) -> str:
    """Tells rows from others, in any process."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr((row.context, row.texts, sorted(row.values.items()))).encode("utf-8", "backslashreplace"))
    return digest.hexdigest()


def held_out(rows: Sequence[Row]) -> set[int]:
    """Places of rows to choose weights by: of some contexts enough for a rank correlation, one in twenty of large ones.

    Those of each first line in turn, so that every space is rated. Empty if no context can spare as many.
    """
    contexts: dict[str, dict[str, list[int]]] = {}
    for place, row in enumerate(rows):
        contexts.setdefault(first_line(row.context), {}).setdefault(row.context, []).append(place)
    large = [[own for own in space.values() if len(own) >= 4 * _FEWEST] for space in contexts.values()]
    most = max(1, _KEPT_CONTEXTS // max(1, sum(map(bool, large))))
    some = [own for space in large for own in space[:: -(-len(space) // most) or 1]]
    return {own[round(x)] for own in some for x in np.linspace(0, len(own) - 1, max(_FEWEST, len(own) // _KEPT))}


def _unrated(rows: Sequence[Row], validation: Sequence[Row]) -> Knowledge:
    """What rows say of their spaces and, but for how well they are known, of the metrics of others."""
    spaces, others = by_space(rows), by_space(validation)
    return Knowledge({line: _space(spaces.get(line, []), others.get(line, [])) for line in {**spaces, **others}})


def _space(rows: Sequence[Row], validation: Sequence[Row]) -> Space:
    contexts = {row.context for row in rows}
    names = frozenset[str]().union(*map(context_names, contexts))
    places = {below_first_line(context).partition("\n")[0] for context in contexts}
    metrics = dict.fromkeys(metric for row in validation for metric in row.values)
    words = frozenset[str]().union(*(vocabulary(text) for row in rows for text in row.texts))
    known = {metric: _known(rows, metric) for metric in metrics}
    laws = {metric: law for metric in metrics if (law := _law(rows, metric)) is not None}
    written = words if len(words) <= _WORDS else frozenset[str]()
    return Space(known, names, written, laws, frozenset(places if len(places) <= _PLACES else ()))


def _law(rows: Sequence[Row], metric: str) -> Law | None:
    if metric.split()[0] not in COSTS:
        return None
    measured = [(row.texts[0], row.values[metric]) for row in rows if metric in row.values]
    return Law.learnt([text for text, _ in measured], [value for _, value in measured])


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


def _answers(inference: Inference, rows: Sequence[Row]) -> Iterator[Answer]:
    """What is asked of rows: each metric of a context for which there are values enough."""
    inference.forget_contexts()
    grouped: dict[str, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row.context, []).append(row)
    for context, own in grouped.items():
        for metric in dict.fromkeys(metric for row in own for metric in row.values):
            found = [(row.texts[0], row.values.get(metric, np.nan)) for row in own]
            texts = [text for text, value in found if np.isfinite(value)]
            if len(texts) >= _FEWEST:
                values = np.array([value for _, value in found if np.isfinite(value)])
                problem = Problem(context, metric)
                yield problem, inference.predict(problem, texts), values


def _rated(answers: Iterable[Answer], rate: Callable[[Sequence[Answer]], float]) -> Ratings:
    """A rating of the answers of one metric, of all contexts that begin with the same line; none where it is nan."""
    grouped: dict[str, dict[str, list[Answer]]] = {}
    for answer in answers:
        problem = answer[0]
        grouped.setdefault(first_line(problem.context), {}).setdefault(problem.metric, []).append(answer)
    rated = {line: {metric: rate(own) for metric, own in metrics.items()} for line, metrics in grouped.items()}
    return {line: {m: round(value, 4) for m, value in own.items() if np.isfinite(value)} for line, own in rated.items()}


def _rank(answers: Sequence[Answer]) -> float:
    """Mean rank correlation over contexts, those apart where all values are equal; nan if there are no others."""
    ranks = np.array([spearman(prediction.mean, values) for _, prediction, values in answers])
    return float(ranks[np.isfinite(ranks)].mean()) if np.isfinite(ranks).any() else float("nan")


def _count(answers: Sequence[Answer]) -> float:
    """Rows that were rated."""
    return float(sum(len(values) for _, _, values in answers))


def _tempered(ranks: Ratings, counts: Ratings, before: Knowledge) -> Ratings:
    """Ranks, those that were known before as if some rows more had shown them: five rows alone show next to nothing."""
    told = before.ranks

    def tempered(line: str, metric: str, rank: float) -> float:
        known, count = told.get(line, {}).get(metric, rank), counts[line][metric]
        return round((count * rank + _BEFORE * known) / (count + _BEFORE), 4)

    return {line: {metric: tempered(line, metric, rank) for metric, rank in own.items()} for line, own in ranks.items()}


def _error(answers: Sequence[Answer]) -> float:
    """The least error by which values must be thought to be off for the intervals to hold as often as they say."""
    if any((values <= 0).any() for _, _, values in answers):
        return 0.0
    counts = [len(values) for _, _, values in answers]
    for error in _ERRORS:
        held = [coverage(prediction.rescaled(error), values, _LEVEL) for _, prediction, values in answers]
        if np.average(held, weights=counts) >= _HELD:
            return error
    return _ERRORS[-1]


def _mean(ratings: Ratings) -> float:
    """Mean over the first lines of the mean over their metrics; nan where nothing could be rated."""
    found = [float(np.mean(list(metrics.values()))) for metrics in ratings.values() if metrics]
    return float(np.mean(found)) if found else float("nan")
