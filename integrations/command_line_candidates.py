"""What the command line is given to compare: ONNX files, candidates of a space, or lines of text.

An entry is a candidate with the name under which it is printed: the path of a file, else JSON of its fields, which
`listed` reads again as it does the record formats of the space.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from inspect import signature
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from ..search_spaces.onnx_file import UnknownAxisError
from ..search_spaces.onnx_vertices import Graph
from .command_line_spaces import SpaceModule, drawn_from
from .onnxruntime_conditions import USUAL, Conditions

if TYPE_CHECKING:
    from pydantic import TypeAdapter

DRAWN = 1000
"""Candidates that are drawn from a space unless told otherwise."""


class Entry(NamedTuple):
    """A candidate: its name as JSON, its text, and itself."""

    name: Any
    text: str
    candidate: Any

    @property
    def title(self) -> str:
        """What people read."""
        return titled(self.name, self.text)


class Broken(NamedTuple):
    """An input that could not be read, and why."""

    name: str
    reason: str


Gathered = tuple[list[Entry], list[Broken]]
_INPUT = re.compile(r"input:(?P<first>\d+)(?P<open>\S*?\.open0(?!\d))?")  # first axis; see `onnx_words`
_NOTHING: Mapping[str, Any] = MappingProxyType({})


def titled(name: Any, text: str) -> str:
    """What people read of a candidate: a path, or the text."""
    return name if isinstance(name, str) else text


def gathered(
    sources: Sequence[str],
    space: SpaceModule | None,
    file: Path | None,
    n: int | None,
    seed: int,
    run: Conditions = USUAL,
    where: Mapping[str, str] = _NOTHING,
) -> Gathered:
    """The candidates.

    Args:
        sources: ONNX files, folders of them, or a space.
        space: What `chosen` makes of them; None: the lines of the file are texts.
        file: File with a candidate a line, ``-`` for the standard input; None: the files, draws from the space, or
            the standard input where there is neither.
        n: How many are drawn at random; None: `DRAWN` of a space, else all there are.
        seed: Of the draws.
        run: Sizes of open axes of the files, the batch that they take.
        where: More of the question, which may say what is drawn and what a record means, as in ``space=enas``.

    Raises:
        ValueError: If nothing can be drawn of what is asked, a list is given beside ONNX files, or sizes beside others.
    """
    if run.sizes and (space is None or drawn_from(space)):
        name, size = min(run.sizes.items())
        raise ValueError(f"--size {name}={size} is that of an axis of ONNX files; leave it out here")
    if file is not None and space is not None and not drawn_from(space):
        raise ValueError(f"--candidates {file} lists candidates of a space; name ONNX files as arguments, without it")
    if file is None and space is not None and drawn_from(space):
        return sampled(space, DRAWN if n is None else n, seed, where), []
    if file is not None or space is None:
        entries, broken = listed(file or Path("-"), space, where)
        if not entries and not broken:
            raise ValueError(f"--candidates {file or '-'} has no candidates; write one a line")
    else:
        entries, broken = models(sources, space, run)
    if n is None or n >= len(entries):
        return entries, broken
    return [entries[row] for row in sorted(np.random.default_rng(seed).permutation(len(entries))[:n])], broken


def sizes_of(texts: Iterable[str]) -> dict[str, int]:
    """Sizes of open axes, as in ``sequence=64``.

    Raises:
        ValueError: If one is none, or says again what another one says.
    """
    found: dict[str, int] = {}
    for text in texts:
        name, _, size = text.rpartition("=")
        if not name or not size.isdigit() or int(size) < 1:
            raise ValueError(f"size {text!r} is no size of an axis; write it as in sequence=64")
        if found.setdefault(name, int(size)) != int(size):
            raise ValueError(f"{name} is {found[name]} and {size} in --size; give one of them")
    return found


def sampled(space: SpaceModule, n: int, seed: int, where: Mapping[str, str] = _NOTHING) -> list[Entry]:
    """Candidates drawn from a space."""
    found = space.sample(np.random.default_rng(seed), n, **_understood(space.sample, where))
    return [Entry(_written(each), space.to_text(each), each) for each in found]


def listed(file: Path, space: SpaceModule | None, where: Mapping[str, str] = _NOTHING) -> Gathered:
    """Candidates of the lines of a file: records of the space, JSON or plain; without a space, the texts themselves.

    Of a line of a table (see `surrogate.measured`) it is the candidate.

    Raises:
        ValueError: If they should come from the standard input, which is a keyboard.
    """
    if str(file) == "-" and sys.stdin.isatty():
        raise ValueError("there are no candidates; give --candidates FILE, or pipe one a line in")
    content = _decoded(sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes(), file)
    numbered = enumerate(map(str.strip, _lines(content)), start=1)
    named = ((f"{file}, line {number}", line) for number, line in numbered if line)
    return _read(named, lambda line: _own(line) if space is None else _entry(line, space, where))


def _decoded(content: bytes, file: Path) -> str:
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ValueError(f"--candidates {file}, line {line} is no text in UTF-8: {error}") from error


def _lines(content: str) -> list[str]:
    """Candidates one by one: of an array that ``--json`` printed, else lines; a text may hold other ends of lines.

    What tools like jq make of such an array, with spaces and ends of lines, is one too.

    Raises:
        ValueError: If the lines together are another array, whose lines would be taken for candidates.
    """
    lines = content.split("\n")
    if not content.lstrip().startswith("["):
        return lines
    try:
        candidates = [entry["candidate"] for entry in json.loads(content)]
    except (ValueError, RecursionError):
        return lines
    except (KeyError, TypeError) as error:
        if "\n" not in content.strip():
            return lines
        raise ValueError("--candidates is one JSON array; write a candidate a line, as jq -c '.[]' does") from error
    return [own if isinstance(own, str) else json.dumps(own) for own in candidates]


def models(sources: Sequence[str], space: SpaceModule, run: Conditions) -> Gathered:
    """Candidates of ONNX files, and of the folders that hold some.

    Raises:
        ValueError: If a folder holds none, or no model has an axis whose size is given.
    """
    paths = dict.fromkeys(path for source in sources for path in _files(Path(source)))
    unused, others = set(run.sizes), set[str]()

    def read(path: str) -> Entry:
        graph, absent = _graph(Path(path), space, run)
        unused.intersection_update(absent.names if absent else ())
        others.update(absent.open_axes if absent else ())
        return Entry(path, space.to_text(graph), graph)

    found = _read(((path, path) for path in paths), read)
    if unused and found[0]:
        known = f"theirs are {sorted(others)}" if others else "all their sizes are fixed"
        raise ValueError(f"no model that can be read has the open axis {min(unused)!r}; {known}")
    return found


def refuses(candidate: Any, batch: int) -> bool:
    """Whether a candidate is a model none of whose inputs has an open first axis, or one of this size.

    Of inputs without a shape, or that the text lacks since nothing is done with them, it cannot be told.
    """
    if not isinstance(candidate, Graph):
        return False
    inputs = [_INPUT.match(vertex.word) for vertex in candidate.vertices if vertex.kind == "input"]
    return bool(inputs) and all(found and not found["open"] and int(found["first"]) != batch for found in inputs)


def _graph(path: Path, space: SpaceModule, run: Conditions) -> tuple[Any, UnknownAxisError | None]:
    """A model as it is run, with the sizes that concern it, and which do not."""
    try:
        return space.from_record(path, run.sizes, batch=run.batch), None
    except UnknownAxisError as absent:
        known = {name: size for name, size in run.sizes.items() if name not in absent.names}
        return space.from_record(path, known, batch=run.batch), absent


def _read(named: Iterable[tuple[str, str]], read: Callable[[str], Entry]) -> Gathered:
    """What can be read of some inputs, and what cannot."""
    entries: list[Entry] = []
    broken: list[Broken] = []
    for name, content in named:
        try:
            entries.append(read(content))
        except (ValueError, OSError) as error:
            broken.append(Broken(name, str(error)))
        except Exception as error:  # whatever else one input breaks, the others are read
            broken.append(Broken(name, repr(error)))
    return entries, broken


def _files(source: Path) -> list[str]:
    """A file, or the models in a folder."""
    inside = (path for path in source.rglob("*") if path.suffix.lower() == ".onnx")
    found = sorted(map(str, inside)) if source.is_dir() else [str(source)]
    if not found:
        raise ValueError(f"there is no .onnx file in the folder {str(source)!r}")
    return found


def _entry(line: str, space: SpaceModule, where: Mapping[str, str]) -> Entry:
    try:
        candidate = _candidate(_parsed(line), space, where)
    except (TypeError, AttributeError, KeyError) as error:
        said = f"{line[:80]!r} is no record of the space ({error})"
        raise ValueError(f"{said}; write it as --json prints it") from error
    return Entry(_written(candidate), space.to_text(candidate), candidate)


def _own(line: str) -> Entry:
    """A candidate of the user's own: a text, which a line of a table may have with others."""
    record = _parsed(line)
    told = cast("Mapping[str, Any]", record).get("candidate") if isinstance(record, dict) else None
    text = told if isinstance(told, str) else line
    return Entry(text, text, text)


