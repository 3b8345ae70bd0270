"""Multiply-accumulates of single operations."""

from __future__ import annotations

import pytest

from prerank.search_spaces.onnx_costs import macs
from prerank.search_spaces.onnx_values import Operation, Value

KNOWN, UNKNOWN = Value(shape=(1, 8, 4, 4)), Value()
KERNEL = Value(shape=(8, 8, 3, 3))


@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose", "MatMulNBits"])
@pytest.mark.parametrize("shapes", [(UNKNOWN, UNKNOWN), (UNKNOWN, KERNEL), (KNOWN, UNKNOWN)])
def test_what_reads_unknown_shapes_counts_as_nothing(kind: str, shapes: tuple[Value, Value]) -> None:
    made = KNOWN if shapes[0] is KNOWN else UNKNOWN
    assert macs(Operation(kind, [*shapes], [made], {"K": 8, "N": 16} if shapes[0] is UNKNOWN else {})) == 0


def test_a_transposed_convolution_spreads_each_input_over_the_kernel() -> None:
    assert macs(Operation("ConvTranspose", [KNOWN, KERNEL], [Value(shape=(1, 8, 6, 6))])) == 8 * 16 * 8 * 9
