"""Names with their numbers glued to them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.fields import numbers
from prerank.surrogate.pairs import apart


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("m512_b3_c20", "m=512 b=3 c=20"),
        ("bm128_bn64 warps=4", "bm=128 bn=64 warps=4"),
        ("adam_lr1e-4-bs32", "adam lr=1e-4 bs=32"),
        ("mem512MB_b3s", "mem=512MB b=3s"),
        ("Fe70.5 Cr18 800C", "Fe=70.5 Cr=18 800C"),
        ("Fe20, 5e3s", "Fe=20 5e3s"),
    ],
)
def test_pairs_are_assignments(text: str, read: str) -> None:
    assert apart(text) == read


@pytest.mark.parametrize(
    "text",
    [
        "op3 op1 op2",
        "op3_op1_op2",
        "mbconv5x5e6c40 mbconv3x3e3c40",
        "conv1x1c64@96.wi8+q.i8+dq",
        "nvidia-a100 gpu ampere units=108",
        "m16n8k32",
        "resnet50 adam",
        "resnet50",
        "layer1_units2: 64",
        "layer1_units2 = 64",
        "layer1_units2 64",
        "512MB 4s",
        "",
    ],
)
def test_other_words_stay_as_they_are(text: str) -> None:
    assert apart(text) == text


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.integers(0, 10**6), min_size=2, max_size=6))
def test_names_and_numbers_are_those_that_were_joined(stated: dict[str, int]) -> None:
    for between in "_- ":
        read = numbers(between.join(f"{name}{value}" for name, value in stated.items()))
        assert read == {f"{name}=": value for name, value in stated.items()}


def test_fractions_are_numbers_beside_other_words() -> None:
    assert apart("Fe60.9 Cr26.9 annealed 924C") == "Fe=60.9 Cr=26.9 annealed 924C"
    assert apart("op1.5 op2.5 fast") == "op1.5 op2.5 fast"
    assert apart("v1.2.3 conv3x3 fast") == "v1.2.3 conv3x3 fast"
