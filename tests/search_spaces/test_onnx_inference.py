"""Shapes of operators that onnx knows, and of those that ONNX Runtime fuses."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import body, of_nodes, text

from prerank.search_spaces.onnx_file import ModelError
from prerank.search_spaces.onnx_graph import from_record, to_text

LIGHT = Path(onnx.__file__).parent / "backend" / "test" / "data" / "light"


@pytest.mark.skipif(not LIGHT.is_dir(), reason="this onnx comes without its test models")
@pytest.mark.parametrize(
    ("name", "params", "macs"),
    [
        ("bvlc_alexnet", 61.0, 655),
        ("densenet121", 8.0, 2830),
        ("inception_v1", 7.0, 1430),
        ("resnet50", 25.6, 4090),
        ("shufflenet", 1.42, 125),
        ("squeezenet", 1.24, 349),
        ("vgg19", 143.7, 19_600),
    ],
)
def test_models_that_come_with_onnx_have_their_known_sizes(name: str, params: float, macs: float) -> None:
    graph = from_record(LIGHT / f"light_{name}.onnx")
    assert graph.params / 1e6 == pytest.approx(params, rel=0.02)
    assert graph.macs / 1e6 == pytest.approx(macs, rel=0.01)
    assert "?" not in to_text(graph)
    assert len(to_text(graph).split()) < 300


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_every_operator_of_onnx_is_read() -> None:
    """The models that onnx tests its operators with."""
    from onnx.backend.test.case.node import collect_testcases

    models = [case.model for case in collect_testcases(None) if case.model is not None]
    assert len(models) > 1000
    texts = [text(model) for model in models]
    unknown = sum(":?" in found or "?/" in found for found in texts)
    assert unknown < 0.05 * len(models)


def test_weights_that_onnx_runtime_dequantises_are_kept_small() -> None:
    weights = {"w": np.zeros((4, 3, 1, 1), np.int8), "s": np.float32(0.1), "z": np.array(0, np.int8)}
    nodes = [
        helper.make_node("DequantizeLinear", ["w", "s", "z"], ["e"], domain="com.microsoft"),
        helper.make_node("Conv", ["x", "e"], ["y"]),
    ]
    model = of_nodes(nodes, {"x": [1, 3, 8, 8]}, weights=weights)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert "conv1x1c4@8.wi8" in body(model)
    assert from_record(model).weight_bytes == 12


def test_heads_that_share_keys_and_values_all_work() -> None:
    inputs = {"q": [2, 16, 8 * 4], "k": [2, 16, 2 * 4], "v": [2, 16, 2 * 4]}
    node = helper.make_node(
        "GroupQueryAttention", [*inputs], ["y"], domain="com.microsoft", num_heads=8, kv_num_heads=2
    )
    model = of_nodes([node], inputs)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert from_record(model).macs == 2 * (2 * 16 * 16 * 8 * 4)


@pytest.mark.parametrize(
    ("kind", "inputs", "heads", "macs"),
    [
        ("GroupQueryAttention", {"qkv": [2, 16, 48]}, {"num_heads": 8, "kv_num_heads": 2}, 2 * (2 * 16 * 16 * 32)),
        ("MultiHeadAttention", {"qkv": [2, 16, 4, 3, 8]}, {"num_heads": 4}, 2 * (2 * 16 * 16 * 32)),
        ("MultiHeadAttention", {"q": [2, 16, 32], "kv": [2, 9, 4, 2, 8]}, {"num_heads": 4}, 2 * (2 * 16 * 9 * 32)),
    ],
)
def test_packed_queries_keys_and_values_are_told_apart(
    kind: str, inputs: dict[str, list[int]], heads: Any, macs: int
) -> None:
    attention = helper.make_node(kind, [*inputs], ["z"], domain="com.microsoft", **heads)
    project = helper.make_node("MatMul", ["z", "w"], ["y"])
    model = of_nodes([attention, project], inputs, weights={"w": np.zeros((32, 5), np.float32)})
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert from_record(model).macs == macs + 2 * 16 * 32 * 5


def test_an_attention_may_be_narrower_than_what_it_reads() -> None:
    nodes = [
        helper.make_node("Attention", ["x", "w", "b"], ["z"], domain="com.microsoft", num_heads=2),
        helper.make_node("MatMul", ["z", "v"], ["y"]),
    ]
    weights = {"w": np.zeros((32, 3 * 16), np.float32), "b": np.zeros(48, np.float32)}
    weights["v"] = np.zeros((16, 32), np.float32)
    model = of_nodes(nodes, {"x": [1, 8, 32]}, weights=weights)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert from_record(model).macs == 8 * 32 * 48 + 2 * 8 * 8 * 16 + 8 * 16 * 32


def test_the_past_is_compared_with_too() -> None:
    inputs = {"q": [1, 1, 32], "k": [1, 1, 32], "v": [1, 1, 32]}
    past = {"pk": [1, 4, 20, 8], "pv": [1, 4, 20, 8]}
    read = ["q", "k", "v", "", "", "", "pk", "pv"]
    node = helper.make_node("MultiHeadAttention", read, ["y"], domain="com.microsoft", num_heads=4)
    model = of_nodes([node], inputs | past)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    assert from_record(model).macs == 2 * 21 * 32


@pytest.mark.parametrize("turned", [0, 1])
def test_fused_products_exchange_axes_as_onnx_runtime_does(turned: int) -> None:
    runtime = pytest.importorskip("onnxruntime")
    shapes = {"a": [16, 2, 4, 8], "b": [16, 2, 4, 8] if not turned else [5, 2, 4, 16]}
    asked: dict[str, Any] = {"transBatchA": 1, "transA": turned, "transBatchB": 1, "transB": 1}
    node = helper.make_node("FusedMatMul", ["a", "b"], ["y"], domain="com.microsoft", **asked)
    model = of_nodes([node], shapes)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    model.ir_version = 8
    session = runtime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (y,) = session.run(None, {name: np.zeros(shape, np.float32) for name, shape in shapes.items()})
    assert f"matmul:{'x'.join(map(str, y.shape))}" in body(model)
    assert from_record(model).macs == y.size * (16 if turned else 8)


def test_convolutions_in_blocks_of_channels_are_convolutions(tmp_path: Path) -> None:
    nodes = [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1] * 4), helper.make_node("Relu", ["c"], ["r"])]
    nodes.append(helper.make_node("Conv", ["r", "v"], ["y"]))
    weights = {"w": np.zeros((32, 16, 3, 3), np.float32), "v": np.zeros((64, 32, 1, 1), np.float32)}
    model = of_nodes(nodes, {"x": [1, 16, 8, 8]}, weights=weights)
    whole = from_record(model)
    for node in nodes:
        if node.op_type == "Conv":
            node.domain = "com.microsoft.nchwc"
    reorder = helper.make_node("ReorderInput", ["x"], ["x_"], domain="com.microsoft.nchwc")
    nodes[0].input[0], nodes[-1].output[0] = "x_", "y_"
    back = helper.make_node("ReorderOutput", ["y_"], ["y"], domain="com.microsoft.nchwc", channels=60)
    model = of_nodes([reorder, *nodes, back], {"x": [1, 16, 8, 8]}, weights=weights)
    model.opset_import.append(helper.make_opsetid("com.microsoft.nchwc", 1))
    assert from_record(model).macs == whole.macs > 0
    assert "conv3x3c32@8+relu conv1x1c64@8" in body(model)
    assert "1x60x8x8" in body(model)


@pytest.mark.parametrize(
    ("node", "shape", "weight"),
    [
        (helper.make_node("Conv", ["x", "w"], ["y"]), [1, 3, 8, 8], np.zeros((4, 5, 3, 3), np.float32)),
        (helper.make_node("Reshape", ["x", "w"], ["y"]), [128, 32], np.array([12, 4, 8])),
        (helper.make_node("Gemm", ["x", "v", "w"], ["y"]), [2, 4], np.zeros(7, np.float32)),
    ],
)
def test_shapes_that_contradict_each_other_are_refused(node: onnx.NodeProto, shape: list[int], weight: Any) -> None:
    model = of_nodes([node], {"x": shape}, weights={"w": weight, "v": np.zeros((4, 5), np.float32)})
    with pytest.raises(ModelError, match=f"{node.op_type}.*cannot read the shapes"):
        from_record(model)
