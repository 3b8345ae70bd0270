"""Small constants come out as ONNX Runtime computes them."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from prerank.search_spaces import onnx_graph


def model(kind: str, constants: list[list[int] | None], **attributes: Any) -> Any:
    """An image of one pixel that is expanded to a shape which is computed from constants."""
    numbers = [np.array(own, dtype=np.int64) for own in constants if own is not None]
    names = iter([f"c{place}" for place in range(len(numbers))])
    nodes = [
        helper.make_node(kind, [next(names) if own is not None else "" for own in constants], ["shape"], **attributes),
        helper.make_node("Expand", ["x", "shape"], ["y"]),
    ]
    stored = [numpy_helper.from_array(own, f"c{place}") for place, own in enumerate(numbers)]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in (("x", [1, 1]), ("y", None))
    )
    graph = helper.make_graph(nodes, "g", [x], [y], stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.mark.parametrize(
    ("kind", "constants", "attributes"),
    [
        ("Max", [[2, 5], [3, 1], [7, 2]], {}),
        ("Min", [[9, 8], [8, 9], [3, 3]], {}),
        ("Max", [[2, 5]], {}),
        ("Mod", [[-7, 5], [5, 4]], {}),
        ("Mod", [[7, 5], [-5, 4]], {"fmod": 1}),
        ("Add", [[2, 5], [3, 1]], {}),
    ],
)
def test_shapes_follow_from_constants(kind: str, constants: list[list[int] | None], attributes: dict[str, Any]) -> None:
    made = model(kind, constants, **attributes)
    session: Any = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {"x": np.zeros((1, 1), np.float32)})
    assert "expand:" + "x".join(map(str, y.shape)) in onnx_graph.to_text(onnx_graph.from_record(made))


def test_an_input_that_is_left_out_moves_no_other() -> None:
    sliced = model("Slice", [[2, 3, 4, 5], [0], [4], None, [2]])  # the last one is a step, not an axis
    assert "expand:3x3" not in onnx_graph.to_text(onnx_graph.from_record(sliced))
