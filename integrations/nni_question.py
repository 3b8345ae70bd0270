"""What a search of NNI's asks of the surrogate, and what its trials answer."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from numbers import Real
from typing import Any, cast

from ..surrogate import Problem, Question
from ..surrogate.problem import Direction, as_problem

_logger = logging.getLogger("nni.prerank")  # below "nni", so that it reaches the experiment's log


def question(
    problem: Question | Mapping[str, str] | None,
    optimize_mode: str | None,
    names: Iterable[str],
) -> Problem:
    """What a search asks: the user's problem, else one that names the choices.

    Args:
        problem: A problem, or its fields by name as an experiment's configuration carries them.
        optimize_mode: ``maximize`` or ``minimize``; None: the problem's direction, without one NNI's, which maximises.
        names: Names of the choices.

    Raises:
        ValueError: If the mode is another one, contradicts the problem, or the problem lacks a field.
    """
    if optimize_mode not in (None, "maximize", "minimize"):
        raise ValueError(f"optimize_mode is {optimize_mode!r}; it must be 'maximize' or 'minimize'")
    if problem is None:
        direction: Direction = "minimize" if optimize_mode == "minimize" else "maximize"
        return Problem(f"nni search space\n{' '.join(names)}", "objective", direction)
    if isinstance(problem, str):  # pyright: ignore[reportUnnecessaryIsInstance] (as a configuration may have it)
        raise ValueError(f"problem is the text {problem!r}; give a problem, or its context and metric by name")
    given = _from_fields(problem, optimize_mode) if isinstance(problem, Mapping) else as_problem(problem)
    if optimize_mode not in (None, given.direction):
        raise ValueError(f"optimize_mode is {optimize_mode!r}, but the problem's direction is {given.direction!r}")
    return given


def as_number(result: Any) -> float:
    """A final result as a number, numpy's too, of a dict its ``default``; anything else counts as a failure."""
    number = cast(Mapping[str, Any], result).get("default") if isinstance(result, Mapping) else result
    with suppress(OverflowError):  # of a whole number of hundreds of digits
        if isinstance(number, Real):
            return float(number)
    _logger.warning(
        "the result %r is no number and no dict with one as 'default'; it counts as failed", cast(Any, result)
    )
    return math.nan


def _from_fields(fields: Mapping[str, str], optimize_mode: str | None) -> Problem:
    unknown, missing = set(fields) - {"context", "metric", "direction"}, {"context", "metric"} - set(fields)
    if unknown or missing:
        raise ValueError(f"problem is {dict(fields)!r}; give context, metric and, if you like, direction")
    direction = fields.get("direction", optimize_mode or "maximize")
    return Problem(fields["context"], fields["metric"], direction)  # type: ignore[arg-type]
