"""Reading an ONNX model that may be broken or hostile: nothing is executed, nothing is read outside its folder.

Weights stay where they are. A model whose weights are in other files is read without these; only constants of a few
elements are fetched from there, since shapes may depend on them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .onnx_values import BITS, Value

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, TensorProto

MOST_BYTES = 2**31 - 1
"""Of a file, which protobuf does not exceed either."""
MOST_NODES = 50_000
"""Of a model, its subgraphs and the functions that it calls included."""
MOST_ELEMENTS = 2**40
"""Of any tensor."""
MOST_AXES = 64
SMALL, FEW = 4096, 16
"""Elements up to which a constant is read: of whole numbers, which may be sizes, and of others, which may be scales."""
_WHOLE = (*range(2, 8), 9, 12, 13)  # of onnx.TensorProto.DataType
_DEEPEST = 64  # brackets inside brackets; the parser of printed text is recursive
_TEXT_SUFFIXES = (".onnxtxt", ".onnxtext", ".txt")


class ModelError(ValueError):
    """A model that cannot be read: it is broken, too large or reaches outside its folder."""


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
    path = Path(record)
    content = _content(path)
    return _from_text(content.decode()) if path.suffix in _TEXT_SUFFIXES else _parsed(content), path.parent


def check(model: ModelProto) -> None:
    """Refuse a model without a graph, with too many nodes or with names that are no text.

    Raises:
        ModelError: If it is one.
    """
    if not model.HasField("graph") or not model.graph.output:
        raise ModelError("the model has no graph with an output; is it an ONNX model, and whole?")
    if not model.opset_import:
        raise ModelError("the model imports no operator set; is it whole?")
    count = 0
    for graph in _graphs(model):
        count += len(graph.node)
        if count > MOST_NODES:
            raise ModelError(f"the model has more than {MOST_NODES} nodes; give a part of it")
        for name in _names(graph):
            if isinstance(name, bytes):  # what protobuf makes of broken UTF-8
                raise ModelError(f"the name {name[:40]!r} is no text; is the model whole?")


def as_constant(tensor: TensorProto, folder: Path | None = None) -> Value:
    """A constant of a tensor, with its elements if they are few.

    Raises:
        ModelError: If its shape is absurd, or is not that of its elements, or these are not in the model's folder.
    """
    shape = checked(tuple(tensor.dims), f"the tensor {tensor.name!r}")
    if tensor.data_type not in BITS:
        raise ModelError(f"the tensor {tensor.name!r} is of the unknown type {tensor.data_type}; use a newer onnx")
    value = Value(tensor.data_type, shape, None, True, tensor.data_type)
    external = tensor.data_location == tensor.EXTERNAL
    place = _external(tensor, value.bytes, folder) if external else None
    if not external:
        _check_elements(tensor, value)
    if value.elements <= (SMALL if tensor.data_type in _WHOLE else FEW) and tensor.data_type != tensor.STRING:
        value.data = _from_file(tensor, shape, *place) if place else None if external else _elements(tensor)
    return value


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
    for character in text:
        depth += (character in "{([") - (character in "})]")
        if depth > _DEEPEST:
            raise ModelError(f"the printed model has more than {_DEEPEST} brackets inside each other")
    try:
        return parser.parse_model(text)
    except parser.ParseError as error:
        raise ModelError(f"the text beginning {text[:40]!r} is no printed ONNX model: {error}") from error


def _graphs(model: ModelProto) -> Iterator[Any]:
    """The graph, the functions, and all subgraphs."""
    stack: list[Any] = [model.graph, *model.functions]
    while stack:
        graph: GraphProto = stack.pop()
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                stack += [attribute.g] * attribute.HasField("g") + list(attribute.graphs)


def _names(graph: Any) -> Iterator[str | bytes]:
    """All names in a graph or function, its subgraphs apart."""
    for node in graph.node:
        yield from (node.name, node.domain, node.op_type, node.overload, *node.input, *node.output)
        for attribute in node.attribute:
            yield from (attribute.name, attribute.ref_attr_name)
    yield from [graph.name, getattr(graph, "domain", "")]
    for each in (*graph.input, *graph.output, *graph.value_info):
        if isinstance(each, (str, bytes)):  # of a function
            yield each
        else:
            yield each.name
            yield from (dim.dim_param for dim in each.type.tensor_type.shape.dim)
    for tensor in getattr(graph, "initializer", ()):
        yield from (tensor.name, *(entry.value for entry in tensor.external_data))


def _check_elements(tensor: TensorProto, value: Value) -> None:
    """Refuse elements that are not as many as the shape says; none at all is a weight left out."""
    if tensor.HasField("raw_data"):
        found, expected = len(tensor.raw_data), value.bytes
    else:
        lists = (tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data)
        found = sum(map(len, lists)) + len(tensor.string_data)
        bits = BITS[tensor.data_type]
        complex_type = tensor.data_type in (tensor.COMPLEX64, tensor.COMPLEX128)
        expected = (
            value.elements * 2 if complex_type else -(-value.elements * bits // 8) if bits < 8 else value.elements
        )
    if found not in (0, expected):
        raise ModelError(f"the tensor {tensor.name!r} of shape {value.shape} has {found} entries, not {expected}")


def _elements(tensor: TensorProto) -> NDArray[Any] | None:
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError):  # left out, or in segments
        return None


def _external(tensor: TensorProto, size: int, folder: Path | None) -> tuple[Path, int] | None:
    """Where the elements are, and from which byte on; None if they are not at hand."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location, of = entries.get("location", ""), f"the tensor {tensor.name!r}"
    if not _inside(location):
        raise ModelError(f"{of} is in {location[:200]!r}; it must be in the folder of the model or below")
    offset, length = (
        _whole(entries.get(key, default), of) for key, default in (("offset", "0"), ("length", str(size)))
    )
    if length != size:
        raise ModelError(f"{of} of shape {tuple(tensor.dims)} has {length} bytes in {location!r}, not {size}")
    path = folder / location if folder else None
    if path is None or not path.exists():
        return None
    if not path.resolve().is_relative_to(path.parents[len(Path(location).parts) - 1].resolve()) or not path.is_file():
        raise ModelError(f"{of} is in {location!r}, which leads out of the folder of the model or is no file")
    if offset + length > path.stat().st_size:
        raise ModelError(f"{of} ends at byte {offset + length} of {location!r}, which has {path.stat().st_size}")
    return path, offset


def _inside(location: str) -> bool:
    paths = PurePosixPath(location), PureWindowsPath(location)
    outside = any(path.anchor or ".." in path.parts for path in paths)
    return bool(paths[0].parts) and not outside and "\0" not in location


def _whole(text: str, of: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ModelError(f"{of} names the byte {text[:40]!r} of its file; it must be a whole number")
    return int(text)


def _from_file(tensor: TensorProto, shape: tuple[int, ...], path: Path, offset: int) -> NDArray[Any] | None:
    from onnx import helper

    dtype = helper.tensor_dtype_to_np_dtype(tensor.data_type)
    if BITS[tensor.data_type] != 8 * dtype.itemsize:
        return None  # packed elements decide no shape
    return np.fromfile(path, dtype.newbyteorder("<"), prod(shape), offset=offset).reshape(shape)
