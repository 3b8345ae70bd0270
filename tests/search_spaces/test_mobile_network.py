"""The network of inverted bottlenecks, and the spaces made of them."""

import json
from typing import Any

import numpy as np
import pytest

from prerank.search_spaces import accel_nasbench, fbnet, mobile_network, nas_bench_macro, ofa
from prerank.search_spaces.mobile_network import Block

STAGES: dict[str, Any] = {
    **{f"block{place}_{field}": 1 for place in range(7) for field in ("e", "l")},
    **{f"block{place}_k": 3 for place in range(7)},
    **{f"block{place}_se": place == 0 for place in range(7)},
}


def test_word_of_a_block() -> None:
    assert Block(5, 6, 40, 2, squeeze=True).word == "mbconv5x5e6c40s2se"
    assert Block(3, 1, 24, groups=2).word == "mbconv3x3e1c24g2"
    assert Block(0, 1, 24, 2).word == "skip"


def test_totals_by_hand() -> None:
    # Stem 27 * 2 weights on 4x4 pixels; expansion 2 -> 4, depthwise 9 * 4, stride 2, contraction 4 -> 3; head 3 -> 5.
    params, macs = mobile_network.totals([Block(3, 2, 3, 2)], stem=2, side=4, head=(5,))
    assert params == 54 + 8 + 36 + 12 + 15
    assert macs == 54 * 16 + 8 * 16 + (36 + 12) * 4 + 15 * 4


@pytest.mark.parametrize(
    ("arch", "params", "flops"), [("02012100", 890_666, 47_327_744), ("11111221", 2_181_386, 65_012_224)]
)
def test_totals_agree_with_nas_bench_macro(arch: str, params: int, flops: int) -> None:
    *_, weights, macs = nas_bench_macro.to_text(nas_bench_macro.from_record(arch)).split()
    assert float(weights.removeprefix("params_m=")) == pytest.approx(params / 1e6, rel=0.02)
    assert float(macs.removeprefix("macs_m=")) == pytest.approx(flops / 1e6, rel=0.01)


def test_blocks_beyond_the_depth_do_not_count() -> None:
    record = {"ks": [3] * 20, "e": [4] * 20, "d": [2] * 5, "r": 128}
    other = record | {"ks": [3, 3, 7, 7] * 5}
    assert ofa.from_record(record) == ofa.from_record(json.dumps(other))
    assert ofa.to_text(ofa.from_record(record)).count("mbconv") == 11


def test_records_of_the_tables() -> None:
    blocks = ["k5_e6", "skip", "k3_e1_g2", *["k3_e3"] * 19]
    assert fbnet.from_record(json.dumps(blocks)) == fbnet.from_record(blocks)
    assert fbnet.to_text(fbnet.from_record(blocks)).startswith("mbconv5x5e6c16 skip mbconv3x3e1c24g2 ")
    assert accel_nasbench.to_text(accel_nasbench.from_record(STAGES)).startswith("mbconv3x3e1c16se mbconv3x3e1c24s2 ")


@pytest.mark.parametrize("record", [2012100, np.float64(2012100), [0, 2, 0, 1, 2, 1, 0, 0], list("02012100")])
def test_digits_of_nas_bench_macro_are_read_in_every_spelling(record: Any) -> None:
    assert nas_bench_macro.from_record(record) == nas_bench_macro.from_record("02012100")


@pytest.mark.parametrize(
    ("space", "record", "named"),
    [
        (fbnet, ["k9_e9"] * 22, "'k9_e9'"),
        (fbnet, ["skip"], "1 blocks"),
        (ofa, {"ks": [3] * 20, "e": [4] * 20, "d": [1] * 5, "r": 128}, "a depth is 1"),
        (ofa, {"ks": [3] * 19, "e": [4] * 19, "d": [2, 2, 2, 2, 3], "r": 128}, "19 ks and 19 e"),
        (ofa, {"ks": [3] * 20, "e": [4] * 20, "d": [2] * 5, "r": 128.9}, r"resolution is 128\.9"),
        (ofa, {"ks": [3.5] * 20, "e": [4] * 20, "d": [2] * 5, "r": 128}, r"a kernel is 3\.5"),
        (ofa, {"ks": 3, "e": [4] * 20, "d": [2] * 5, "r": 128}, "'ks': 3"),
        (ofa, {"ks": [3] * 20, "e": [4] * 20, "d": [2] * 5, "r": 100}, "100"),
        (ofa, {"ks": [3] * 20}, "'e'"),
        (fbnet, "5", "'5'"),
        (fbnet, "no JSON", "'no JSON'"),
        (accel_nasbench, {}, "block0_e"),
        (accel_nasbench, STAGES | {"block3_l": 2.5}, r"l is 2\.5"),
        (nas_bench_macro, "0123", "'0123'"),
        (nas_bench_macro, 2012100.5, r"2012100\.5"),
        (nas_bench_macro, [0, 1, 2, 3] * 2, "a choice is 3"),
        (nas_bench_macro, None, "None"),
    ],
)
def test_unusable_record_is_named(space: object, record: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        space.from_record(record)  # type: ignore[attr-defined]
