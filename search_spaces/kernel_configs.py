"""Launch configurations of a kernel: block sizes, stages, warps, switches.

Names differ from one author to the next (``BLOCK_SIZE_M``, ``BLOCK_M``, ``MWG``); the text says one thing in one word,
so that what is learnt on one kernel serves the next: lower case, sorted by name, ``block_m=64 block_n=128 stages=3``.
What all configurations share, the kernel, the device and the sizes of the problem, is the context. What follows from
both, such as how many tiles there are, the surrogate adds when it reads them (`prerank.surrogate.tiles`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, TypeAlias, cast

import numpy as np

from .devices import describe
from .grid import changes, distinct, near
from .problem import Problem, asked
from .record import plain

_Scalar: TypeAlias = int | float | str | bool
Value: TypeAlias = _Scalar | tuple[_Scalar, ...]

MATMUL_CHOICES: Mapping[str, Sequence[Value]] = {
    "BLOCK_M": (16, 32, 64, 128, 256),
    "BLOCK_N": (16, 32, 64, 128, 256),
    "BLOCK_K": (16, 32, 64, 128),
    "num_stages": (1, 2, 3, 4, 5),
    "num_warps": (2, 4, 8),
}
"""What `sample` draws from unless told otherwise, and `neighbours` of a configuration with these fields."""

_WORDS = {"mm": "matmul", "float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64"}
_FIELD_NAMES = {"mwg": "block_m", "nwg": "block_n", "kwg": "block_k"}
_COMMA = re.compile(r"[,;]\s*(?=[^\s=,;\[\]()]+=|$)")  # before a name; the items of a list are followed by none
_ASSIGNMENT = re.compile(r"((?:[^\s=]+=)+)(\[[^\]]*\]|\([^)]*\)|\S+)")
_FIELD_ORDERS = (
    ("m", "n", "k"),
    (
        *("m", "k", "n", "mat1_dtype", "mat2_dtype"),
        *("mat1_stride_0", "mat1_stride_1", "mat2_stride_0", "mat2_stride_1"),
        *("mat1_iscontig", "mat2_iscontig", "using_tf32"),
    ),
    (
        *("b", "h", "m", "n", "kv_seq_length", "dtype", "q_stride_0", "q_stride_1", "q_stride_2", "q_stride_3"),
        *("subgraph_num_nodes", "subgraph_num_args_used"),
    ),
)
"""Fields of problems as the measured tables have them: the tutorial's, Inductor's of products and of attention."""


@dataclass(frozen=True, eq=False)
class Config:
    """Names and values of a configuration, in the author's spelling; equal in any order.

    Args:
        fields: (name, value), each name once; the values are made Python's own.

    Raises:
        ValueError: If there is no field, or two names are read as one.
    """

    fields: tuple[tuple[str, Value], ...]

    def __post_init__(self) -> None:
        fields = tuple((name, plain(value)) for name, value in self.fields)
        object.__setattr__(self, "fields", fields)
        read = [_name(word) for word in _words(fields)]
        if not read:
            raise ValueError("the configuration has no fields; give at least one name and value")
        if len(set(read)) < len(read):
            names = [name for name, _ in fields]
            raise ValueError(f"the configuration has the names {names}, which are read as {read}; give each once")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and self._told == other._told

    def __hash__(self) -> int:
        return hash(self._told)

    @property
    def _told(self) -> frozenset[tuple[str, str]]:
        """All fields; True is not the number 1, nor in a list, as their texts are others."""
        return frozenset((name, repr(value)) for name, value in self.fields)


def sample(
    rng: np.random.Generator,
    n: int,
    choices: Mapping[str, Sequence[Value]] | None = None,
    kernel: str = "triton_mm",
) -> list[Config]:
    """Draw distinct configurations, uniformly. A smaller n draws the first ones of a larger n.

    Args:
        rng: Where the draws come from.
        n: How many.
        choices: Name -> values; None: those of a matrix product.
        kernel: Whose configurations they are.

    Raises:
        ValueError: If n is negative or more than there are, or another kernel's choices are not given.
    """
    options = _options(_known_choices(kernel) if choices is None else choices)
    return distinct(rng, n, [len(values) for values in options.values()], partial(_config, options), key=to_text)


def neighbours(config: Config, choices: Mapping[str, Sequence[Value]] | None = None) -> list[Config]:
    """The configurations with one value changed, in the spelling of the one that is given.

    Args:
        config: The configuration.
        choices: Name -> values. None: those of a matrix product; where a field of these is missing, a number changes
            by a factor of two or by one (see `grid.near`) and a switch flips; words and lists stay.

    Raises:
        ValueError: If a value is none of its choices.
    """
    spelt = {field(name): name for name, _ in config.fields}
    given = _choices_about(config) if choices is None else choices
    named = {spelt.get(field(name), name): own for name, own in given.items()}
    values, options = dict(config.fields), _options(named)
    read = {name: [_assignment(name, value) for value in own] for name, own in options.items()}
    for name, own in read.items():
        if name not in values or _assignment(name, values[name]) not in own:
            raise ValueError(f"{name} is {values.get(name)!r}; it must be one of {tuple(options[name])}")
    chosen = [own.index(_assignment(name, values[name])) for name, own in read.items()]
    others = changes(chosen, [len(own) for own in options.values()])
    return [Config(tuple((values | dict(_config(options, other).fields)).items())) for other in others]


def to_text(config: Config, rng: np.random.Generator | None = None) -> str:
    """One word a field, sorted by name, or with rng in a random order."""
    words = sorted(filter(None, (_assignment(name, value) for name, value in config.fields)))
    if rng is not None:
        words = rng.permutation(words).tolist()
    return " ".join(words)


def from_record(record: str | Mapping[str, Any]) -> Config:
    """A configuration of a mapping, or of assignments as in ``BLOCK_M=64 num_warps=4``, with or without commas.

    A mapping with kernel, problem and config is a whole row of a table, whose ``config`` is taken.

    Raises:
        ValueError: If there is no assignment in the text, or something else besides, or two names are read as one.
    """
    if not isinstance(record, str) and hasattr(record, "keys") and {*record.keys()} >= {"kernel", "problem", "config"}:
        record = record["config"]
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
        fields: Sizes and types of the problem, a mapping or assignments (``m=512 n=512 dtype=float16``, ``M=N=64``),
            in any order.
        metric: One of the two.
        source: The program, if it may be read.

    Raises:
        ValueError: If the metric is another one, the fields hold no assignment, or the device is no text.
    """
    lines = [kernel_words(kernel), describe(device), _sizes(fields), source or ""]
    texts = {word: word for word in ("slowdown", "latency_ms")}
    return asked("a kernel configuration", "\n".join(line for line in lines if line), texts, metric)


