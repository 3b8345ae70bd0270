"""Networks in other number formats are read, and told apart from those in floats."""

from __future__ import annotations

from itertools import islice

import pytest
from families import FAMILIES, drawn
from measure_precisions import networks, numbers
from measured_networks import FLOATS
from precisions import PRECISIONS

from prerank.search_spaces.onnx_graph import from_record, to_text

WORDS = {"qdq": "wi8", "qoperator": "qlinear", "dynamic": "integer", "float16": "f16"}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("family", ["inception", "transformer", "unrolled", "nas_bench_101"])
def test_a_converted_network_is_read(family: str, precision: str) -> None:
    model, _ = drawn(family, 3)
    before = model.SerializeToString()
    floats, text = to_text(from_record(model)), to_text(from_record(PRECISIONS[precision](model)))
    assert model.SerializeToString() == before
    assert WORDS[precision] in text
    assert WORDS[precision] not in floats
    macs = [dict(word.split("=") for word in each.partition("\n")[0].split())["macs_m"] for each in (floats, text)]
    assert macs[0] == macs[1]


def test_what_is_measured_in_another_format_is_measured_in_floats_before() -> None:
    asked = list(numbers(20))
    assert [number for number, precision in asked if precision == FLOATS] == [0, 3, 6, 9, 12, 15, 18]
    assert {number for number, precision in asked if precision != FLOATS} == {0, 9, 18}
    for place, (number, precision) in enumerate(asked):
        assert precision == FLOATS or (number, FLOATS) in asked[:place]


def test_a_format_is_told_in_the_name_alone() -> None:
    several = islice(networks(1), len(FAMILIES) * 2)
    floats, converted = [], []
    for network in several:
        (floats if network.name.pop("precision") == FLOATS else converted).append(network)
    assert [network.name for network in floats] == [network.name for network in converted]
    assert all(one.text != other.text for one, other in zip(floats, converted, strict=True))
