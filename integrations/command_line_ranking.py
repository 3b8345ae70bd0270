"""``prerank rank`` and ``prerank predict``: what candidates will measure, without running any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from ..surrogate import Prediction, Problem, Question, Ranked
from ..surrogate import rank as ranked
from ..surrogate.problem import first_line
from ..surrogate.ranking import Predictor
from .command_line_candidates import Entry, gathered, refuses, sizes_of
from .command_line_options import (
    Batch,
    Candidates,
    Context,
    Device,
    Json,
    Metric,
    Optimise,
    Sample,
    Seed,
    Size,
    Sources,
    Surrogate,
    Threads,
    Where,
)
from .command_line_output import as_json, complain, say, table, working
from .command_line_question import asked, assignments, directed, guessed
from .command_line_spaces import SpaceModule, chosen
from .command_line_surrogate import answering, as_observed
from .onnxruntime_conditions import Conditions

_SHOWN = 20  # rows of a table
_DOUBTFUL = 0.3  # trust

Maximize = Annotated[
    bool | None,
    typer.Option(
        "--maximize/--minimize", help="Which way is better. Default: as the surrogate was told, or the metric tells."
    ),
]
Top = Annotated[int | None, typer.Option(min=1, help=f"Print so many. Default: {_SHOWN}, or all as JSON.")]


def rank(
    sources: Sources = None,
    metric: Metric = None,
    device: Device = None,
    where: Where = None,
    context: Context = None,
    maximize: Maximize = None,
    candidates: Candidates = None,
    size: Size = None,
    threads: Threads = 1,
    batch: Batch = 1,
    optimise: Optimise = True,
    sample: Sample = None,
    seed: Seed = 0,
    surrogate: Surrogate = None,
    top: Top = None,
    json: Json = False,
) -> None:
    """Order candidates, best first, without running any.

    prerank rank models/ --metric latency_ms

    prerank rank nas_bench_201 --metric latency_ms --device "pixel 3" --top 10 --json
    """
    run = Conditions(threads, batch, optimise, sizes_of(size or []))
    space, problem, given = _question(sources or [], metric, device, where or [], context, run)
    with working("reading candidates"):
        entries, broken = gathered(sources or [], space, candidates, sample, seed, run, given)
    _warn(entries, candidates if space is None else None, batch)
    with working(f"ranking {len(entries):,} candidates"):
        answers, to_text = answering(surrogate, problem, entries)
        problem = _directed(answers, problem, maximize)
        model = _Noting(answers)
        found = ranked(model, problem, entries, to_text)
    shown = found[: top if json else top or _SHOWN]
    trust = model.trust([to_text(entry.candidate) for entry in shown])
    if json:
        as_json([entry._asdict() | {"candidate": entry.candidate.name} for entry in shown])
    elif found:
        _show(problem, found, top or _SHOWN, trust)
    if found:
        _doubt(trust)
    complain(broken)


def predict(
    sources: Sources = None,
    metric: Metric = None,
    device: Device = None,
    where: Where = None,
    context: Context = None,
    candidates: Candidates = None,
    size: Size = None,
    threads: Threads = 1,
    batch: Batch = 1,
    optimise: Optimise = True,
    sample: Sample = None,
    seed: Seed = 0,
    surrogate: Surrogate = None,
    json: Json = False,
) -> None:
    """Predict a metric of candidates, in the order given, with a 90 % interval.

    prerank predict model.onnx other.onnx --metric memory_bytes

    prerank predict --context "web server" --metric latency_ms --candidates configs.txt
    """
    run = Conditions(threads, batch, optimise, sizes_of(size or []))
    space, problem, given = _question(sources or [], metric, device, where or [], context, run)
    with working("reading candidates"):
        entries, broken = gathered(sources or [], space, candidates, sample, seed, run, given)
    _warn(entries, candidates if space is None else None, batch)
    with working(f"predicting {len(entries):,} candidates"):
        answers, to_text = answering(surrogate, problem, entries)
        prediction = answers.predict(problem, [to_text(entry) for entry in entries])
    rows = list(zip(entries, _read_off(prediction), strict=True))
    if json:
        said = {"context": problem.context, "metric": problem.metric}
        as_json([{"candidate": entry.name} | found | said | {"text": entry.text} for entry, found in rows])
    elif rows:
        table(problem.metric, ["candidate", *rows[0][1]], [[entry.title, *found.values()] for entry, found in rows])
    if rows:
        _doubt(float(prediction.trust.mean()))
    complain(broken)


def _directed(answers: Predictor, problem: Problem, maximize: bool | None) -> Problem:
    """The problem with the direction that is said, or was when the surrogate observed it; a mere guess is named."""
    if maximize is not None:
        return directed(problem.context, problem.metric, maximize)
    told = as_observed(answers, problem)
    if told is problem and guessed(problem.metric):
        say(f"less {problem.metric!r} is taken for better; if more is, say --maximize")
    return told


def _warn(entries: Sequence[Entry], lines: Path | None, batch: int) -> None:
    """Say what is ranked, but hardly as it is meant: a header, or models that cannot run with the batch."""
    if lines is not None and lines.suffix.lower() in (".csv", ".tsv"):
        said = "each line is a candidate, a header too; write names and values, as in 'workers=4 threads=2'"
        say(f"{lines} is read as text: {said}")
    fixed = [entry.title for entry in entries if batch != 1 and refuses(entry.candidate, batch)]
    if fixed:
        models = f"{len(fixed)} of {len(entries)} models, as {fixed[0]}"
        say(f"no input of {models}, takes the batch {batch}: they are ranked with their own, and measure refuses them")


def _doubt(trust: float) -> None:
    if trust < _DOUBTFUL:
        say(f"trust is {trust:.2f}: the surrogate knows little of this; measure ten, then prerank calibrate")


class _Noting:
    """Predicts as a surrogate does, and notes how far each prediction deserves belief: a ranking does not tell."""

    def __init__(self, surrogate: Predictor) -> None:
        self._surrogate = surrogate
        self._trust: dict[str, float] = {}

    def predict(self, problem: Question, texts: Sequence[str]) -> Prediction:
        found = self._surrogate.predict(problem, texts)
        self._trust |= zip(texts, found.trust.tolist(), strict=True)
        return found

    def trust(self, texts: Sequence[str]) -> float:
        """Mean over some of what was predicted; 0 over nothing."""
        return sum(self._trust[text] for text in texts) / max(len(texts), 1)


def _question(
    sources: Sequence[str],
    metric: str | None,
    device: str | None,
    where: Sequence[str],
    context: str | None,
    run: Conditions,
) -> tuple[SpaceModule | None, Problem, Mapping[str, str]]:
    """The space, none of a problem of the user's own, what is asked, and the parts of ``--where``."""
    if context is None:
        space, given = chosen(sources), assignments(where)
        return space, asked(space, metric, device, given, run), given
    if sources or device or where or not run.usual or metric is None:
        raise ValueError("--context is a problem of your own: give it a --metric and --candidates, and no space")
    return None, directed(context, metric, None), {}


def _show(problem: Problem, found: Sequence[Ranked[Entry]], top: int, trust: float) -> None:
    rows = [[entry.candidate.title, entry.mean, entry.std] for entry in found[:top]]
    more = f"; {len(found) - top:,} more with --top {len(found)}" if len(found) > top else ""
    columns = [first_line(problem.context) or "candidate", "mean", "std"]
    table(f"{problem.metric}, best first", columns, rows, f"trust {trust:.2f}{more}")


def _read_off(prediction: Prediction) -> list[dict[str, Any]]:
    columns = {
        "mean": prediction.mean,
        "std": prediction.std,
        "low": prediction.quantile(0.05),
        "high": prediction.quantile(0.95),
        "p_fail": prediction.p_fail,
        "trust": prediction.trust,
    }
    return [{name: float(column[row]) for name, column in columns.items()} for row in range(len(prediction))]
