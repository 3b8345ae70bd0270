"""Reading an ONNX model that may be broken or hostile: nothing is executed, nothing is read outside its folder.

Weights stay where they are. A model whose weights are in other files is read without these; only constants of a few
elements are fetched from there, since shapes may depend on them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import ModelProto

MOST_BYTES = 2**31 - 1
"""Of a file, which protobuf does not exceed either."""
MOST_NODES = 50_000
"""Of a model, its subgraphs and the functions that it calls included."""
MOST_ELEMENTS = 2**40
"""Of any tensor."""
MOST_KEPT = 2**24
"""Elements of small constants that are kept of a model; those of shapes are some thousand."""
MOST_AXES = 64
_DEEPEST = 64  # brackets inside brackets; the parser of printed text is recursive
_TEXT_SUFFIXES = (".onnxtxt", ".onnxtext", ".txt")
_QUOTED = re.compile(r'"(?:[^"\\]++|\\.)*+\\?"?|#[^\n]*+', re.DOTALL)  # strings and comments of printed text


class ModelError(ValueError):
    """A model that cannot be read: it is broken, too large or reaches outside its folder."""


class UnknownAxisError(ModelError):
    """Sizes of axes that a model does not leave open.

    Args:
        names: Of these axes.
        open_axes: Names of those that it does.
    """

    def __init__(self, names: Sequence[str], open_axes: Sequence[str]) -> None:
        super().__init__(f"sizes names {names[0][:60]!r}; the open axes of the model are {list(open_axes)}")
        self.names, self.open_axes = names, open_axes


def read(record: str | os.PathLike[str] | bytes | ModelProto) -> tuple[ModelProto, Path | None]:
    """A model, and the folder that may hold its weights.

    Args:
        record: A file, its content, a model, or the text that `onnx.printer` writes (a str of several lines).

    Raises:
        ModelError: If it is no model or too large.
        FileNotFoundError: If there is no such file.
    """
    from onnx import ModelProto

    if isinstance(record, ModelProto):
        return record, None
    if isinstance(record, bytes):
        return _parsed(record), None
    if isinstance(record, str) and ("\n" in record or record.lstrip().startswith("<")):
        return _from_text(record), None
    if not isinstance(record, (str, os.PathLike)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ModelError(f"the record is {record!r}; give an .onnx file, its content, a model or its printed text")
    path = Path(record)
    content = _content(path)
    return _from_text(content.decode()) if path.suffix in _TEXT_SUFFIXES else _parsed(content), path.parent


def checked(shape: Sequence[int], of: str) -> tuple[int, ...]:
    """A shape, if it can be one.

    Raises:
        ModelError: If it has a negative size or too many elements.
    """
    if len(shape) > MOST_AXES:
        raise ModelError(f"{of} has {len(shape)} axes; no tensor may have more than {MOST_AXES}")
    if any(size < 0 for size in shape):
        raise ModelError(f"{of} has the shape {tuple(shape)}; a size must not be negative")
    if prod(shape) > MOST_ELEMENTS:
        raise ModelError(f"{of} has the shape {tuple(shape)}; no tensor may have more than {MOST_ELEMENTS} elements")
    return tuple(shape)


def _content(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ModelError(f"{path} is no file; give the .onnx file itself")
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ModelError(f"{path} has {size} bytes, a model at most {MOST_BYTES}; keep its weights in external data")
    return path.read_bytes()


def _parsed(content: bytes) -> ModelProto:
    from google.protobuf.message import DecodeError
    from onnx import ModelProto

    model = ModelProto()
    try:
        model.ParseFromString(content)
    except DecodeError as error:
        raise ModelError(f"{len(content)} bytes beginning {content[:16]!r} are no ONNX model: {error}") from error
    return model


def _from_text(text: str) -> ModelProto:
    from onnx import parser

    depth = 0
    for character in _QUOTED.sub("", text):
        depth += (character in "{([") - (character in "})]")
        if depth > _DEEPEST:
            raise ModelError(f"the printed model has more than {_DEEPEST} brackets inside each other")
    try:
        return parser.parse_model(text)
    except parser.ParseError as error:
        raise ModelError(f"the text beginning {text[:40]!r} is no printed ONNX model: {error}") from error
