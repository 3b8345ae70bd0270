"""A user's function that fails on some candidates, or on all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from prerank.integrations.nni_text_function import TextFunction, check_function, load_function


def halves(number: int) -> str:
    if number % 2:
        raise KeyError(number)
    return str(number // 2)


def test_what_fails_has_no_text_and_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    text_of = TextFunction(halves)
    with caplog.at_level("WARNING", "nni.prerank"):
        assert [text_of(number) for number in range(1, 500)][:4] == [None, "1", None, "2"]
    assert [record.getMessage() for record in caplog.records] == [
        "to_text failed (KeyError(1)) of 1; such candidates are left out"
    ]


def test_a_function_that_never_makes_a_text_is_an_error() -> None:
    text_of = TextFunction(halves)
    with pytest.raises(KeyError):
        for _ in range(1000):
            text_of(1)


def test_what_is_no_text_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    numbers: Any = [0, "one", None]
    text_of = TextFunction[int](numbers.__getitem__)
    with caplog.at_level("WARNING", "nni.prerank"):
        assert [text_of(place) for place in range(3)] == [None, "one", None]
    assert "returned 0; return a string" in caplog.text


@pytest.mark.parametrize("read", [load_function, check_function])
@pytest.mark.parametrize("place", ["json", "json:", ":dumps", ".json:dumps"])
def test_a_place_names_a_module_and_a_function(read: Callable[[str], object], place: str) -> None:
    with pytest.raises(ValueError, match="give 'module:function'"):
        read(place)
