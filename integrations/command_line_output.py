"""What the command line prints: results on the standard output, everything else on the standard error."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from .command_line_candidates import Broken

Item = TypeVar("Item")

_ERRORS = Console(stderr=True, emoji=False)
_LONGEST = 200  # letters of a candidate in a table


def say(text: str) -> None:
    """A remark."""
    _ERRORS.print(escape(text), highlight=False, soft_wrap=True)


def fail(text: str) -> None:
    """An error."""
    _ERRORS.print(f"[red]error:[/red] {escape(text)}", highlight=False, soft_wrap=True)


def complain(broken: Sequence[Broken]) -> None:
    """Name broken inputs.

    Raises:
        typer.Exit: With status 1, if there are any.
    """
    for name, reason in broken:
        _ERRORS.print(f"[red]broken:[/red] {escape(name)}: {escape(reason)}", highlight=False, soft_wrap=True)
    if broken:
        raise typer.Exit(1)


def as_json(found: Any) -> None:
    """Print JSON in ASCII, which any output takes, an item of a list a line; what is no number is null."""
    if not isinstance(found, list):
        typer.echo(json.dumps(_plain(found)))
        return
    lines = ",\n ".join(json.dumps(_plain(item)) for item in cast("list[Any]", found))
    typer.echo(f"[{lines}]")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], caption: str = "") -> None:
    """Print a table; numbers to four figures, which stay whole where texts are folded."""
    rows = list(rows)
    drawn = Table(title=escape(title), caption=escape(caption) or None, title_justify="left", caption_justify="left")
    for place, name in enumerate(columns):
        texts = any(isinstance(row[place], str) and row[place].count(" ") for row in rows)
        side: dict[str, Any] = {"min_width": 12} if not place else {"justify": "left" if texts else "right"}
        drawn.add_column(name, overflow="fold", no_wrap=bool(place) and not texts, **side)
    for row in rows:
        drawn.add_row(*(escape(shown(cell)) for cell in row))
    Console(emoji=False).print(drawn)


def shown(cell: Any) -> str:
    """A cell as text."""
    if isinstance(cell, float):
        return "" if math.isnan(cell) else f"{cell:.4g}"
    text = str(cell).encode(errors="backslashreplace").decode()  # the name of a file may be no UTF-8
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


@contextmanager
def working(text: str) -> Generator[None]:
    """Show that something is going on."""
    with _ERRORS.status(escape(text)):
        yield


def tracked(items: Iterable[Item], total: int, text: str) -> Iterator[Item]:
    """Show how far the items have come."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_ERRORS, transient=True) as progress:
        yield from progress.track(items, total=total, description=escape(text))


def _plain(found: Any) -> Any:
    if isinstance(found, dict):
        return {key: _plain(value) for key, value in found.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(found, list | tuple):
        return [_plain(value) for value in found]  # pyright: ignore[reportUnknownVariableType]
    return None if isinstance(found, float) and not math.isfinite(found) else found
