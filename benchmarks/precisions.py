"""Networks in other number formats, as ONNX Runtime's own tools convert them: 8-bit integers and half precision."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import onnx
from onnx import ModelProto
from onnxruntime import InferenceSession
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.transformers.float16 import convert_float_to_float16

from prerank.integrations.onnxruntime_child import fed
from prerank.search_spaces.onnx_operations import LENGTH, SIDE

Convert = Callable[[ModelProto], ModelProto]


class Noise(CalibrationDataReader):
    """One reading of a model's inputs, as they are made up for a measurement."""

    def __init__(self, model: ModelProto) -> None:
        session = InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        self._feeds: Iterator[dict[str, Any]] = iter([fed(session, 1, (SIDE, LENGTH), {})])

    def get_next(self) -> dict[str, Any] | None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """The inputs, once."""
        return next(self._feeds, None)


def around(model: ModelProto) -> ModelProto:
    """Weights and activations in 8 bits: operators in floats between nodes that quantise and dequantise (QDQ)."""
    return _quantised(model, QuantFormat.QDQ, QuantType.QInt8)


def within(model: ModelProto) -> ModelProto:
    """Weights and activations in 8 bits, without a sign for the latter: operators of their own (QLinearConv)."""
    return _quantised(model, QuantFormat.QOperator, QuantType.QUInt8)


def dynamic(model: ModelProto) -> ModelProto:
    """Weights in 8 bits; activations are quantised as they come (ConvInteger, MatMulInteger)."""
    return _through_file(lambda path: quantize_dynamic(deepcopy(model), path))


def half(model: ModelProto) -> ModelProto:
    """All in 16 bits but for inputs and outputs."""
    return convert_float_to_float16(deepcopy(model), keep_io_types=True)


PRECISIONS: Mapping[str, Convert] = {"qdq": around, "qoperator": within, "dynamic": dynamic, "float16": half}
"""Name -> what converts a network of 32-bit floats."""


def _quantised(model: ModelProto, notation: Any, activations: Any) -> ModelProto:
    copied = deepcopy(model)  # the tool moves the weights of what it is given to a file of its own
    return _through_file(
        lambda path: quantize_static(
            copied, path, Noise(copied), quant_format=notation, activation_type=activations, weight_type=QuantType.QInt8
        )
    )


def _through_file(convert: Callable[[Path], Any]) -> ModelProto:
    """What is written to a file; that a model should be preprocessed is known."""
    logging.disable(logging.WARNING)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            convert(path)
            return onnx.load(path)
    finally:
        logging.disable(logging.NOTSET)
