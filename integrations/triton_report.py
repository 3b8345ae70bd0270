"""What was kept and why, as a table on the terminal."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .triton_launch import Launch
from .triton_selection import Outlook


@dataclass(frozen=True)
class Verdict:
    """What is said of a configuration.

    Args:
        config: Its names and values.
        kept: Whether it is kept.
        obstacle: Why it cannot run; None: it may.
        default: Whether it is the default.
        shipped: Whether a table chose.
        spill: Why it is known to be slow; None: it is not.
        is_equal: Whether another one before it is equal to it.
        ms: Its time, where times have settled the launch, nan if it did not run; None: not measured, or not settled.
    """

    config: Mapping[str, Any]
    kept: bool
    obstacle: str | None
    default: bool
    shipped: bool = False
    spill: str | None = None
    is_equal: bool = False
    ms: float | None = None

    @property
    def reason(self) -> str:
        """Why it is kept or dropped."""
        if self.shipped:
            return "shipped in the table" if self.kept else "the table holds another"
        if self.ms is not None:
            return f"{'default, ' * self.default}{self._measured}"
        if self.obstacle:
            return f"{'default, though ' if self.kept and self.default else ''}{self.obstacle}"
        if self.is_equal and not self.kept:
            return "equal to another"
        if self.spill and not self.default:
            return f"comes last: {self.spill}"
        if self.default:
            return "default" if self.kept else "default, predicted slower"
        return "predicted among the best" if self.kept else "predicted slower"

    @property
    def _measured(self) -> str:
        if self.ms is None or math.isnan(self.ms):
            return "measured: does not run"
        return f"measured {'the fastest' if self.kept else 'slower'}: {self.ms:.3g} ms"


def differing(configs: Sequence[Mapping[str, Any]]) -> tuple[str, list[str], list[str]]:
    """What all configurations say, the names of what else they say, and the values of each, ``-`` where it has none."""
    rows = [{name: str(value) for name, value in config.items()} for config in configs]
    said = {name: {row.get(name, "-") for row in rows} for row in rows for name in row}
    alike = [f"{name}={value}" for name, values in said.items() if len(values) == 1 < len(rows) for value in values]
    names = [name for name, values in said.items() if len(values) > 1 or len(rows) == 1]
    return " ".join(alike), names, [" ".join(row.get(name, "-") for name in names) for row in rows]


def show(launch: Launch, found: Outlook, verdicts: Sequence[Verdict]) -> None:
    """Print the configurations of a launch to standard error, best first, then what cannot run."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    kept = sum(verdict.kept for verdict in verdicts)
    sizes = " ".join(f"{name}={value}" for name, value in launch.scalars.items())
    alike, names, words = differing([verdict.config for verdict in verdicts])
    title = f"{launch.kernel.name} on {launch.device or 'an unnamed device'}: {kept} of {len(verdicts)} configs kept"
    table = Table("", " ".join(names), f"predicted, {found.unit}", "90 % interval", "why", title=escape(title))
    values, listed = found.values(), {*found.order}
    for place in dict.fromkeys([*found.order, *range(len(verdicts))]):
        verdict, told = verdicts[place], ["", ""]
        if place in values:
            mean, low, high = values[place]
            told = [f"{mean:.3g}", f"{low:.3g} to {high:.3g}"]
        elif place in listed:
            told = ["not read", ""]
        table.add_row("kept" if verdict.kept else "dropped", escape(words[place]), *told, escape(verdict.reason))
    table.caption = f"trust {found.trust:.2f}; {escape(sizes)}" + (f"; of all {escape(alike)}" if alike else "")
    Console(stderr=True, emoji=False).print(table)
