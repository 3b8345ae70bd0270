"""Models that are broken or hostile: refused with a reason and soon; nothing is read outside their folder."""

import os
import random
import tracemalloc
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from effort import calls_of
from google.protobuf.message import DecodeError
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from prerank.search_spaces import onnx_graph
from prerank.search_spaces.onnx_file import MOST_KEPT, MOST_NODES, ModelError
from prerank.search_spaces.onnx_graph import from_record, to_text
from prerank.search_spaces.onnx_layers import Layers

FLOAT = TensorProto.FLOAT


def small() -> onnx.ModelProto:
    layers = Layers((1, 3, 8, 8))
    x = layers.max_pool(layers.relu(layers.conv(layers.images, 4, 3)), 3)
    return layers.model(layers.linear(layers.flat(x), 2))


CONTENT = small().SerializeToString()


def of_nodes(nodes: list[Any], weights: list[Any] | None = None, shape: Any = (4,), output: str = "y") -> Any:
    ends = [helper.make_tensor_value_info("x", FLOAT, shape), helper.make_tensor_value_info(output, FLOAT, None)]
    graph = helper.make_graph(nodes, "hostile", ends[:1], ends[1:], weights or [])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])


def chain(count: int, kind: str = "Relu") -> onnx.ModelProto:
    names = ["x", *(f"v{place}" for place in range(count - 1)), "y"]
    return of_nodes([helper.make_node(kind, [a], [b]) for a, b in pairwise(names)])


def doubling(count: int) -> onnx.ModelProto:
    names = ["x", *(f"v{place}" for place in range(count - 1)), "y"]
    return of_nodes([helper.make_node("Concat", [a, a], [b], axis=0) for a, b in pairwise(names)])


