"""Networks in other number formats are read, and told apart from those in floats."""

from __future__ import annotations

import pytest
from families import drawn
from precisions import PRECISIONS

from prerank.search_spaces.onnx_graph import from_record, to_text

WORDS = {"qdq": "wi8", "qoperator": "qlinear", "dynamic": "integer", "float16": "f16"}


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("family", ["inception", "transformer", "unrolled", "nas_bench_101"])
def test_a_converted_network_is_read(family: str, precision: str) -> None:
    model, _ = drawn(family, 3)
    floats, text = to_text(from_record(model)), to_text(from_record(PRECISIONS[precision](model)))
    assert WORDS[precision] in text
    assert WORDS[precision] not in floats
    macs = [dict(word.split("=") for word in each.partition("\n")[0].split())["macs_m"] for each in (floats, text)]
    assert macs[0] == macs[1]