def kernel_words(kernel: str) -> str:
    """A kernel's name as words, ``triton_mm`` -> ``triton matmul``; the first line of its contexts."""
    words = re.sub(r"([a-z])([A-Z])", r"\1 \2", kernel).lower()
    return " ".join(_WORDS.get(word, word) for word in re.split(r"[\W_]+", words) if word) or "kernel"


def _known_choices(kernel: str) -> Mapping[str, Sequence[Value]]:
    if any(word.endswith(("matmul", "mm")) for word in kernel_words(kernel).split()):
        return MATMUL_CHOICES
    raise ValueError(f"kernel is {kernel!r}, whose choices are not known; give them, or a file of --candidates")


def _choices_about(config: Config) -> Mapping[str, Sequence[Value]]:
    """Those of a matrix product, or if it is none, the values near its own."""
    if {field(name) for name, _ in config.fields} >= set(map(field, MATMUL_CHOICES)):
        return MATMUL_CHOICES
    return {name: (value, *near(value, double=field(name) != "stages")) for name, value in config.fields}


def _options(choices: Mapping[str, Sequence[Any]]) -> dict[str, list[Value]]:
    """The values of each name as a configuration has them, those of one text once."""
    return {
        name: list({_assignment(name, value): value for value in map(plain, values)}.values())
        for name, values in choices.items()
    }


def _config(choices: Mapping[str, Sequence[Value]], chosen: Sequence[int]) -> Config:
    return Config(tuple((name, options[place]) for (name, options), place in zip(choices.items(), chosen, strict=True)))


def _sizes(fields: str | Mapping[str, Any]) -> str:
    """Fields of a problem as words: those of a measured table in its order, then the others by name."""
    if not fields or (isinstance(fields, str) and not fields.strip()):
        return ""
    words = _words((name, plain(value)) for name, value in _parsed(fields).items())
    names = set(map(_name, words))
    order = min(_FIELD_ORDERS, key=lambda order: len(names.difference(order)))
    places = {name: place for place, name in enumerate(order)}
    return " ".join(sorted(words, key=lambda word: (places.get(_name(word), len(order)), _natural(_name(word)), word)))


def _natural(name: str) -> list[int | str]:
    """A name that sorts by the numbers in it: size_2 before size_10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", name)]


def _parsed(record: str | Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(record, str):
        return _mapping(record)
    record = _COMMA.sub(" ", record)
    found = _ASSIGNMENT.findall(record)
    rest = _ASSIGNMENT.sub("", record).strip()
    if rest or not found:
        raise ValueError(f"there is no assignment in {rest or record!r}; write it as in BLOCK_M=64 num_warps=4")
    named = [(name, value) for names, value in found for name in names.split("=") if name]
    if len(dict(named)) < len(named):
        raise ValueError(f"a name is given twice in {record!r}; give each once")
    return dict(named)


def _mapping(record: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return dict(record)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the record is {record!r}; give names and values") from error


def _words(fields: Iterable[tuple[str, Any]]) -> list[str]:
    return [word for name, value in fields for word in _assignment(_spelt(name), value).split()]


def _spelt(name: Any) -> str:
    """A name of which something is left as it is read."""
    if not isinstance(name, str) or not field(name).strip():
        raise ValueError(f"a field's name is {name!r}; give a name, such as 'BLOCK_M'")
    return name


def _name(word: str) -> str:
    return word.partition("=")[0]


def _assignment(name: str, value: Any) -> str:
    """One field as a word; a list is one word for each of its items."""
    name = field(name)
    if isinstance(value, tuple):
        items = enumerate(cast("Sequence[Any]", value))
        return " ".join(filter(None, (_assignment(f"{name}_{number}", item) for number, item in items)))
    return _word(name, value) if isinstance(value, (bool, int, float, str)) else _written(name, value)


def _written(name: str, value: Any) -> str:
    return re.sub(r"\s", "_", f"{name.strip()}={_text(value)}")


_word = lru_cache(maxsize=4096, typed=True)(_written)  # thousands of configurations have few words


def _text(value: Any) -> str:
    if isinstance(value, float):
        return np.format_float_positional(value, trim="-")
    text = str(value.__name__ if isinstance(value, type) else value).strip().lower().removeprefix("torch.")
    return _WORDS.get(text, text)


@lru_cache(maxsize=4096)
def field(name: str) -> str:
    """A field's name as all kernels spell it."""
    name = re.sub(r"_size(?=_|$)|^num_", "", name.lower())
    return _FIELD_NAMES.get(name, name)
