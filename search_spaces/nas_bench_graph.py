"""NAS-Bench-Graph: graph neural networks of four operations (Qin et al. 2022, arXiv:2206.09166).

Each operation reads the input or one earlier operation, so that the four form a tree; what no other operation reads
makes the output. The table is in the package nas-bench-graph, for nine data sets of nodes to classify.

Notable: most skips do nothing. A skip that another operation reads is a mere wire, so is one that alone reads its
source, and one that leads the input straight to the output is dropped, since the widths differ. An `Architecture` is
normalised when it is made: the idle skips come first and text leaves them out, so equal candidates are one network.

Glossary: `link[i]` is what operation i reads, 0 for the input and k for the k-th operation, counted from one; a *tree*
is an operation and the trees that read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import islice, permutations, product
from math import prod
from typing import Any, SupportsIndex, TypeAlias

import numpy as np

from .problem import Problem, asked, data_set
from .record import choice, members, whole
from .topological_text import random_order, words

SKIP = "skip"
OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", SKIP)
DATASETS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv", "proteins")
"""Those of the package; its table for proteins has gcn, sage, arma, fc and skip alone."""
LINKS = ("0000", "0001", "0011", "0012", "0013", "0111", "0112", "0122", "0123")
"""What the four operations read, in the nine forms of the package's table."""
ARCHITECTURES = 26_206
"""How many networks there are, equivalent ones counted once."""

_Tree: TypeAlias = "tuple[str, tuple[_Tree, ...]]"
_SOURCES = tuple(range(place + 1) for place in range(4))
_SIZES = (*map(len, _SOURCES), *(len(OPERATIONS),) * len(_SOURCES))
_CONTEXT = (
    "nas_bench_graph\n"
    "graph network of at most 4 operations that each read the input or one earlier: "
    "gat gcn gin cheb sage arma graph fc skip"
)


@dataclass(frozen=True)
class Architecture:
    """Four operations and what each of them reads, normalised: equal where the networks are equivalent.

    Args:
        link: Sources, (4,): 0 for the input, k for the k-th operation, which must come earlier.
        ops: Operations, (4,), any of `OPERATIONS`.

    Raises:
        ValueError: If a rule of the space is broken.
    """

    link: tuple[int, ...]
    ops: tuple[str, ...]

    def __post_init__(self) -> None:
        _check(self.link, self.ops)
        trees = _readers(0, self.link, self.ops)
        idle = len(self.ops) - sum(map(_size, trees))
        link, ops = list(range(idle)), [SKIP] * idle
        _place(trees, link, ops)
        object.__setattr__(self, "link", tuple(link))
        object.__setattr__(self, "ops", tuple(ops))

    @property
    def idle(self) -> int:
        """How many skips do nothing; they come first, in a chain from the input."""
        return next(place for place, operation in enumerate(self.ops) if operation != SKIP)


def sample(rng: np.random.Generator, n: int) -> list[Architecture]:
    """Draw distinct architectures, uniformly. A smaller n draws the first ones of a larger n.

    Raises:
        ValueError: If n is negative or more than there are.
    """
    if not 0 <= n <= ARCHITECTURES:
        raise ValueError(f"n is {n}; NAS-Bench-Graph has {ARCHITECTURES} architectures, ask for 0 to as many")
    codes: list[int] = rng.permutation(prod(_SIZES)).tolist()
    return list(islice(filter(None, map(_of_code, codes)), n))


def neighbours(architecture: Architecture) -> list[Architecture]:
    """The architectures with another operation at one place, or another source of one operation.

    Idle skips take part wherever they may stand, so that a search can insert an operation and take it out again.
    """
    found: dict[Architecture, None] = {}
    for link, ops in _equivalent(architecture):
        for other in _edits(link, ops):
            found.setdefault(Architecture(*other))
    found.pop(architecture, None)
    return list(found)


def to_text(architecture: Architecture, rng: np.random.Generator | None = None) -> str:
    """One word an operation, without the idle ones, in a fixed order or with rng in a random topological one."""
    idle = architecture.idle
    ops = ("input", *architecture.ops[idle:], "output")
    sources = [source - idle for source in architecture.link[idle:]]
    unread = frozenset(range(1, len(ops) - 1)) - frozenset(sources)
    before = [frozenset[int](), *(frozenset({source}) for source in sources), unread]
    return words(ops, before, range(len(ops)) if rng is None else random_order(rng, before))


def from_record(record: Mapping[str, Any] | SupportsIndex | float | str) -> Architecture:
    """An architecture of a mapping with ``link`` and ``ops``, or of a key of the package's table, also as text.

    Raises:
        ValueError: If the mapping lacks a key or breaks a rule, or the number or text is no key.
    """
    if isinstance(record, str) and not record.isdigit():
        raise ValueError(f"the record is {record!r}; give the digits of a key, or link and ops")
    if isinstance(record, (str, SupportsIndex, float)):
        return _of_key(int(record) if isinstance(record, str) else whole("the key", record))
    link, ops = members(record, "link", "ops")
    try:
        return Architecture(tuple(link), tuple(ops))
    except TypeError as error:
        found = f"link {link!r} and ops {ops!r}"
        raise ValueError(f"the record has {found}; give a list of four numbers and a list of four names") from error


