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
        ("Div", [[7, 9], [2, 4]], {}),
        ("Sub", [[7, 9], [2, 4]], {}),
        ("Tile", [[3], [2]], {}),
        ("CumSum", [[3, 2], [0]], {}),
        ("GatherElements", [[3, 2], [1, 0]], {}),
        ("ScatterElements", [[3, 2], [1], [7]], {}),
        ("Pad", [[3, 2], [1, 0], None], {}),
        ("Slice", [[3, 2, 5, 7], [-1], [-9], [0], [-2]], {}),
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


def test_an_operator_of_another_domain_is_another_one() -> None:
    made = model("Add", [[2, 5], [3, 1]])
    made.graph.node[0].domain = "mine"
    made.opset_import.append(helper.make_opsetid("mine", 1))
    assert "expand:5x6" not in onnx_graph.to_text(onnx_graph.from_record(made))


def test_pads_that_are_put_in_order_are_read() -> None:
    """As PyTorch writes them: the first axis last, each with both of its ends."""
    numbers = {
        "given": [0, 1, 2, 3, 0, 0, 0, 0],
        "pairs": [-1, 2],
        "start": [-1],
        "end": [-99],
        "axis": [0],
        "flat": [-1],
    }
    stored = [numpy_helper.from_array(np.array(own, np.int64), name) for name, own in numbers.items()]
    nodes = [
        helper.make_node("Reshape", ["given", "pairs"], ["a"]),
        helper.make_node("Slice", ["a", "start", "end", "axis", "start"], ["b"]),
        helper.make_node("Transpose", ["b"], ["c"], perm=[1, 0]),
        helper.make_node("Reshape", ["c", "flat"], ["d"]),
        helper.make_node("Cast", ["d"], ["pads"], to=TensorProto.INT64),
        helper.make_node("Pad", ["x", "pads"], ["y"]),
    ]
    x, y = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in (("x", [1, 2, 8, 8]), ("y", None))
    )
    graph = helper.make_graph(nodes, "g", [x], [y], stored)
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert onnx_graph.to_text(onnx_graph.from_record(made)).endswith("pad:1x2x13x9")


def test_a_size_that_follows_from_a_guessed_one_is_no_contradiction() -> None:
    printed = """<ir_version: 8, opset_import: ["" : 17]> f (float[1,2,8,8] x, int64[8] pads) => (float[n] y) {
        ends = Constant<value = int64[8] {0, 0, -2, -2, 0, 0, -2, -2}>()
        z = Pad(x, pads)
        y = Pad(z, ends)
    }"""
    assert "?" in onnx_graph.to_text(onnx_graph.from_record(printed))
