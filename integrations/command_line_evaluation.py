"""``prerank eval``: is the surrogate any good on a table of one's own? A leave-out protocol, beside plain models.

Each split keeps a third of a question's candidates out and ranks them, after the first n of the others were measured;
0: none was, and what the surrogate was told of them before is set aside. Plain models are the totals that the texts
name, which learn nothing but which way is better, and a ridge regression and boosted trees on the fields of the texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from ..surrogate import Problem, RLMSurrogate
from ..surrogate.atomic import write_whole
from ..surrogate.measured import Measured
from ..surrogate.metrics import interval, spearman
from ..surrogate.problem import first_line
from .command_line_learning import by_problem, rows_of
from .command_line_options import Json, Surrogate, Tables
from .command_line_output import as_json, say, table, tracked, working
from .command_line_plain_models import LEARNERS, PARAMETERS, totals
from .command_line_surrogate import opened

Floats = NDArray[np.float64]

SIZES = (0, 5, 10, 30, 100, 300)
"""Candidates that are measured."""
FEWEST = 15
"""Candidates of a question that the protocol needs."""
OWN = "prerank"
Verdicts = dict[int, dict[str, str]]
"""Candidates measured -> plain model -> whether the surrogate is better than it, worse or level."""
_MOST_KEPT_OUT = 300

Splits = Annotated[int, typer.Option(min=3, help="Random splits that are averaged.")]
Plot = Annotated[Path | None, typer.Option(help="Draw the learning curve to this file, as in curve.png.")]


class Score(NamedTuple):
    """Rank correlation of a model on what a split of a context keeps out, after so many were measured."""

    question: str
    model: str
    measured: int
    spearman: float
    split: tuple[str, int]


class Summary(NamedTuple):
    """Mean over the splits, and half the width of its 95 % interval."""

    question: str
    model: str
    measured: int
    spearman: float
    half: float


def evaluate(
    tables: Tables, surrogate: Surrogate = None, splits: Splits = 5, plot: Plot = None, json: Json = False
) -> None:
    """Judge a surrogate on your own measurements: rank correlation on candidates kept out, after 0, 5, 10 ... measured.

    prerank eval measured.jsonl --plot curve.png
    """
    if plot is not None:
        _check_format(plot)
    with working("reading the surrogate"):
        model, told = opened(surrogate).fork(), by_problem(rows_of(tables))
        for problem, rows in told.items():  # calibrated on this table, it would repeat what it was told
            model.forget(problem, [row.candidate for row in rows])
        groups = {problem: rows for problem, rows in told.items() if _enough(problem, rows)}
    if not groups:
        raise ValueError(f"no question has {FEWEST} candidates; measure more")
    asked = [(problem, rows, split) for problem, rows in groups.items() for split in range(splits)]
    scores = [score for job in tracked(asked, len(asked), "evaluating") for score in scored(model, *job)]
    found = summaries(scores)
    questions = dict.fromkeys(summary.question for summary in found)
    said = {each: verdicts([score for score in scores if score.question == each]) for each in questions}
    if json:
        as_json([summary._asdict() | _judged(summary, said) for summary in found])
    else:
        for question in questions:
            _show(question, [summary for summary in found if summary.question == question], said[question])
    if plot is not None:
        draw(found, plot)


def scored(model: RLMSurrogate, problem: Problem, rows: Sequence[Measured], split: int) -> Iterator[Score]:
    """All models on one split."""
    texts, values = np.array([row.candidate for row in rows], dtype=object), np.array([row.value for row in rows])
    order = np.random.default_rng(split).permutation(len(rows))
    out = min(len(rows) // 3, _MOST_KEPT_OUT)
    test, rest = order[:out], order[out:]
    asked, truth = texts[test].tolist(), values[test]
    student, taught, case = model.fork(), 0, (problem.context, split)
    name = f"{first_line(problem.context)}: {problem.metric}"
    for total, sizes in totals(texts.tolist()).items():
        yield Score(name, total, 0, spearman(_oriented(sizes, values)[test], truth), case)
    for n in [size for size in SIZES if size <= len(rest)]:
        seen, measured = texts[rest[:n]].tolist(), values[rest[:n]]
        student.observe(problem, seen[taught:], measured[taught:])
        taught = n
        yield Score(name, OWN, n, spearman(student.predict(problem, asked).mean, truth), case)
        for learner, predict in LEARNERS.items() if n else ():
            yield Score(name, learner, n, spearman(predict(seen, measured, asked), truth), case)


def summaries(scores: Iterable[Score]) -> list[Summary]:
    """Means over splits, and over the contexts of a question; a model that cannot tell candidates apart has 0."""
    groups: dict[tuple[str, str, int], list[float]] = {}
    for score in scores:
        groups.setdefault(score[:3], []).append(float(np.nan_to_num(score.spearman)))
    return [Summary(*key, *interval(values)) for key, values in groups.items()]


def verdicts(scores: Sequence[Score]) -> Verdicts:
    """How the surrogate compares with plain models on one question: with the best one, and with parameters if named."""
    found: Verdicts = {}
    for n in sorted({score.measured for score in scores}):
        values: dict[str, dict[tuple[str, int], float]] = {}
        for score in scores:
            if score.measured == n or score.model not in (OWN, *LEARNERS):
                values.setdefault(score.model, {})[score.split] = float(np.nan_to_num(score.spearman))
        own = values.pop(OWN)
        others = {model: [kept[split] for split in own] for model, kept in values.items() if own.keys() <= kept.keys()}
        best = sorted(others, key=lambda model: -float(np.mean(others[model])))[:1]
        models = dict.fromkeys([*best, *({PARAMETERS} & others.keys())])
        found[n] = {model: _word(np.array([*own.values()]) - others[model]) for model in models}
    return found


def _word(differences: Floats) -> str:
    """What differences on the same splits say."""
    mean, half = interval(differences)
    return "level with" if abs(mean) <= half else "better than" if mean > 0 else "worse than"


def _check_format(picture: Path) -> None:
    from matplotlib.backend_bases import FigureCanvasBase

    formats = FigureCanvasBase.get_supported_filetypes()
    if picture.suffix[1:].lower() not in formats:
        raise ValueError(f"{picture} says no format; end its name in one of {', '.join(sorted(formats))}")


def draw(found: Sequence[Summary], file: Path) -> None:
    """The learning curves, one panel a question."""
    from matplotlib.figure import Figure

    questions = list(dict.fromkeys(summary.question for summary in found))
    figure = Figure(figsize=(6, 4 * len(questions)), layout="constrained")
    for question, axes in zip(questions, figure.subplots(len(questions), squeeze=False)[:, 0], strict=True):
        own = [summary for summary in found if summary.question == question]
        for model in dict.fromkeys(summary.model for summary in own):
            _curve([summary for summary in own if summary.model == model], axes)
        axes.set_title(question[:70], fontsize="medium")
        axes.set(xlabel="candidates measured", ylabel="Spearman on candidates kept out")
        axes.set_xticks(range(len(SIZES)), SIZES)
        axes.legend()
    drawn = BytesIO()
    figure.savefig(drawn, format=file.suffix[1:])
    write_whole(file, drawn.getvalue())
    say(f"drawn: {file}")


def _curve(points: Sequence[Summary], axes: Any) -> None:
    """A model that learns as a curve, one that does not as a level."""
    name = points[0].model
    if name not in (OWN, *LEARNERS):
        axes.axhline(points[0].spearman, linestyle=":" if name == PARAMETERS else "--", color="grey", label=name)
        return
    x, y = [SIZES.index(point.measured) for point in points], [point.spearman for point in points]
    axes.errorbar(x, y, [point.half for point in points], marker="o", capsize=3, label=name)


def _oriented(sizes: Floats, values: Floats) -> Floats:
    """Totals as predictions: turned where more of them goes with less, as of a throughput."""
    return -sizes if spearman(sizes, values) < 0 else sizes


def _enough(problem: Problem, rows: Sequence[Measured]) -> bool:
    count = sum(np.isfinite(row.value) for row in rows)
    if count < FEWEST:
        say(f"{problem.metric} is left out: {count} measured candidates, {FEWEST} are needed")
    return count >= FEWEST


def _judged(summary: Summary, said: Mapping[str, Verdicts]) -> dict[str, dict[str, str]]:
    """What JSON says more of the surrogate."""
    return {"verdicts": said[summary.question][summary.measured]} if summary.model == OWN else {}


def _show(question: str, found: Sequence[Summary], said: Verdicts) -> None:
    """Models by how many were measured."""
    sizes = sorted({summary.measured for summary in found})
    cells: dict[str, Mapping[int, str]] = {
        model: {s.measured: f"{s.spearman:.2f}±{s.half:.2f}" for s in found if s.model == model}
        for model in dict.fromkeys(summary.model for summary in found)
    }
    rows = [[model, *(cells[model].get(size, "") for size in sizes)] for model in cells]
    words = {n: " and ".join(f"{word} {model}" for model, word in own.items()) for n, own in said.items() if own}
    told = [f"{n} measured: {word}" for n, word in words.items()]
    table(f"{question}: Spearman", ["measured", *map(str, sizes)], rows, f"{OWN}, {', '.join(told)}" if told else "")
