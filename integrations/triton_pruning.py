"""What is kept of a launch: shipped in a table, decided before, or decided now by asking the surrogate."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from ..search_spaces.launch_limits import Limits, limits
from ..surrogate.once import Once
from .triton_decisions import Decisions
from .triton_device import current_family, shared_memory
from .triton_forecast import Forecast
from .triton_launch import Tuning
from .triton_measurements import fastest, times_of
from .triton_obstacles import obstacles_of, possible, spills_of
from .triton_report import Verdict, show
from .triton_selection import SURE, UNSURE, Keep, Outlook, named, select
from .triton_static import Resources, resources, target_of
from .triton_tables import Table

_RULES = 5  # version of what cannot run and of what is kept: what was decided by others is decided anew
_decisions = Decisions()


class Answer(NamedTuple):
    """What the surrogate says of a launch.

    Args:
        outlook: What is predicted of the configurations that can run.
        obstacles: Place -> why another one cannot.
        spills: Place -> why one that can runs slowly.
    """

    outlook: Outlook
    obstacles: dict[int, str]
    spills: dict[int, str]


class Decision(NamedTuple):
    """What is kept.

    Args:
        kept: Places of the configurations, best first.
        answer: What was asked for it; None: nothing, since it was decided before.
        shipped: Whether a table says so.
        times: Place -> milliseconds of all that was kept before, whose fastest is kept now; empty: nothing is settled.
    """

    kept: Sequence[int]
    answer: Answer | None = None
    shipped: bool = False
    times: Mapping[int, float] = MappingProxyType({})


class Pruning:
    """Decides what is kept of launches, and says why.

    Args:
        forecast: What predicts.
        keep: What is kept first.
        table: Decisions that are shipped.
        compile: Whether what may run is compiled before it is ranked.
        here: Whether the device is the current one, whose limits the driver tells.
    """

    def __init__(
        self,
        forecast: Forecast,
        keep: Keep | None,
        table: Table | None,
        *,
        compile: bool,
        here: bool,
    ) -> None:
        self._forecast, self._keep, self._table = forecast, keep, table
        self._compile, self._here = compile, here
        self._warn = Once()

    def decide(self, tuning: Tuning, kernel: Any, top_k: int | float | None) -> Decision:
        """What a table has, or what was decided before; if neither is known, ask, and keep what is decided.

        Args:
            tuning: The launch and its configurations.
            kernel: What is compiled.
            top_k: How many configurations are kept, or what share of them; None: as trust asks for.
        """
        shipped = self._table.find(tuning.launch, tuning.configs) if self._table else None
        if shipped is not None:
            return Decision([shipped], shipped=True)
        beside = self._beside(tuning, top_k)
        before = _decisions.find(tuning, beside)
        if before is not None:
            return _settled(tuning, before) if top_k is None or (top_k, type(top_k)) == (1, int) else Decision(before)
        answer = self.ask(tuning, kernel)
        outlook = answer.outlook
        defaults, count = self._defaults(tuning), len(tuning.configs)
        kept = select(outlook.order, defaults, count, top_k, outlook.trust, answer.obstacles)
        self._doubt(tuning, len(kept), outlook, asked=top_k is not None)
        _decisions.add(tuning, beside, kept)
        return Decision(kept, answer)

    def ask(self, tuning: Tuning, kernel: Any) -> Answer:
        """What is predicted of that which can run, and why the others cannot."""
        device, defaults = self._limits(tuning), self._defaults(tuning)
        obstacles, spills = obstacles_of(tuning, device), spills_of(tuning, device)
        if self._compile:
            compiled = self._compiled(tuning, kernel, possible(tuning, obstacles, defaults))
            found = {place: own.obstacle(device.shared) for place, own in compiled.items()}
            obstacles |= {place: reason for place, reason in found.items() if reason is not None}
            tuning = replace(tuning, facts={place: own.words for place, own in compiled.items()})
        return Answer(self._forecast(tuning, possible(tuning, obstacles, defaults), spills), obstacles, spills)

    def _compiled(self, tuning: Tuning, kernel: Any, places: Sequence[int]) -> dict[int, Resources]:
        """What some of the configurations need; where none can be compiled, a warning says why, once."""
        name, device = tuning.launch.kernel.name, tuning.launch.device or "no device"

        def untold(why: str) -> None:
            self._warn(f"compile {name} {device}", f"rlm_prune compiles nothing of {name} for {device}: {why}")

        if target_of(tuning.launch.device) is None:
            self._warn("target", f"rlm_prune compiles nothing for {device}: not known")
        return resources(kernel, tuning, places, untold)

    def order(self, tuning: Tuning, decision: Decision | None) -> list[int]:
        """All places: what is kept, then the others, what cannot run last; without a decision the defaults first."""
        defaults = self._defaults(tuning)
        kept, answer = (decision.kept, decision.answer) if decision else (sorted(defaults), None)
        obstacles = answer.obstacles if answer else obstacles_of(tuning, self._limits(tuning))
        others = answer.outlook.order if answer else possible(tuning, obstacles, defaults)
        return list(dict.fromkeys([*kept, *others, *range(len(tuning.configs))]))

    def explain(self, tuning: Tuning, kernel: Any, decision: Decision) -> None:
        """Print what is kept and why, if it is wanted; an explanation that fails changes nothing."""
        if os.environ.get("PRERANK_EXPLAIN") != "1":
            return
        try:
            answer = decision.answer or self.ask(tuning, kernel)
            show(tuning.launch, answer.outlook, self._verdicts(tuning, decision, answer))
        except Exception as error:  # no weights for a launch that was decided before
            self._warn("explain", f"rlm_prune cannot explain {tuning.launch.kernel.name}: {error!r}")

    def _verdicts(self, tuning: Tuning, decision: Decision, answer: Answer) -> list[Verdict]:
        kept, defaults = set(decision.kept), self._defaults(tuning)
        return [
            Verdict(
                config,
                place in kept,
                answer.obstacles.get(place),
                place in defaults,
                decision.shipped,
                answer.spills.get(place),
                tuning.firsts[place] != place,
                decision.times.get(place),
            )
            for place, config in enumerate(tuning.words)
        ]

    def _doubt(self, tuning: Tuning, kept: int, outlook: Outlook, *, asked: bool) -> None:
        """Warn once a kernel and device that little is known of it; where so many are asked for, that nothing is."""
        blind = outlook.trust <= UNSURE and kept < len(outlook.order)
        if not (blind if asked else outlook.trust < SURE):
            return
        about = f"{tuning.launch.kernel.name} on {tuning.launch.device or 'an unnamed device'}"
        of = f"{kept} of {len(tuning.configs)} configurations are kept"
        why = ", as top_k asks; without it all that may run would be" * asked
        self._warn(about, f"rlm_prune is not sure of {about} (trust {outlook.trust:.2f}): {of}{why}")

    def _limits(self, tuning: Tuning) -> Limits:
        told = (shared_memory(), current_family()) if self._here else (None, "")
        return limits(tuning.launch.device, *told)

    def _defaults(self, tuning: Tuning) -> set[int]:
        """Places of what is always kept: what the user named, else the first."""
        found = named(self._keep, tuning.configs)
        if self._keep is not None and not found:
            of = f"none of the {len(tuning.configs)} configurations of {tuning.launch.kernel.name}"
            self._warn("keep", f"rlm_prune(keep=...) names {of}: the first one is kept in its place")
        return found or {0}

    def _beside(self, tuning: Tuning, top_k: int | float | None) -> str:
        """What a decision depends on beside launch and configurations."""
        bounds = f"{self._compile} {self._limits(tuning)} {_RULES}"
        return f"{self._forecast.fingerprint} {top_k} {sorted(self._defaults(tuning))} {bounds}"


def _settled(tuning: Tuning, before: list[int]) -> Decision:
    """Of what was decided before the fastest, if all of it was measured."""
    kept = fastest(tuning, before)
    return Decision(kept, times={} if kept == before else times_of(tuning, before) or {})
