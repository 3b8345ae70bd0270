"""Texts do not depend on names, nor on the order of a file."""

import random

import numpy as np
import onnx
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from onnx_models import of_nodes, renamed, text, transformer

from prerank.search_spaces.onnx_graph import from_record, to_text
from prerank.search_spaces.onnx_layers import Layers


@st.composite
def networks(draw: st.DrawFn) -> onnx.ModelProto:
    """Networks of convolutions, pools, sums and joins of whatever came before."""
    layers = Layers((1, 4, 8, 8), draw(st.integers(0, 9)))
    values = [layers.images]
    for _ in range(draw(st.integers(1, 10))):
        x, y = (values[draw(st.integers(0, len(values) - 1))] for _ in range(2))
        kind = draw(st.sampled_from(["conv", "pool", "relu", "add", "concat"]))
        if kind == "conv":
            values.append(layers.conv(x, draw(st.sampled_from([4, 8])), draw(st.sampled_from([1, 3]))))
        elif kind == "pool":
            values.append(layers.max_pool(x, 3))
        elif kind == "relu":
            values.append(layers.relu(x))
        elif kind == "add" and x.shape == y.shape:
            values.append(layers.add([x, y]))
        else:
            values.append(layers.concat([x, y]))
    return layers.model(values[-1])


@given(model=networks(), seed=st.integers(0, 2**32))
@settings(max_examples=60, deadline=None)
def test_names_and_order_do_not_matter(model: onnx.ModelProto, seed: int) -> None:
    assert text(renamed(model, seed)) == text(model)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_names_and_order_do_not_matter_in_a_transformer(seed: int) -> None:
    model = transformer(2, 16, 8, 2, 10)
    assert text(renamed(model, seed)) == text(model)


@given(model=networks(), seed=st.integers(0, 2**32))
@settings(max_examples=30, deadline=None)
def test_operands_that_commute_may_be_exchanged(model: onnx.ModelProto, seed: int) -> None:
    rng, copy = random.Random(seed), onnx.ModelProto()
    copy.CopyFrom(model)
    for node in copy.graph.node:
        if node.op_type == "Add" and rng.random() < 0.5:
            node.input[:] = node.input[::-1]
    assert text(copy) == text(model)


def test_outputs_in_another_order_are_the_same_work() -> None:
    def two(turned: bool) -> onnx.ModelProto:
        nodes = [helper.make_node("Relu", ["x"], ["a"]), helper.make_node("Tanh", ["a"], ["b"])]
        return of_nodes(nodes, {"x": [4]}, ["b", "a"] if turned else ["a", "b"])

    assert text(two(False)) == text(two(True))


def test_a_residual_block_reads_the_same_whichever_operand_is_first() -> None:
    def block(turned: bool) -> onnx.ModelProto:
        layers = Layers((1, 8, 8, 8))
        pair = [layers.conv(layers.images, 8, 3), layers.images]
        return layers.model(layers.add(pair[::-1] if turned else pair))

    assert text(block(False)) == text(block(True))


def test_a_random_order_keeps_the_words_and_the_totals(resnet: onnx.ModelProto) -> None:
    graph = from_record(resnet)
    texts = {to_text(graph, np.random.default_rng(seed)) for seed in range(8)}
    assert len(texts) > 1
    assert to_text(graph, np.random.default_rng(0)) == to_text(graph, np.random.default_rng(0))
    assert {found.splitlines()[1] for found in texts} == {to_text(graph).splitlines()[1]}
    assert all(len(found.split()) < 120 for found in texts)
