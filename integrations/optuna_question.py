"""What a study asks of the language model, and whether it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from pathlib import Path

from optuna.distributions import BaseDistribution
from optuna.study import StudyDirection

from ..surrogate import Problem, Question
from ..surrogate.problem import Direction


def posed(
    problem: Question | Sequence[Question] | None, ways: Sequence[StudyDirection], space: Sequence[str]
) -> list[Problem]:
    """One problem for each objective, in the study's directions.

    Raises:
        ValueError: If there is not one problem for each objective.
    """
    directions: list[Direction] = ["maximize" if way == StudyDirection.MAXIMIZE else "minimize" for way in ways]
    if problem is None:
        context = f"optuna study\n{' '.join(space)}"
        return [Problem(context, f"objective {number}", way) for number, way in enumerate(directions)]
    given = list(problem) if isinstance(problem, Sequence) else [problem]
    if len(given) != len(directions):
        raise ValueError(f"problem is {len(given)} of them for {len(directions)} objectives; give one for each")
    return [Problem(p.context, p.metric, way) for p, way in zip(given, directions, strict=True)]


def contradiction(problem: Question | Sequence[Question] | None, ways: Sequence[StudyDirection]) -> str | None:
    """What is wrong where a problem is maximised but the study minimises, as it does unless told; None: nothing."""
    given = list(problem) if isinstance(problem, Sequence) else [problem] if problem else []
    pairs = zip(given, ways, strict=False)
    turned = [own.metric for own, way in pairs if own.direction == "maximize" and way == StudyDirection.MINIMIZE]
    told = "more is better, but the study minimises; create it with direction='maximize'"
    return f"of {', '.join(turned)} {told}" if turned else None


def check_types(problem: object, surrogate: object, space: Mapping[str, object], sources: object) -> None:
    """See what would otherwise fail at a trial, with an error that names neither argument nor remedy."""
    if isinstance(problem, str):
        raise TypeError(f"problem is {problem!r}; give a Problem, or what a search space's problem() returns")
    if isinstance(surrogate, (str, Path)):
        raise TypeError(f"surrogate is {str(surrogate)!r}; open it: RLMSurrogate.load({str(surrogate)!r})")
    if not isinstance(sources, Sequence):
        raise TypeError(f"sources is {sources!r}; give a list of studies")
    for name, distribution in space.items():
        if not isinstance(distribution, BaseDistribution):
            raise TypeError(f"search_space has {name}={distribution!r}; give one of optuna.distributions")


def check_count(name: str, number: object, *, least: int) -> None:
    """See that an argument is a whole number.

    Raises:
        TypeError: If it is none.
        ValueError: If it is too small.
    """
    if isinstance(number, bool) or not isinstance(number, Integral):
        raise TypeError(f"{name} is {number!r}; give a whole number from {least}")
    if int(number) < least:
        raise ValueError(f"{name} is {number}; give a number from {least}")


def check_functions(**functions: object) -> None:
    """See that arguments are functions, if they are given.

    Raises:
        TypeError: If one is not.
    """
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise TypeError(f"{name} is {function!r}; give a function, or leave it out")
