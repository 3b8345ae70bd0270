"""From a model to its operations: constants found, branches taken, functions expanded."""

from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_models import FLOAT, INT64, body, of_nodes, text

from prerank.search_spaces.onnx_file import ModelError
from prerank.search_spaces.onnx_graph import from_record
from prerank.search_spaces.onnx_layers import Layers


def test_dead_operations_are_left_out_and_reshapes_are_free() -> None:
    layers = Layers((1, 8, 8, 8))
    x = layers.relu(layers.images)
    layers.conv(x, 64, 3)
    graph = from_record(layers.model(layers.flat(x)))
    assert [vertex.word for vertex in graph.vertices] == ["input:1x8x8x8", "relu+reshape:1x512"]
    assert (graph.macs, graph.params, graph.activation_bytes) == (0, 0, 2 * 512 * 4)


def test_shapes_computed_from_shapes_are_constants() -> None:
    """The way exporters write a view: the product of two sizes of the input."""
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Shape", ["r"], ["shape"]),
        *(helper.make_node("Gather", ["shape", f"i{place}"], [f"g{place}"]) for place in range(3)),
        helper.make_node("Mul", ["g1", "g2"], ["product"]),
        helper.make_node("Unsqueeze", ["g0", "zero"], ["first"]),
        helper.make_node("Unsqueeze", ["product", "zero"], ["second"]),
        helper.make_node("Concat", ["first", "second"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["r", "wanted"], ["y"]),
    ]
    weights = {f"i{place}": np.array(place) for place in range(3)} | {"zero": np.array([0])}
    model = of_nodes(nodes, {"x": ["batch", 4, "length"]}, weights=weights)
    assert body(model).split() == ["input:1x4x128.open0x2", "relu+reshape:1x512"]
    assert "input:3x4x5.open0x2 relu+reshape:3x20" in text(model, {"batch": 3, "length": 5})
    with pytest.raises(ValueError, match=r"'width'.*\['batch', 'length'\]"):
        from_record(model, {"width": 3})


def test_a_size_that_depends_on_data_is_marked() -> None:
    nodes = [helper.make_node("NonZero", ["x"], ["n"]), helper.make_node("Transpose", ["n"], ["y"])]
    words = body(of_nodes(nodes, {"x": [4, 4]})).split()
    assert words == ["input:4x4", "nonzero:2x1?.i64", "transpose1x0:1x2?.i64"]


def test_branches_and_loops_are_read() -> None:
    def inner(name: str, channels: int) -> Any:
        out = helper.make_tensor_value_info(f"{name}_out", FLOAT, None)
        node = helper.make_node("Conv", ["x", f"w{channels}"], [f"{name}_out"])
        return helper.make_graph([node], name, [], [out])

    weights = {f"w{n}": np.zeros((n, 3, 1, 1), np.float32) for n in (4, 8)}
    branch = helper.make_node("If", ["flag"], ["y"], then_branch=inner("a", 4), else_branch=inner("b", 8))
    model = of_nodes([branch], {"x": [1, 3, 8, 8]}, weights=weights)
    model.graph.input.append(helper.make_tensor_value_info("flag", TensorProto.BOOL, []))
    graph = from_record(model)
    assert graph.macs == 8 * 3 * 64
    assert graph.params == 3 * 12
    assert "{ input:1x3x8x8 conv1x1c4@8 } { input:1x3x8x8 conv1x1c8@8 }" in body(model)


def test_of_a_known_condition_one_branch_counts() -> None:
    def inner(kind: str) -> Any:
        out = helper.make_tensor_value_info(kind, FLOAT, None)
        return helper.make_graph([helper.make_node(kind, ["r"], [kind])], kind, [], [out])

    nodes = [
        helper.make_node("Exp", ["x"], ["r"]),
        helper.make_node("If", ["flag"], ["b"], then_branch=inner("Relu"), else_branch=inner("Tanh")),
        helper.make_node("Sigmoid", ["b"], ["y"]),
    ]
    for flag, kind in ((True, "relu"), (False, "tanh")):
        model = of_nodes(nodes, {"x": [4]}, weights={"flag": np.array(flag)})
        assert body(model).split() == ["input:4", f"exp+{kind}+sigmoid"]


