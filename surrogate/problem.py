"""What is asked: one context, one metric, the direction in which the metric is better."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Protocol, get_args

Direction = Literal["minimize", "maximize"]


class Question(Protocol):
    """Anything that carries the three fields of a `Problem`, such as what a search space's `problem()` returns."""

    @property
    def context(self) -> str: ...
    @property
    def metric(self) -> str: ...
    @property
    def direction(self) -> Direction: ...


@dataclass(frozen=True)
class Problem:
    """A metric of the candidates that share a context.

    Args:
        context: What all candidates share: the space, data set, kernel source, shapes, device facts.
            Its first line names the space or the kernel.
        metric: The metric word, then where it is measured: ``val_accuracy cifar10 108 epochs``.
        direction: Which way is better. It matters to `rank` and to the acquisitions alone.
    """

    context: str
    metric: str
    direction: Direction = "minimize"

    def __post_init__(self) -> None:
        for name, text in (("context", self.context), ("metric", self.metric)):
            if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise ValueError(f"{name} is {text!r}, a {type(text).__name__}; give a text")
        check_direction(self.direction)
        if not self.metric.split():
            raise ValueError("metric is empty; name what is predicted, for example 'latency_ms'")
        object.__setattr__(self, "metric", " ".join(self.metric.split()))  # more blanks make no other metric

    @property
    def loss_sign(self) -> int:
        """What makes a loss of a value: 1 where less is better, else -1."""
        return 1 if self.direction == "minimize" else -1

    @property
    def family(self) -> tuple[str, str]:
        """Problems of one family inform each other: same metric word and first context line."""
        return self.metric.split()[0], first_line(self.context)


def check_direction(direction: object) -> None:
    """Refuse what is no direction.

    Raises:
        ValueError: If it is none.
    """
    if direction not in get_args(Direction):
        raise ValueError(f"direction is {direction!r}; it must be 'minimize' or 'maximize'")


def as_problem(question: Question) -> Problem:
    """Check any object with a problem's fields and make it a `Problem`.

    Raises:
        ValueError: If it has none, or they are no problem's.
    """
    try:
        return Problem(question.context, question.metric, question.direction)
    except AttributeError as error:
        raise ValueError(
            f"the problem is {question!r:.80}; give a Problem, or what a space's problem() returns"
        ) from error


def undirected(question: Question) -> Problem:
    """What is measured, whichever way is better: a value is the same for those who want more of it and less."""
    return replace(as_problem(question), direction="minimize")


def first_line(context: str) -> str:
    """Name of the space or the kernel that a context is about."""
    return context.strip().partition("\n")[0].strip()


def below_first_line(context: str) -> str:
    """The rest of a context: what the space, the kernel, the device are like."""
    return context.strip().partition("\n")[2]
