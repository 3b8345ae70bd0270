"""Which of very many configurations are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest
from launches import expected

from prerank.integrations import triton_shortlist
from prerank.integrations.triton_shortlist import shortlisted
from prerank.surrogate import Prediction

WORDS: list[dict[str, Any]] = [
    {"BLOCK_M": m, "BLOCK_N": n, "num_warps": warps, "LOAD": load} | ({"GROUP": 8} if n > 64 else {})
    for m, n, warps, load in product((16, 32, 64, 128, 256), (16, 32, 64, 128, 256), (1, 2, 4, 8), ("tma", "plain"))
]


def time_of(words: dict[str, Any]) -> float:
    """Best at tiles of 64 x 128 with 4 warps."""
    away = abs(np.log2(words["BLOCK_M"] / 64)) + abs(np.log2(words["BLOCK_N"] / 128))
    return float(1 + away + abs(np.log2(words["num_warps"] / 4)) * (1 + away / 4) + 0.1 * (words["LOAD"] == "tma"))


TIMES = [time_of(own) for own in WORDS]


class Asked:
    """What is predicted of places, and which were asked."""

    def __init__(self, fails: Sequence[int] = ()) -> None:
        self.places, self._fails = list[int](), {*fails}

    def __call__(self, places: Sequence[int]) -> Prediction:
        self.places += places
        fails = np.array([float(place in self._fails) for place in places])
        return replace(expected([TIMES[place] for place in places]), p_fail=fails)


def test_of_few_all_are_read_in_their_order() -> None:
    ask = Asked()
    read, prediction, others = shortlisted(WORDS, [5, 3, 9], ask)
    assert (read, ask.places, others) == ([5, 3, 9], [5, 3, 9], [])
    assert prediction.mean.tolist() == pytest.approx([TIMES[place] for place in (5, 3, 9)])


def test_of_many_the_best_are_read_and_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_shortlist, "MOST", 100)
    places, ask = list(range(0, 200))[::-1], Asked()
    read, prediction, others = shortlisted(WORDS, places, ask)
    assert len(read) == 100
    assert sorted([*read, *others]) == sorted(places)
    assert read == ask.places
    assert prediction.mean.tolist() == pytest.approx([TIMES[place] for place in read])
    assert {*np.argsort(TIMES, kind="stable")[:10].tolist()} <= {*read}
    best, worst = others[:20], others[-20:]
    assert np.mean([TIMES[place] for place in best]) < np.mean([TIMES[place] for place in worst])


def test_the_same_are_read_again_in_whatever_order_they_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_shortlist, "MOST", 60)
    first = shortlisted(WORDS, range(200), Asked())
    again = shortlisted(WORDS, range(200), Asked())
    assert (first[0], first[2]) == (again[0], again[2])


def test_what_looks_like_a_failure_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_shortlist, "MOST", 100)
    fails = [place for place, own in enumerate(WORDS) if own["BLOCK_M"] == 64]
    read, _, _ = shortlisted(WORDS, range(200), Asked(fails))
    assert len({*read[50:]} & {*fails}) < 10


def test_values_that_are_no_numbers_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(triton_shortlist, "MOST", 40)
    words = [{"KIND": kind, "X": x} for kind in ("a", True, 3, 2.5, "b") for x in range(20)]
    times = [1.0 + (place < 80) + place % 20 / 100 for place in range(100)]
    read, _, others = shortlisted(words, range(100), lambda places: expected([times[place] for place in places]))
    assert {*range(80, 100)} <= {*read}
    assert len(others) == 60