def bomb() -> onnx.ModelProto:
    """Functions that each call the next one ten times."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    relu = helper.make_node("Relu", ["a"], ["b"])
    functions = [helper.make_function("f", "f20", ["a"], ["b"], [relu], opsets)]
    for level in range(20):
        calls = [helper.make_node(f"f{level + 1}", ["a"], [f"c{place}"], domain="f") for place in range(10)]
        functions.append(helper.make_function("f", f"f{level}", ["a"], ["b"], [*calls, relu], opsets))
    model = of_nodes([helper.make_node("f0", ["x"], ["y"], domain="f")])
    model.opset_import.append(opsets[1])
    model.functions.extend(functions)
    return model


def recursive() -> onnx.ModelProto:
    model = of_nodes([helper.make_node("f", ["x"], ["y"], domain="f")])
    opsets = [helper.make_opsetid("f", 1)]
    model.opset_import.extend(opsets)
    node = helper.make_node("f", ["a"], ["b"], domain="f")
    model.functions.append(helper.make_function("f", "f", ["a"], ["b"], [node], opsets))
    return model


def with_weight(**fields: Any) -> onnx.ModelProto:
    tensor = TensorProto(name="w", data_type=FLOAT, **fields)
    return of_nodes([helper.make_node("MatMul", ["x", "w"], ["y"])], [tensor], (1, 4))


def external(location: str, offset: str = "0", length: str | None = None) -> onnx.ModelProto:
    model = with_weight(dims=[4, 2])
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    entries = {"location": location, "offset": offset, "length": "32" if length is None else length}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)
    return model


def calls() -> onnx.ModelProto:
    """Calls of a function whose node reads many values."""
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("f", 1)]
    node = helper.make_node("Sum", ["a"] * 10**4, ["b"])
    names = ["x", *(f"v{place}" for place in range(999)), "y"]
    model = of_nodes([helper.make_node("f", [a], [b], domain="f") for a, b in pairwise(names)])
    model.opset_import.append(opsets[1])
    model.functions.append(helper.make_function("f", "f", ["a"], ["b"], [node], opsets))
    return model


def shapes(count: int) -> onnx.ModelProto:
    """Constants that may be shapes, as long as they may be."""
    weights = [numpy_helper.from_array(np.zeros(4096, np.int8), f"w{number}") for number in range(count)]
    return of_nodes([helper.make_node("Relu", ["x"], ["y"])], weights)


def sparse(outside: str) -> onnx.ModelProto:
    """A sparse weight a part of which is in another folder."""
    values = numpy_helper.from_array(np.ones(1, np.float32), "w")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "places")
    part = {"values": values, "indices": indices}[outside]
    part.ClearField("raw_data")
    part.data_location = TensorProto.EXTERNAL
    part.external_data.add(key="location", value="../secret.bin")
    model = of_nodes([helper.make_node("MatMul", ["x", "w"], ["y"])], shape=(1, 4))
    model.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [4, 2]))
    return model


HOSTILE: dict[str, tuple[Callable[[], Any], str]] = {
    "nothing": (lambda: b"", "no graph"),
    "no model": (lambda: b"PK\x03\x04 something else", "no ONNX model"),
    "no text": (lambda: "<\nnothing", "no printed ONNX model"),
    "deep text": (lambda: "<" + "(" * 10**6 + "\n", "brackets"),
    "cut": (lambda: CONTENT[: len(CONTENT) // 2], "no ONNX model"),
    "cut after the graph": (lambda: small_without("opset_import"), "operator set"),
    "no output": (lambda: of_nodes([], output="z"), "'z', which nothing makes"),
    "cycle": (
        lambda: of_nodes([helper.make_node("Add", ["x", "y"], ["a"]), helper.make_node("Relu", ["a"], ["y"])]),
        "cycle through",
    ),
    "itself": (lambda: of_nodes([helper.make_node("Relu", ["y"], ["y"])]), "cycle"),
    "made twice": (lambda: of_nodes([helper.make_node("Relu", ["x"], ["y"])] * 2), "'y' is made twice"),
    "missing": (lambda: of_nodes([helper.make_node("Relu", ["nowhere"], ["y"])]), "'nowhere', which nothing makes"),
    "1e5 nodes": (lambda: chain(10**5), f"more than {MOST_NODES} nodes"),
    "doubling": (lambda: doubling(60), "elements"),
    "function bomb": (bomb, "nodes"),
    "recursive function": (recursive, "'f' calls itself"),
    "negative size": (lambda: of_nodes([helper.make_node("Relu", ["x"], ["y"])], shape=(-4, 3)), "negative"),
    "absurd input": (lambda: of_nodes([helper.make_node("Relu", ["x"], ["y"])], shape=(2**40, 2**40)), "elements"),
    "absurd rank": (lambda: of_nodes([helper.make_node("Relu", ["x"], ["y"])], shape=(1,) * 1000), "1000 axes"),
    "absurd weight": (lambda: with_weight(dims=[2**33, 2**33]), "elements"),
    "negative weight": (lambda: with_weight(dims=[-1, 4]), "negative"),
    "too few elements": (lambda: with_weight(dims=[4, 2], raw_data=b"1234"), "4 entries, not 32"),
    "unknown type": (lambda: of_nodes([], [TensorProto(name="y", data_type=99, dims=[1])]), "type 99"),
    "no operator": (lambda: of_nodes([helper.make_node("Conv", ["x"], ["y"])]), "Conv"),
    "other shapes": (lambda: with_weight(dims=[5, 2]), r"\(1, 4\), \(5, 2\)"),
    "absolute": (lambda: external("/etc/passwd"), "folder of the model"),
    "windows": (lambda: external("C:\\secret"), "folder of the model"),
    "parent": (lambda: external("a/../../secret"), "folder of the model"),
    "windows parent": (lambda: external("..\\secret"), "folder of the model"),
    "nowhere": (lambda: external(""), "folder of the model"),
    "huge length": (lambda: external("w.bin", length=str(10**15)), "bytes"),
    "no offset": (lambda: external("w.bin", offset="-1"), "'-1'"),
    "many inputs": (lambda: of_nodes([helper.make_node("Sum", ["x"] * 10**6, ["y"])]), f"more than {MOST_NODES} nodes"),
    "many inputs of functions": (calls, "with all the functions"),
    "brackets after closing ones in a string": (lambda: '<\n"' + ")" * 10**6 + '"' + "(" * 10**6, "brackets"),
    "brackets after closing ones in a comment": (lambda: "<#" + ")" * 10**6 + "\n" + "(" * 10**6, "brackets"),
    "one shape, many times": (lambda: shapes(5000), f"more than {MOST_KEPT} elements"),
    "sparse values outside": (lambda: sparse("values"), "folder of the model"),
    "sparse places outside": (lambda: sparse("indices"), "folder of the model"),
    "long offset": (lambda: external("w.bin", offset="9" * 5000), "whole number"),
}


def small_without(field: str) -> bytes:
    model = small()
    model.ClearField(field)
    return model.SerializeToString()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models_are_refused_soon_and_with_a_reason(name: str) -> None:
    make, reason = HOSTILE[name]
    record = make()

    def refused() -> None:
        with pytest.raises(ModelError, match=reason) as raised:
            from_record(record)
        assert len(str(raised.value)) < 1000

    assert calls_of(refused) < 1_000_000


@given(seed=st.integers(0, 2**32))
@settings(max_examples=150, deadline=None)
def test_whatever_the_bytes_there_is_a_text_or_a_reason(seed: int) -> None:
    rng = random.Random(seed)
    content = bytearray(CONTENT)
    for _ in range(rng.choice([1, 1, 2, 8])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    content = content[: rng.choice([len(content), len(content), rng.randrange(len(content))])]
    try:
        assert to_text(from_record(bytes(content)))
    except ModelError as error:
        assert str(error)


def reading(model: onnx.ModelProto) -> int:
    return calls_of(lambda: to_text(from_record(model)))


def test_of_many_nodes_each_is_little_work() -> None:
    assert len(to_text(from_record(chain(8000))).split()) < 60
    assert reading(chain(8000)) < 8 * reading(chain(2000))


def test_of_many_edges_each_is_little_work() -> None:
    def wide(count: int) -> onnx.ModelProto:
        names = ["x", *(f"v{place}" for place in range(count - 1)), "y"]
        return of_nodes([helper.make_node("Sum", [a] * 500, [b]) for a, b in pairwise(names)])

    assert reading(wide(200)) < 8 * reading(wide(50))


def test_a_range_beyond_64_bits_is_not_made() -> None:
    ends = {"first": -(2**63), "last": 2**63 - 1, "step": 2**38}
    weights = [numpy_helper.from_array(np.array(number), name) for name, number in ends.items()]
    nodes = [helper.make_node("Range", [*ends], ["r"]), helper.make_node("Relu", ["x"], ["y"])]
    tracemalloc.start()
    try:
        assert "relu" in to_text(from_record(of_nodes(nodes, weights)))
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_brackets_in_strings_and_comments_are_text() -> None:
    printed, expected = onnx.printer.to_text(small()), to_text(from_record(small()))
    doc = f'doc_string: "{"(" * 100} \\" {"[" * 100}", # {"(" * 100}\n'
    assert to_text(from_record(printed.replace("<", f"<{doc}", 1))) == expected


@pytest.mark.parametrize("error", [IndexError, KeyError, TypeError, MemoryError, ZeroDivisionError, DecodeError])
def test_whatever_reading_raises_is_the_models_fault(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise error("found something odd")

    monkeypatch.setattr(onnx_graph, "check", fail)
    with pytest.raises(ModelError, match=f"{error.__name__}.*something odd"):
        from_record(small())


def test_deep_subgraphs_are_refused_or_read() -> None:
    node = helper.make_node("Relu", ["x"], ["y"])
    for _ in range(30):
        branch = helper.make_graph([node], "branch", [], [helper.make_tensor_value_info("y", FLOAT, [4])])
        node = helper.make_node("If", ["x"], ["y"], then_branch=branch)
    try:
        assert to_text(from_record(of_nodes([node])))
    except ModelError as error:
        assert str(error)


def written(folder: Path, model: onnx.ModelProto) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_weights_in_other_files_are_not_needed(tmp_path: Path) -> None:
    graph = from_record(written(tmp_path, external("w.bin")))
    assert (graph.params, graph.macs) == (8, 8)
    (tmp_path / "w.bin").write_bytes(bytes(32))
    assert from_record(tmp_path / "model.onnx") == graph


def test_a_file_that_is_too_short_for_its_weights_is_named(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(31))
    with pytest.raises(ModelError, match=r"'w.bin', which has 31"):
        from_record(written(tmp_path, external("w.bin")))


def test_one_shape_in_another_file_is_not_kept_many_times(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(bytes(8 * 4096))
    model = shapes(5000)
    for weight in model.graph.initializer:
        weight.ClearField("raw_data")
        weight.data_type, weight.data_location = TensorProto.INT64, TensorProto.EXTERNAL
        weight.external_data.add(key="location", value="w.bin")
    with pytest.raises(ModelError, match=f"more than {MOST_KEPT} elements"):
        from_record(written(tmp_path, model))


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(32))
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "w.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(ModelError, match="leads out of the folder"):
        from_record(written(folder, external("w.bin")))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "w.bin")
    with pytest.raises(ModelError, match="is no file"):
        from_record(written(tmp_path, external("w.bin")))
    with pytest.raises(ModelError, match="no file"):
        from_record(tmp_path / "w.bin")


def test_a_shape_kept_in_another_file_is_read_from_there(tmp_path: Path) -> None:
    shape = numpy_helper.from_array(np.array([2, 2]), "w")
    model = of_nodes([helper.make_node("Reshape", ["x", "w"], ["y"])], [shape])
    onnx.save_model(model, tmp_path / "model.onnx", save_as_external_data=True, location="sub.bin", size_threshold=0)
    assert len((tmp_path / "sub.bin").read_bytes()) >= 16
    assert "reshape:2x2" in to_text(from_record(tmp_path / "model.onnx"))


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nowhere\.onnx"):
        from_record(tmp_path / "nowhere.onnx")
    with pytest.raises(ModelError, match="no file"):
        from_record(tmp_path)


def test_a_file_beyond_protobuf_is_not_even_opened(tmp_path: Path) -> None:
    with (tmp_path / "huge.onnx").open("wb") as file:
        file.truncate(2**31)  # sparse: takes no space
    with pytest.raises(ModelError, match=str(2**31)):
        from_record(tmp_path / "huge.onnx")
