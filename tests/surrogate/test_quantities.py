"""Numbers with units."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate.fields import Fields
from prerank.surrogate.quantities import quantity, united, unknown_unit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1500ms", "1.5s"),
        ("90s", "1.5min"),
        ("36h", "1.5d"),
        ("250us", ".25ms"),
        ("250µs", "250us"),
        ("250μs", "250000ns"),
        ("4GB", "4000mb"),
        ("4G", "4GB"),
        ("2GiB", "2048Mi"),
        ("8k", "8KB"),
        ("1T", "1e3G"),
    ],
)
def test_units_of_one_kind_are_compared(one: str, other: str) -> None:
    assert quantity(one) == pytest.approx(quantity(other))


@pytest.mark.parametrize("unit", ["m", "g", "%", "C", "L", "px", "r/s", "MB/s", "Mbps"])
def test_what_means_several_things_or_nothing_known_does_not_scale(unit: str) -> None:
    assert quantity(f"5{unit}") == 5
    assert unknown_unit(f"5{unit}") == unit


def test_known_units_and_bare_numbers_are_no_words() -> None:
    assert [unknown_unit(text) for text in ("5", "5s", "5MB", "MB", "five")] == [None] * 5


@pytest.mark.parametrize("text", ["", "MB", "x5s", "5 s", "5x6", "0x1f", "5seconds", "1.2.3", "1e999", "1e308TB"])
def test_what_is_no_quantity_is_none(text: str) -> None:
    assert quantity(text) is None


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_are_as_they_are(number: float) -> None:
    assert quantity(str(number)) == number


def test_settings_that_mix_units_are_in_their_order() -> None:
    sizes, times = ("64MB", "512MB", "2GB", "16GB"), ("200ms", "5s", "1min", "2h")
    texts = [f"work_mem: {size}\nstatement_timeout: {time}\n" for size, time in zip(sizes, times, strict=True)]
    columns = Fields(texts)(texts)
    assert columns.shape == (4, 2)
    assert (columns[1:] > columns[:-1]).all()


def test_units_that_stand_apart_count() -> None:
    texts = ["mem: 512 MB, wait: 900 us", "mem: 4 GB, wait: 2 ms"]
    assert (np.diff(Fields(texts)(texts), axis=0) > 0).all()
    for text in ("3 m wide, 2 s, of 4 GBs", "layers: 4\nGB: 3"):
        assert united(text) == text
