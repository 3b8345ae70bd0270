"""Launch configurations of a kernel: block sizes, stages, warps, switches.

Names differ from one author to the next (``BLOCK_SIZE_M``, ``BLOCK_M``, ``MWG``); the text says one thing in one word,
so that what is learnt on one kernel serves the next: lower case, sorted by name, ``block_m=64 block_n=128 stages=3``.
What all configurations share, the kernel, the device and the sizes of the problem, is the context.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np

from .devices import describe
from .grid import changes, distinct
from .problem import Problem, asked

Value = int | float | str | bool

MATMUL_CHOICES: Mapping[str, Sequence[Value]] = {
    "BLOCK_M": (16, 32, 64, 128, 256),
    "BLOCK_N": (16, 32, 64, 128, 256),
    "BLOCK_K": (16, 32, 64, 128),
    "num_stages": (1, 2, 3, 4, 5),
    "num_warps": (2, 4, 8),
}
"""The space that `sample` and `neighbours` assume unless told another."""

_WORDS = {"mm": "matmul", "float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64"}
_FIELD_NAMES = {"mwg": "block_m", "nwg": "block_n", "kwg": "block_k"}
_COMMA = re.compile(r"[,;]\s*(?=[^\s=,;\[\]()]+=|$)")  # before a name; the items of a list are followed by none
_ASSIGNMENT = re.compile(r"((?:[^\s=]+=)+)(\[[^\]]*\]|\([^)]*\)|\S+)")


@dataclass(frozen=True)
class Config:
    """Names and values of a configuration, in the author's spelling.

    Args:
        fields: (name, value), each name once.

    Raises:
        ValueError: If there is no field, or a name occurs twice.
    """

    fields: tuple[tuple[str, Value], ...]

    def __post_init__(self) -> None:
        names = [name for name, _ in self.fields]
        if not names:
            raise ValueError("the configuration has no fields; give at least one name and value")
        if len(set(names)) < len(names):
            raise ValueError(f"the configuration has the names {names}; give each name once")


def sample(
    rng: np.random.Generator,
    n: int,
    choices: Mapping[str, Sequence[Value]] = MATMUL_CHOICES,
    kernel: str = "triton_mm",
) -> list[Config]:
    """Draw distinct configurations, uniformly. A smaller n draws the first ones of a larger n.

    Args:
        rng: Where the draws come from.
        n: How many.
        choices: Name -> values.
        kernel: Whose configurations they are; the choices that are assumed are those of a matrix product.

    Raises:
        ValueError: If n is negative or more than there are, or the choices of the kernel are not known.
    """
    if choices is MATMUL_CHOICES and not any(word.endswith(("matmul", "mm")) for word in kernel_words(kernel).split()):
        raise ValueError(f"kernel is {kernel!r}, whose choices are not known; give them, or a file of --candidates")
    return distinct(rng, n, [len(values) for values in choices.values()], partial(_config, choices))


def neighbours(config: Config, choices: Mapping[str, Sequence[Value]] = MATMUL_CHOICES) -> list[Config]:
    """The configurations with one value changed.

    Raises:
        ValueError: If a value is none of its choices.
    """
    values = dict(config.fields)
    for name, options in choices.items():
        if values.get(name) not in options:
            raise ValueError(f"{name} is {values.get(name)!r}; it must be one of {tuple(options)}")
    chosen = [list(options).index(values[name]) for name, options in choices.items()]
    others = changes(chosen, [len(options) for options in choices.values()])
    return [Config(tuple((values | dict(_config(choices, other).fields)).items())) for other in others]


def to_text(config: Config, rng: np.random.Generator | None = None) -> str:
    """One word a field, sorted by name, or with rng in a random order."""
    words = sorted(_assignment(name, value) for name, value in config.fields)
    if rng is not None:
        words = rng.permutation(words).tolist()
    return " ".join(words)


def from_record(record: str | Mapping[str, Value]) -> Config:
    """A configuration of a mapping, or of assignments as in ``BLOCK_M=64 num_warps=4``, with or without commas.

    Raises:
        ValueError: If there is no assignment in the text, or something else besides.
    """
    return Config(tuple(_parsed(record).items()))


def problem(
    kernel: str = "triton_mm",
    device: str = "NVIDIA A100",
    fields: str | Mapping[str, Any] = "",
    metric: str = "slowdown",
    source: str | None = None,
) -> Problem:
    """What to ask of a configuration: ``slowdown`` (over the best one of the same problem, from 1) or ``latency_ms``.

    Args:
        kernel: Its name.
        device: Any device's name (see `devices`).
        fields: Sizes and types of the problem, a mapping or assignments (``m=512 n=512 dtype=float16``, ``M=N=64``).
        metric: One of the two.
        source: The program, if it may be read.

    Raises:
        ValueError: If the metric is another one, or the fields hold no assignment.
    """
    sizes = " ".join(_assignment(name, value) for name, value in _parsed(fields).items()) if fields else ""
    lines = [kernel_words(kernel), describe(device), sizes, source or ""]
    texts = {word: word for word in ("slowdown", "latency_ms")}
    return asked("a kernel configuration", "\n".join(line for line in lines if line), texts, metric)


def kernel_words(kernel: str) -> str:
    """A kernel's name as words, ``triton_mm`` -> ``triton matmul``; the first line of its contexts."""
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", kernel).lower()
    return " ".join(_WORDS.get(word, word) for word in re.split(r"[^a-z0-9]+", words) if word) or "kernel"


def _config(choices: Mapping[str, Sequence[Value]], chosen: Sequence[int]) -> Config:
    return Config(
        tuple((name, options[choice]) for (name, options), choice in zip(choices.items(), chosen, strict=True))
    )


def _parsed(record: str | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(record, str):
        return dict(record)
    record = _COMMA.sub(" ", record)
    found = _ASSIGNMENT.findall(record)
    rest = _ASSIGNMENT.sub("", record).strip()
    if rest or not found:
        raise ValueError(f"there is no assignment in {rest or record!r}; write it as in BLOCK_M=64 num_warps=4")
    return {name: _value(value) for names, value in found for name in names.split("=") if name}


def _value(text: str) -> Value:
    """What an author wrote, as a number or a switch where it is one."""
    if text in ("True", "False"):
        return text == "True"
    return int(text) if re.fullmatch(r"-?(0|[1-9]\d*)", text) else text


def _assignment(name: str, value: Any) -> str:
    """One field as a word; a list is one word for each of its items."""
    name = field(name)
    if isinstance(value, str) and value[:1] in ("[", "("):
        value = value[1:-1].split(",")
    if isinstance(value, (list, tuple)):
        items = list(cast("Sequence[Any]", value))
        return " ".join(_assignment(f"{name}_{number}", item) for number, item in enumerate(items))
    text = str(value.__name__ if isinstance(value, type) else value).strip().lower().removeprefix("torch.")
    return f"{name}={_WORDS.get(text, text)}".replace(" ", "_")


def field(name: str) -> str:
    """A field's name as all kernels spell it."""
    name = re.sub(r"_size(?=_|$)|^num_", "", name.lower())
    return _FIELD_NAMES.get(name, name)
