"""The question that a space asks of a surrogate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MAXIMIZED = ("val_accuracy", "throughput")
"""Metric words of which more is better; of all others, less is."""


@dataclass(frozen=True)
class Problem:
    """What all candidates share, the metric, and which way is better.

    Spaces import no model code: the surrogate reads these three fields by name, as it does its own `Problem`'s.
    """

    context: str
    metric: str
    direction: Literal["minimize", "maximize"] = "minimize"


def data_set(name: str) -> str:
    """A data set's name as all metrics spell it: ``CIFAR-10`` -> ``cifar10``, ``Cora`` -> ``cora``.

    Raises:
        ValueError: If it is no text, or holds no word.
    """
    words = lower("dataset", name).split()
    if not words:
        raise ValueError(f"dataset is {name!r}; give its name")
    return re.sub(r"^cifar[-_]", "cifar", "-".join(words))


def lower(what: str, name: str) -> str:
    """A name in lower case.

    Raises:
        ValueError: If it is no text, None say.
    """
    try:
        return name.lower()
    except AttributeError as error:
        raise ValueError(f"{what} is {name!r}; give its name") from error


def asked(space: str, context: str, texts: Mapping[str, str], metric: str) -> Problem:
    """The problem of one of a space's metrics.

    Args:
        space: Its name, for the error.
        context: What its candidates share.
        texts: Metric word -> the text that asks for it.
        metric: One of the words.

    Raises:
        ValueError: If the metric is none of them.
    """
    if metric not in texts:
        raise ValueError(f"metric is {metric!r}; {space} has {', '.join(texts)}")
    return Problem(context, texts[metric], "maximize" if metric in MAXIMIZED else "minimize")
