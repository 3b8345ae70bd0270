"""A `triton.Config`, its names and values as words, and as text.

Nothing of Triton is imported here: a Config is known by its attributes, the same from Triton 3.2 to 3.9.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from ..search_spaces import kernel_configs
from .triton_values import elements, tuned_word

_USUAL: Mapping[str, int] = {"num_ctas": 1} | dict.fromkeys(
    ("num_buffers_warp_spec", "num_consumer_groups", "reg_dec_producer", "reg_inc_consumer"),  # Triton 3.2 names these
    0,
)
_UNUSUAL = object()  # no word


class Config(Protocol):
    """A `triton.Config`, as far as it is read."""

    @property
    def kwargs(self) -> dict[str, Any]: ...
    @property
    def num_warps(self) -> int: ...
    @property
    def num_stages(self) -> int: ...
    @property
    def pre_hook(self) -> Callable[..., Any] | None: ...
    def all_kwargs(self) -> dict[str, Any]: ...


def spelt(words: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Names and values of configurations, the names as `kernel_configs.field` spells them."""
    return [{kernel_configs.field(name): value for name, value in own.items()} for own in words]


def config_words(config: Config) -> dict[str, Any]:
    """Names and values of a configuration; options at their defaults are left out, as in the measured tables.

    So are values that have no word.
    """
    return worded(tuned_words(config))


def config_key(config: Config) -> str:
    """A configuration as text, ``BLOCK_M=64 num_warps=4``; ``?`` stands for a value that has no word."""
    return assignments(tuned_words(config))


def tuned_words(config: Config) -> dict[str, Any]:
    """Names and values of a configuration without the options at their defaults; None: a value that has no word."""
    return {
        name: word
        for name, value in elements(config.all_kwargs()).items()
        if value is not None
        and (word := value if type(value) is int else tuned_word(value)) != _USUAL.get(name, _UNUSUAL)
    }


def worded(written: Mapping[str, Any]) -> dict[str, Any]:
    """Those of `tuned_words` that have a word."""
    return {name: word for name, word in written.items() if word is not None}


def assignments(written: Mapping[str, Any]) -> str:
    """`tuned_words` as text."""
    return " ".join(f"{name}={'?' if word is None else word}" for name, word in written.items())