def _candidate(record: Any, space: SpaceModule, where: Mapping[str, str]) -> Any:
    """A candidate of its fields, or of a record as the space has them."""
    from pydantic import ValidationError

    if isinstance(record, dict):
        try:
            return _adapter(_drawn_type(space)).validate_python(record)
        except ValidationError:
            pass
    return space.from_record(record, **_understood(space.from_record, where))


def _understood(function: Callable[..., Any], where: Mapping[str, str]) -> Mapping[str, str]:
    """Those parts of a question that a function takes."""
    return {name: value for name, value in where.items() if name in signature(function).parameters}


def _written(candidate: Any) -> Any:
    """A candidate as JSON."""
    return _adapter(_type(candidate)).dump_python(candidate, mode="json")


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    """What reads and writes a type, made once: that takes longer than to read a candidate."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


@cache
def _drawn_type(space: SpaceModule) -> type[Any]:
    """The type of a space's candidates."""
    return _type(space.sample(np.random.default_rng(0), 1)[0])


def _type(candidate: Any) -> type[Any]:
    return cast("type[Any]", type(candidate))


def _parsed(line: str) -> Any:
    """A mapping or a text in JSON, else the line itself."""
    try:
        found: Any = json.loads(line)
    except ValueError:
        return line
    return found if line[0] in '{"' else line
