"""ONNX models as text: length, totals, what is given, what is asked of them."""

import json
import subprocess
import sys
from importlib.resources import files
from typing import Any

import onnx
import pytest
from effort import calls_of
from onnx import helper
from onnx_models import renamed, text, transformer

from prerank.search_spaces import onnx_graph
from prerank.search_spaces.onnx_graph import from_record, to_text
from prerank.search_spaces.onnx_layers import Layers
from prerank.surrogate.network import CANDIDATE_WORDS
from prerank.surrogate.tokenizer import Tokenizer


def test_resnet_50_is_short_and_its_totals_are_known(resnet: onnx.ModelProto) -> None:
    graph = from_record(resnet)
    words = to_text(graph).split()
    assert calls_of(lambda: to_text(from_record(resnet))) < 500_000
    assert len(words) < 100
    # 25,557,032 parameters with batch normalisation, half of whose 53,120 the biases of the convolutions replace.
    assert graph.params == 25_557_032 - 53_120 // 2
    assert graph.macs == 4_089_184_256
    assert words[0] == "params_m=25.5"


def test_transformer_is_short_and_its_totals_are_known() -> None:
    graph = from_record(transformer(12))
    words = to_text(graph).split()
    assert calls_of(lambda: to_text(from_record(transformer(12)))) < 500_000
    assert len(words) < 100
    assert "11*(" in words or "12*(" in words
    block = 12 * 768**2 * 128 + 2 * 128**2 * 768
    assert graph.macs == 12 * block
    assert graph.params == 30_000 * 768 + 12 * (12 * 768**2 + 13 * 768) + 1


def test_the_packaged_weights_read_a_graph_as_it_is(resnet: onnx.ModelProto) -> None:
    texts = [text(resnet), text(transformer(12))]
    checkpoint = json.loads((files("prerank.surrogate") / "weights" / "checkpoint.json").read_text())
    tokenizer = Tokenizer(json.dumps(checkpoint["tokenizer"]))
    assert not any(tokenizer.exceeds(found, CANDIDATE_WORDS) for found in texts)


def test_peak_is_what_is_alive_at_once() -> None:
    layers = Layers((1, 1, 10, 10))  # 400 bytes a value
    x = layers.images
    for _ in range(4):
        x = layers.max_pool(x, 3)
    graph = from_record(layers.model(layers.add([x, layers.images])))
    assert graph.peak_bytes == 3 * 400
    assert graph.activation_bytes == 6 * 400


def test_file_bytes_model_and_printed_text_are_one(tmp_path: Any) -> None:
    layers = Layers((1, 3, 8, 8))
    model = layers.model(layers.flat(layers.relu(layers.conv(layers.images, 4, 3))))
    path, printed = tmp_path / "model.onnx", onnx.printer.to_text(model)
    path.write_bytes(model.SerializeToString())
    (tmp_path / "model.onnxtxt").write_text(printed)
    records = [model, path, str(path), path.read_bytes(), printed, tmp_path / "model.onnxtxt"]
    assert len({text(record) for record in records}) == 1


def test_a_printed_graph_without_weights_is_read() -> None:
    printed = '<ir_version: 8, opset_import: ["" : 17]> g (float[1,8] x, float[8,4] w) => (float[1,4] y) '
    assert "matmulw" not in text(printed + "{ y = MatMul (x, w) }\n")
    assert from_record(printed + "{ y = MatMul (x, w) }\n").macs == 32


def test_weights_that_were_made_inputs_are_weights() -> None:
    layers = Layers((1, 3, 8, 8))
    model = layers.model(layers.linear(layers.flat(layers.relu(layers.conv(layers.images, 4, 3))), 2))
    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for each in model.graph.initializer:
        bare.graph.input.append(helper.make_tensor_value_info(each.name, each.data_type, each.dims))
    del bare.graph.initializer[:]
    assert text(bare) == text(onnx.printer.to_text(bare)) == text(model)


def test_importing_loads_no_onnx() -> None:
    names = "onnx_graph, onnx_layers, nds, fbnet"
    code = f"import sys; from prerank.search_spaces import {names}; assert 'onnx' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_candidates_are_values(resnet: onnx.ModelProto) -> None:
    first, second = from_record(resnet), from_record(renamed(resnet, 1))
    assert first == second
    assert hash(first) == hash(second)


@pytest.mark.parametrize("metric", ["latency_ms", "memory_bytes", "energy_mj", "params", "macs"])
def test_problems(metric: str) -> None:
    problem = onnx_graph.problem(metric, "raspi4")
    assert problem.direction == "minimize"
    assert problem.metric.split()[0] == metric
    assert problem.context == onnx_graph.problem().context
    assert ("batch=1 raspberry-pi-4" in problem.metric) == (metric not in ("params", "macs"))
    with pytest.raises(ValueError, match="'beauty'"):
        onnx_graph.problem("beauty")


@pytest.mark.parametrize(("record", "sizes"), [(None, {}), (5, {}), (b"", {"N": 2.5}), (b"", {"N": "many"})])
def test_a_wrong_argument_is_not_called_a_broken_model(record: Any, sizes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"the record is|the size of 'N' is") as error:
        onnx_graph.from_record(record, sizes)
    assert "broken" not in str(error.value)


@pytest.mark.parametrize("size", [0, -1, 1.5])
def test_a_size_that_is_none_is_named(size: Any) -> None:
    with pytest.raises(ValueError, match=f"the size of 'n' is {size}"):
        from_record(b"", {"n": size})


def test_a_batch_is_the_size_of_open_first_axes() -> None:
    head = '<ir_version: 8, opset_import: ["": 17]>'
    printed = f"{head}\nnet (float[N, 3, 8] x) => (float[N, 3, 8] y) {{ y = Softmax(x) }}"
    one, many = (from_record(printed, batch=batch) for batch in (1, 5))
    assert many.activation_bytes == 5 * one.activation_bytes
    assert from_record(printed, {"N": 5}) == many == from_record(printed, {"N": 5}, batch=7)
    with pytest.raises(ValueError, match="the batch is 0"):
        from_record(printed, batch=0)


def test_a_path_in_place_of_a_graph_is_named() -> None:
    path: Any = "model.onnx"
    with pytest.raises(TypeError, match=r"'model\.onnx'.*from_record"):
        to_text(path)
