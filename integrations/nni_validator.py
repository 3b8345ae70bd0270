"""What NNI asks of a tuner's arguments before the experiment starts, where the tuner has a registered name."""

from __future__ import annotations

from collections.abc import Mapping
from inspect import signature
from pathlib import Path
from typing import Any

from nni.utils import ClassArgsValidator

from ..surrogate import checkpoint
from .nni_history import check_pool
from .nni_question import question
from .nni_text_function import check_function
from .nni_tuner import RLMTuner


class RLMClassArgsValidator(ClassArgsValidator):
    """Says what is wrong with the arguments in a configuration before the experiment starts."""

    def validate_class_args(self, **kwargs: Any) -> None:
        """Check names and, as far as it costs nothing, values.

        Raises:
            ValueError: If the tuner would not take them.
        """
        known = list(signature(RLMTuner).parameters)
        for name in kwargs:
            if name not in known:
                raise ValueError(f"class argument {name!r} is unknown; RLMTuner takes {', '.join(known)}")
        _check(**kwargs)


def _check(
    optimize_mode: str | None = None,
    problem: Mapping[str, str] | None = None,
    to_text: str | None = None,
    surrogate: str | None = None,
    pool_size: int = 1,
    seed: Any = None,
) -> None:
    question(problem, optimize_mode, ())
    check_pool(pool_size)
    if seed is not None and (type(seed) is not int or seed < 0):
        raise ValueError(f"seed is {seed!r}; give a whole number from 0")
    if surrogate is not None:
        _check_folder(surrogate)
    if to_text is not None:
        check_function(to_text)


def _check_folder(surrogate: str) -> None:
    if not Path(surrogate).is_absolute():
        raise ValueError(f"surrogate is {surrogate!r}; NNI runs the tuner in another folder, so give the full path")
    try:
        checkpoint.describe(Path(surrogate))
    except FileNotFoundError as error:
        raise ValueError(f"surrogate is {surrogate!r} ({error})") from error
