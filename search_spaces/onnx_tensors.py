"""Weights of a model as values: checked, but left where they are, apart from small ones that may decide shapes."""

from __future__ import annotations

from math import prod
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .onnx_file import ModelError, checked
from .onnx_values import BITS, Value

if TYPE_CHECKING:
    from onnx import SparseTensorProto, TensorProto

SMALL, FEW = 4096, 16
"""Elements up to which a constant is read: of whole numbers, which may be sizes, and of others, which may be scales."""
_WHOLE = (*range(2, 8), 9, 12, 13)  # of onnx.TensorProto.DataType


def as_constant(tensor: TensorProto, folder: Path | None) -> Value:
    """A constant of a tensor, with its elements if they are few.

    Raises:
        ModelError: If its shape is absurd, or is not that of its elements, or these are not in the model's folder.
    """
    shape = checked(tuple(tensor.dims), f"the tensor {tensor.name[:60]!r}")
    if tensor.data_type not in BITS:
        raise ModelError(f"the tensor {tensor.name[:60]!r} is of the unknown type {tensor.data_type}; use a newer onnx")
    value = Value(tensor.data_type, shape, None, True, tensor.data_type)
    external = tensor.data_location == tensor.EXTERNAL
    place = _external(tensor, value.bytes, folder) if external else None
    if not external:
        _check_elements(tensor, value)
    if value.elements <= (SMALL if tensor.data_type in _WHOLE else FEW) and tensor.data_type != tensor.STRING:
        value.data = _from_file(tensor, shape, *place) if place else None if external else _elements(tensor)
    return value


def as_sparse_constant(tensor: SparseTensorProto, folder: Path | None) -> Value:
    """A constant of a sparse tensor, whose elements are left where they are.

    Raises:
        ModelError: If its shape is absurd, or the elements or their places are not in the model's folder.
    """
    of = f"the sparse tensor {tensor.values.name[:60]!r}"
    for part in (tensor.values, tensor.indices):
        if part.data_location == part.EXTERNAL:
            _external(part, Value(part.data_type, checked(tuple(part.dims), of)).bytes, folder)
    dtype = tensor.values.data_type
    return Value(dtype, checked(tuple(tensor.dims), of), None, True, dtype)


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
        raise ModelError(f"the tensor {tensor.name[:60]!r} of shape {value.shape} has {found} entries, not {expected}")


def _elements(tensor: TensorProto) -> NDArray[Any] | None:
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(tensor)
    except (ValueError, TypeError):  # left out, or in segments
        return None


def _external(tensor: TensorProto, size: int, folder: Path | None) -> tuple[Path, int] | None:
    """Where the elements are, and from which byte on; None if they are not at hand."""
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location, of = entries.get("location", ""), f"the tensor {tensor.name[:60]!r}"
    if not _inside(location):
        raise ModelError(f"{of} is in {location[:200]!r}; it must be in the folder of the model or below")
    offset, length = (
        _whole(entries.get(key, default), of) for key, default in (("offset", "0"), ("length", str(size)))
    )
    if length != size:
        raise ModelError(f"{of} of shape {tuple(tensor.dims)} has {length} bytes in {location[:60]!r}, not {size}")
    path = folder / location if folder else None
    if path is None or not path.exists():
        return None
    if not path.resolve().is_relative_to(path.parents[len(Path(location).parts) - 1].resolve()) or not path.is_file():
        raise ModelError(f"{of} is in {location[:60]!r}, which leads out of the folder of the model or is no file")
    if offset + length > path.stat().st_size:
        raise ModelError(f"{of} ends at byte {offset + length} of {location[:60]!r}, which has {path.stat().st_size}")
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
