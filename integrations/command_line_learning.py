"""``prerank calibrate`` and ``prerank train``: measurements in, a surrogate of one's own out."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..search_spaces import onnx_graph
from ..surrogate import Problem, RLMSurrogate
from ..surrogate.measured import Measured, read
from ..surrogate.problem import first_line
from .command_line_options import Json, Surrogate, Tables
from .command_line_output import as_json, say, table, working
from .command_line_question import guessed, of_row

if TYPE_CHECKING:
    from ..surrogate import Row

_ENOUGH = 10  # measurements of a question

Out = Annotated[Path, typer.Option(help="Folder of the new surrogate, for --surrogate.")]
Steps = Annotated[int | None, typer.Option(min=1, help="Updates of the weights. Default: each row is read 16 times.")]
Validation = Annotated[list[Path] | None, typer.Option(help="Tables kept out. Default: one in twenty rows.")]
Torch = Annotated[str, typer.Option("--on", help="Where to train, as torch names it: cpu, cuda.")]


def calibrate(tables: Tables, out: Out, surrogate: Surrogate = None, json: Json = False) -> None:
    """Let a surrogate see some measurements, ten or more of each question, and keep what it then is.

    prerank measure models/ --sample 10 && prerank calibrate measured.jsonl --out mine

    prerank rank models/ --surrogate mine
    """
    _check_folder(out)
    with working("reading the surrogate"):
        model = RLMSurrogate.load(surrogate)
    groups = by_problem(rows_of(tables))
    before = [model.trust(problem) for problem in groups]
    with working("learning"):
        for problem, rows in groups.items():
            model.observe(problem, [row.candidate for row in rows], [row.value for row in rows])
        after = [model.trust(problem) for problem in groups]
    model.save(out)
    _name_guessed(groups)
    counts = [len(rows) for rows in groups.values()]
    if min(counts) < _ENOUGH:
        say(f"of one question only {min(counts)} were measured; trust can be told from {_ENOUGH} on")
    found = list(zip(groups, counts, before, after, strict=True))
    if json:
        as_json([{"metric": p.metric, "measured": n, "before": old, "after": new} for p, n, old, new in found])
    else:
        columns = ["metric", "measured", "trust before", "after"]
        table("Trust", columns, [[p.metric, n, old, new] for p, n, old, new in found], f"saved to {out}")


def train(
    tables: Tables,
    out: Out,
    surrogate: Surrogate = None,
    validation: Validation = None,
    steps: Steps = None,
    on: Torch = "cpu",
) -> None:
    """Train the weights on hundreds of measurements or more; a step takes some five seconds on a CPU.

    An interrupted training goes on when called again.

    prerank train measured.jsonl --out mine
    """
    from ..surrogate import Training
    from ..surrogate.fitting import held_out
    from ..surrogate.training import usual_steps

    _check_folder(out)
    rows, kept = as_rows(rows_of(tables)), as_rows(rows_of(validation or []))
    model = RLMSurrogate.load(surrogate, device=on)
    updates = steps or usual_steps(len(rows) if kept else len(rows) - len(held_out(rows)))
    run = Training(updates, contexts=4, folder=out / "training")
    say(f"{len(rows):,} candidates, {updates:,} steps; Ctrl-C keeps what is done")
    model.fit(rows, run, validation=kept)
    model.save(out)
    shutil.rmtree(out / "training")  # a finished run; left there, the next training would end where this one did
    known = [[line, metric, rank] for line, ranks in model.knowledge.items() for metric, rank in ranks.items()]
    lines = {first_line(row.context) for row in rows}
    found = [row for row in known if row[0] in lines]
    if found:
        table("Rank correlation on rows kept out", ["space", "metric", "rank"], found)
    else:
        say("nothing was rated: no context has 20 measured candidates, and --validation none of what was trained")


def _name_guessed(groups: Mapping[Problem, Sequence[Measured]]) -> None:
    """Say of which metrics less is taken for better though no line says so: the surrogate keeps it."""
    for problem, rows in groups.items():
        if guessed(problem.metric) and not any(row.more.get("direction") for row in rows):
            say(f'less {problem.metric!r} is taken for better; if more is, add "direction": "maximize" to its lines')


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise ValueError(f"--out {out} is a file; name a folder")


def rows_of(tables: Sequence[Path]) -> list[Measured]:
    """The rows of some files; a candidate that is the path of an .onnx file becomes its text.

    Raises:
        ValueError: If a file has none, names a model that cannot be read, or says a direction that is none.
    """
    found: list[Measured] = []
    for path in tables:
        rows = list(read(path))
        if not rows:
            raise ValueError(f"{path} has no rows; measure some with prerank measure")
        _check_directions(rows, path)
        models = dict.fromkeys(row.candidate for row in rows if row.candidate.endswith(".onnx"))
        texts = {name: _text(name, path) for name in models}
        found += [replace(row, candidate=texts.get(row.candidate, row.candidate)) for row in rows]
    return found


def _check_directions(rows: Iterable[Measured], table: Path) -> None:
    for row in rows:
        try:
            of_row(row)
        except ValueError as error:
            raise ValueError(f"{table}, candidate {row.candidate[:80]!r}: {error}") from error


def _text(name: str, table: Path) -> str:
    """Text of an ONNX file that lies where a table is, or here.

    Raises:
        ValueError: If there is none, or it cannot be read.
    """
    file = next((file for file in (table.parent / name, Path(name)) if file.is_file()), None)
    if file is None:
        raise ValueError(f"there is no file {name!r}, neither beside {table} nor here; mend the path in that table")
    try:
        return onnx_graph.to_text(onnx_graph.from_record(file))
    except (ValueError, OSError) as error:
        raise ValueError(f"{file} cannot be read: {error}") from error


def by_problem(rows: Iterable[Measured]) -> dict[Problem, list[Measured]]:
    """The rows of each question; of a candidate measured again, the last.

    What one row says of the direction goes for all of the same context and metric.

    Raises:
        ValueError: If two rows of one context and metric say different ones.
    """
    last = {row.key: row for row in rows}
    told = {(row.context, row.metric): of_row(row) for row in last.values() if row.more.get("direction")}
    groups: dict[Problem, list[Measured]] = {}
    for row in last.values():
        own = of_row(row)
        problem = told.get((row.context, row.metric), own)
        if row.more.get("direction") and own != problem:
            raise ValueError(f"rows of {row.metric!r} are to be minimized and maximized; give them one direction")
        groups.setdefault(problem, []).append(row)
    return groups


def as_rows(measured: Iterable[Measured]) -> list[Row]:
    """What `RLMSurrogate.fit` reads: all metrics of a candidate together."""
    from ..surrogate import Row

    values: dict[tuple[str, str], dict[str, float]] = {}
    for row in measured:
        values.setdefault((row.context, row.candidate), {})[row.metric] = row.value
    return [Row(context, (text,), found) for (context, text), found in values.items()]