def test_a_loop_counts_its_turns() -> None:
    step = helper.make_graph(
        [helper.make_node("MatMul", ["state", "w"], ["next"]), helper.make_node("Identity", ["go"], ["again"])],
        "step",
        [helper.make_tensor_value_info(name, kind, None) for name, kind in (("turn", INT64), ("go", 9), ("state", 1))],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in (("again", 9), ("next", 1), ("next", 1))],
    )
    node = helper.make_node("Loop", ["count", "", "x"], ["last", "y"], body=step)

    def model(turns: int | None) -> onnx.ModelProto:
        weights = {"count": np.array(turns), "w": np.zeros((16, 16), np.float32)}
        if turns is not None:
            return of_nodes([node], {"x": [2, 16]}, ["y"], weights)
        del weights["count"]
        made = of_nodes([node], {"x": [2, 16]}, ["y"], weights)
        made.graph.input.append(helper.make_tensor_value_info("count", INT64, []))
        return made

    assert from_record(model(5)).macs == 5 * 2 * 16 * 16
    assert body(model(5)) != body(model(6))
    assert "5x2x16.turns5 {" in body(model(5))
    assert "1x2x16?.turns?~2,1 {" in body(model(None))
    assert from_record(model(None)).macs == 2 * 16 * 16


def test_functions_of_the_model_are_expanded_and_other_domains_kept() -> None:
    function = helper.make_function(
        "mine",
        "block",
        ["a", "w"],
        ["c"],
        [helper.make_node("Conv", ["a", "w"], ["b"]), helper.make_node("Relu", ["b"], ["c"])],
        [helper.make_opsetid("", 17)],
    )
    nodes = [
        helper.make_node("block", ["x", "w"], ["v"], domain="mine"),
        helper.make_node("Magic", ["v", "w"], ["y"], domain="other.org", strength=3),
    ]
    model = of_nodes(nodes, {"x": [1, 3, 8, 8]}, weights={"w": np.zeros((4, 3, 1, 1), np.float32)})
    model.opset_import.extend([helper.make_opsetid("mine", 1), helper.make_opsetid("other.org", 1)])
    model.functions.append(function)
    assert body(model).split() == ["input:1x3x8x8", "conv1x1c4@8+relu", "other.org.magic.strength3w4x3x1x1:?"]


def test_an_axis_that_is_spread_counts_in_full() -> None:
    inputs = {"a": [7, 3, 4, 5], "b": [1, 1, 5, 6]}
    model = of_nodes([helper.make_node("Einsum", [*inputs], ["y"], equation="...ij,...jk->...ik")], inputs)
    assert from_record(model).macs == 7 * 3 * 4 * 5 * 6


def test_parameters_are_those_that_are_stored() -> None:
    weights = {"table": np.zeros((50, 8), np.float32), "token": np.zeros((1, 1, 8), np.float32)}
    weights["batch"] = np.array([16, 1, 8])
    nodes = [
        helper.make_node("Gather", ["table", "x"], ["e"]),
        helper.make_node("Expand", ["token", "batch"], ["t"]),
        helper.make_node("Concat", ["t", "e"], ["s"], axis=1),
        helper.make_node("Transpose", ["table"], ["turned"]),
        helper.make_node("MatMul", ["s", "turned"], ["y"]),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.INT64, [16, 4])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [16, 5, 50])]
    stored = [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()]
    model = helper.make_model(helper.make_graph(nodes, "g", inputs, outputs, stored))
    assert from_record(model).params == 50 * 8 + 8


def test_a_call_may_leave_out_an_input_of_its_function() -> None:
    node = helper.make_node("Conv", ["x", "w", "b"], ["y"])
    function = helper.make_function("mine", "F", ["x", "w", "b"], ["y"], [node], [helper.make_opsetid("ai.onnx", 17)])
    weights = {"w": np.zeros((4, 3, 3, 3), np.float32)}
    for read in (["x", "w"], ["x", "w", ""]):
        model = of_nodes([helper.make_node("F", read, ["y"], domain="mine")], {"x": [1, 3, 8, 8]}, weights=weights)
        model.opset_import.append(helper.make_opsetid("mine", 1))
        model.functions.append(function)
        assert from_record(model).macs == 4 * 27 * 36


def test_a_negative_size_is_an_open_axis() -> None:
    assert from_record(of_nodes([helper.make_node("Relu", ["x"], ["y"])], {"x": [-1, 8]})).activation_bytes == 2 * 8 * 4


def test_the_standard_domain_has_two_names() -> None:
    node = helper.make_node("ArgMax", ["x"], ["y"], axis=0, select_last_index=0)
    texts = set[str]()
    for domain in ("", "ai.onnx"):
        node.domain = domain
        texts.add(body(of_nodes([node], {"x": [4, 8]})))
    assert texts == {"input:4x8 argmax:1x8.i64"}


