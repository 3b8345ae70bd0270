"""The networks that are measured: valid, repeatable, diverse."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from families import FAMILIES
from measure_networks import networks

from prerank.search_spaces import onnx_graph


@pytest.mark.parametrize("family", FAMILIES)
def test_networks_are_valid_and_run(family: str) -> None:
    for seed in range(3):
        model, _ = FAMILIES[family](np.random.default_rng(seed))
        onnx.checker.check_model(model, full_check=True)
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        put = session.get_inputs()[0]
        output = session.run(None, {put.name: np.ones(put.shape, dtype=np.float32)})[0]
        assert np.isfinite(np.asarray(output)).all()


@pytest.mark.parametrize("family", FAMILIES)
def test_networks_are_the_same_each_time_and_differ_from_each_other(family: str) -> None:
    texts = [
        [
            onnx_graph.to_text(onnx_graph.from_record(FAMILIES[family](np.random.default_rng(seed))[0]))
            for seed in range(6)
        ]
        for _ in range(2)
    ]
    assert texts[0] == texts[1]
    assert len(set(texts[0])) >= 5


def test_a_part_has_all_families(tmp_path: Path) -> None:
    part = list(islice(networks(5), len(FAMILIES)))
    assert [network.name["family"] for network in part] == list(FAMILIES)
    assert onnx.load(part[0].file(tmp_path)).graph.node


def test_those_measured_otherwise_are_among_the_others() -> None:
    every = {network.text for network in networks(3)}
    assert {network.text for network in networks(3, every=2)} < every
