"""Options of `rlm_prune` as they are used, whatever kind they were given as."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from numbers import Integral, Real
from pathlib import Path
from typing import Any, cast

from ..surrogate import RLMSurrogate
from .triton_experience import Learner
from .triton_selection import Keep


def count(top_k: Any) -> int | float | None:
    """A count, or a share, as Python's own number.

    Raises:
        ValueError: If it is not positive, or a share above 1.
        TypeError: If it is no number.
    """
    if top_k is None:
        return None
    if isinstance(top_k, bool) or not isinstance(top_k, Real):
        raise TypeError(f"top_k is {top_k!r}; give a number of configs, or a share of them")
    number = int(top_k) if isinstance(top_k, Integral) else float(top_k)
    if not number > 0 or (isinstance(number, float) and number > 1):
        raise ValueError(f"top_k is {top_k!r}; give a number of configs from 1, or a share of them up to 1.0")
    return number


def kept_first(keep: Any) -> Keep | None:
    """A function, or a config, as it is; several configs as a list.

    Raises:
        TypeError: If it is none of these.
    """
    if keep is None or callable(keep) or hasattr(keep, "all_kwargs"):
        return cast("Keep | None", keep)
    configs = [*cast("Iterable[Any]", keep)] if isinstance(keep, Iterable) else []
    if not configs or not all(hasattr(config, "all_kwargs") for config in configs):
        raise TypeError(f"keep is {keep!r}; give a config, some of them, or a function that says of each")
    return configs


def opened(surrogate: Any) -> Learner | None:
    """What predicts, read where it is a folder.

    Raises:
        TypeError: If it does not predict.
    """
    if isinstance(surrogate, (str, Path)):
        return RLMSurrogate.load(surrogate)
    if surrogate is not None and not hasattr(surrogate, "predict"):
        raise TypeError(f"surrogate is {surrogate!r}; give an RLMSurrogate, or the folder of a checkpoint")
    return surrogate


def pruner(early_config_prune: Any) -> Callable[..., Any] | None:
    """The user's own pruner as it is.

    Raises:
        TypeError: If it is no function.
    """
    if early_config_prune is not None and not callable(early_config_prune):
        raise TypeError(f"early_config_prune is {early_config_prune!r}; give a function of configs and named arguments")
    return early_config_prune
