"""Tables of results: on the terminal, and as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

WIDTH = 160


def show(tables: Mapping[str, Any]) -> None:
    """Print data frames of text under their titles."""
    console = Console(width=WIDTH)
    for title, frame in tables.items():
        table = Table(*frame.columns, title=title)
        for row in frame.itertuples(index=False):
            table.add_row(*row)
        console.print(table)


def markdown(tables: Mapping[str, Any]) -> str:
    """Data frames of text under their titles."""
    return "\n".join(f"**{title}**\n\n{_lines(frame)}\n" for title, frame in tables.items())


def _lines(frame: Any) -> str:
    return "\n".join([_line(frame.columns), _line("---" for _ in frame.columns), *map(_line, frame.to_numpy())])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
