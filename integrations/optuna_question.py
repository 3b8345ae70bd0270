"""What a study asks of the language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