def problem(metric: str = "val_accuracy", dataset: str = "cora") -> Problem:
    """What to ask of an architecture: ``val_accuracy`` (a fraction), ``latency_ms`` or ``params`` (a count).

    All three depend on the data set, parameters through the widths of its features and of the hidden layers. For
    proteins the table has the area under the ROC curve in place of the accuracy.

    Raises:
        ValueError: If the metric is another one.
    """
    texts = {word: f"{word} {data_set(dataset)}" for word in ("val_accuracy", "latency_ms", "params")}
    return asked("NAS-Bench-Graph", _CONTEXT, texts, metric)


def read_table(dataset: str = "cora") -> Iterator[tuple[Architecture, dict[str, float]]]:
    """The rows of the package's table, means over three seeds.

    Metrics are ``val_accuracy`` and ``test_accuracy`` (fractions), ``latency_ms`` and ``params`` (a count); the package
    has seconds and millions of parameters.

    Raises:
        ValueError: If the data set is none of `DATASETS`.
        ImportError: If nas-bench-graph is not installed.
    """
    choice("dataset", dataset, DATASETS)
    try:
        package: Any = import_module("nas_bench_graph")
    except ImportError as error:
        raise ImportError("the table needs a package: pip install nas-bench-graph==1.4.0") from error
    table: dict[int, dict[str, float]] = package.light_read(dataset)
    return ((from_record(key), _metrics(row)) for key, row in table.items())


def _check(link: Sequence[int], ops: Sequence[str]) -> None:
    if (len(link), len(ops)) != (len(_SOURCES), len(_SOURCES)):
        raise ValueError(f"there are {len(link)} links and {len(ops)} ops; give four of each")
    for place, (source, sources) in enumerate(zip(link, _SOURCES, strict=True)):
        if source not in sources:
            raise ValueError(f"link[{place}] is {source!r}; it must be one of {tuple(sources)}, 0 for the input")
    for place, operation in enumerate(ops):
        choice(f"ops[{place}]", operation, OPERATIONS)
    if set(ops) == {SKIP}:
        raise ValueError(f"ops are {tuple(ops)}; give at least one that is not {SKIP!r}")


def _readers(vertex: int, link: Sequence[int], ops: Sequence[str]) -> tuple[_Tree, ...]:
    """The trees that read a vertex, sorted, without idle skips; vertex 0 is the input."""
    children = [child for child, source in enumerate(link, 1) if source == vertex]
    trees = [tree for child in children for tree in _grown(child, link, ops)]
    alone = vertex == 0 or len(trees) == 1
    return tuple(sorted(tree for tree in trees if not (alone and tree == (SKIP, ()))))


def _grown(vertex: int, link: Sequence[int], ops: Sequence[str]) -> tuple[_Tree, ...]:
    """What stands for an operation: its tree, or the trees that read a skip."""
    readers = _readers(vertex, link, ops)
    return readers if readers and ops[vertex - 1] == SKIP else ((ops[vertex - 1], readers),)


def _size(tree: _Tree) -> int:
    return 1 + sum(map(_size, tree[1]))


def _place(trees: Sequence[_Tree], link: list[int], ops: list[str]) -> None:
    """Append trees that read the last operation, each operation before those that read it."""
    source = len(ops)
    for operation, readers in trees:
        link.append(source)
        ops.append(operation)
        _place(readers, link, ops)


def _of_code(code: int) -> Architecture | None:
    """The architecture of a number below the product of the sizes; None if another number has an equivalent one."""
    choices = [int(choice) for choice in np.unravel_index(code, _SIZES)]
    link, ops = tuple(choices[:4]), tuple(OPERATIONS[choice] for choice in choices[4:])
    if set(ops) == {SKIP}:
        return None
    architecture = Architecture(link, ops)
    return architecture if (architecture.link, architecture.ops) == (link, ops) else None


def _of_key(key: int) -> Architecture:
    """Digits of a key: which of nine links, then which operation at each place."""
    digits = f"{key:05d}"
    if len(digits) != 5 or not set(digits) <= set("012345678"):
        raise ValueError(f"the key is {key}; it must have five digits of 0 to 8")
    link, *ops = map(int, digits)
    return Architecture(tuple(map(int, LINKS[link])), tuple(OPERATIONS[choice] for choice in ops))


def _equivalent(architecture: Architecture) -> Iterator[tuple[tuple[int, ...], tuple[str, ...]]]:
    """All links and operations that make the architecture."""
    for ops in dict.fromkeys(permutations(architecture.ops)):
        for link in product(*_SOURCES):
            if Architecture(link, ops) == architecture:
                yield link, ops


def _edits(link: tuple[int, ...], ops: tuple[str, ...]) -> Iterator[tuple[tuple[int, ...], tuple[str, ...]]]:
    """Links and operations that differ in one place."""
    for place, sources in enumerate(_SOURCES):
        for operation in OPERATIONS:
            changed = (*ops[:place], operation, *ops[place + 1 :])
            if set(changed) != {SKIP}:
                yield link, changed
        for source in sources:
            yield (*link[:place], source, *link[place + 1 :]), ops


def _metrics(row: Mapping[str, float]) -> dict[str, float]:
    return {
        "val_accuracy": float(row["valid_perf"]),
        "test_accuracy": float(row["perf"]),
        "latency_ms": 1e3 * float(row["latency"]),
        "params": float(round(1e6 * row["para"])),
    }
