"""Shapes of operators that onnx knows, and of those that ONNX Runtime fuses."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_models import body, of_nodes, text

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