def test_operators_of_another_standard_are_checked() -> None:
    node = helper.make_node("ArrayFeatureExtractor", ["x", "i"], ["y"], domain="ai.onnx.ml")
    model = of_nodes([node], {"x": [1, 8]}, weights={"i": np.array([[1, 2]])}, dtype=TensorProto.UINT8)
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    with pytest.raises(ModelError, match="unsupported type"):
        from_record(model)


def test_a_sparse_constant_is_stored_in_its_type_wherever_it_stands() -> None:
    values = numpy_helper.from_array(np.ones(1, np.float16), "w")
    weight = helper.make_sparse_tensor(values, numpy_helper.from_array(np.zeros((1, 2), np.int64), "i"), [8, 16])
    equal, half = helper.make_node("Equal", ["x", "w"], ["y"]), TensorProto.FLOAT16
    constant = helper.make_node("Constant", [], ["w"], sparse_value=weight)
    inside = of_nodes([constant, equal], {"x": [8, 16]}, dtype=half)
    apart = of_nodes([equal], {"x": [8, 16]}, dtype=half)
    apart.graph.sparse_initializer.append(weight)
    assert body(inside) == body(apart)
    assert body(inside).endswith(".bool.wf16")


@pytest.mark.parametrize(("axis", "shape"), [(0, [20, 1, 16]), (1, [1, 20, 16]), (-2, [1, 20, 16])])
def test_a_scan_runs_along_the_axis_that_it_names(axis: int, shape: list[int]) -> None:
    step = helper.make_node("MatMul", ["s", "w"], ["m"]), helper.make_node("Add", ["m", "i"], ["o"])
    keep = helper.make_node("Identity", ["o"], ["k"])
    values = [helper.make_tensor_value_info(name, FLOAT, [1, 16]) for name in ("s", "i", "o", "k")]
    inner = helper.make_graph([*step, keep], "step", values[:2], values[2:])
    axes: dict[str, Any] = {"scan_input_axes": [axis], "scan_output_axes": [axis]} if axis else {}
    scan = helper.make_node("Scan", ["s0", "xs"], ["last", "y"], num_scan_inputs=1, body=inner, **axes)
    read = {"s0": [1, 16], "xs": shape}
    twice = helper.make_node("Concat", ["y", "y"], ["z"], axis=2)
    model = of_nodes([scan, twice], read, ["last", "z"], weights={"w": np.zeros((16, 16), np.float32)})
    assert from_record(model).macs == 20 * 16 * 16
    assert "turns20" in body(model)
    assert f"concat.axis2:{shape[0]}x{shape[1]}x32" in body(model)
    assert axis or "axes" not in body(model)


def test_zeros_that_are_written_out_are_the_default() -> None:
    step = helper.make_node("Identity", ["i"], ["o"])
    values = [helper.make_tensor_value_info(name, FLOAT, [4]) for name in ("i", "o")]
    inner = helper.make_graph([step], "step", values[:1], values[1:])
    zeros: dict[str, Any] = {"scan_input_axes": [0], "scan_output_axes": [0], "scan_input_directions": [0]}
    plain, told = (
        of_nodes([helper.make_node("Scan", ["x"], ["y"], num_scan_inputs=1, body=inner, **axes)], {"x": [5, 4]})
        for axes in (dict[str, Any](), zeros)
    )
    assert text(plain) == text(told)


def test_what_follows_from_sizes_is_no_weight() -> None:
    nodes = [
        helper.make_node("ConstantOfShape", ["n"], ["ones"]),
        helper.make_node("Trilu", ["ones"], ["mask"]),
        helper.make_node("Add", ["x", "mask"], ["y"]),
    ]
    model = of_nodes(nodes, {"x": [100, 100]}, weights={"n": np.array([100, 100])})
    assert from_record(model).params == 0


def test_weights_that_are_inputs_may_be_shared_by_an_identity() -> None:
    def nodes(bias: str) -> list[Any]:
        same = [helper.make_node("Identity", ["b"], [bias])] if bias != "b" else []
        normed = helper.make_node("BatchNormalization", ["x", "b", bias, "b", bias], ["y"])
        return [*same, normed]

    inputs = {"x": [1, 16, 4, 4], "b": [16]}
    shared = from_record(of_nodes(nodes("b_"), inputs))
    assert shared.params == 16
    assert body(of_nodes(nodes("b_"), inputs)) == body(of_nodes(nodes("b"), inputs)) == "input:1x16x4x4 bn"
    read = of_nodes([*nodes("b_"), helper.make_node("Relu", ["b_"], ["z"])], inputs, ["y", "z"])
    assert "input:16" in body(read)
