"""How wide a source says that its sums are."""

from __future__ import annotations

from typing import Any

import pytest
from launches import product, source

from prerank.integrations.triton_sums import sum_size


@pytest.mark.parametrize(
    ("line", "constants", "size"),
    [
        ("acc = tl.dot(a, b, acc)", {}, 4),
        ("acc = tl.dot(a, b, acc, out_dtype=tl.float32)", {}, 4),
        ("acc = tl.dot(a, b, acc, out_dtype=tl.float16)", {}, 2),
        ("acc = tl.dot(a, b, acc, None, None, None, tl.float16)", {}, 2),
        ("acc = tl.dot(a, b, acc, out_dtype=C.dtype.element_ty)", {}, 2),
        ("acc = tl.dot(a, b, acc, out_dtype=TYPE)", {"TYPE": "fp32"}, 4),
        ("acc = tl.dot(a, b, acc, out_dtype=TYPE)", {"TYPE": "float16"}, 2),
        ("acc = tl.dot(a, b, acc, out_dtype=TYPE)", {}, 2),
        ("TYPE: tl.constexpr = tl.float32\n    acc = tl.dot(a, b, acc, out_dtype=TYPE)", {}, 4),
        ("acc = tl.zeros((BLOCK_M, BLOCK_N), tl.float16)\n    acc += tl.dot(a, b).to(tl.float16)", {}, 2),
        ("none = tl.zeros((1, 1), dtype=tl.float16)\n    acc += tl.dot(a, b)", {}, 4),
    ],
)
def test_sums_are_as_wide_as_the_source_says(line: str, constants: dict[str, Any], size: int) -> None:
    tuning = product(("float16", "float16"), (512, 512, 512), source=source(line), **constants)
    assert sum_size(tuning.launch, tuning.words) == size
