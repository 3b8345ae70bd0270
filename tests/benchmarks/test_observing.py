"""What observing gains and loses, by stand-ins for what was read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import observing
import pytest
from few_shot import FewShot
from observing import Case, before_and_after, summaries

VALUES = np.arange(20.0)


@dataclass
class Said:
    mean: Any


@dataclass
class Read:
    """Predicts well, and worse after each measurement, or better."""

    learnt: Any
    prior: Said = field(default_factory=lambda: Said(np.where(VALUES == 10, 11.5, VALUES)))
    asked: list[tuple[int, object]] = field(default_factory=list[tuple[int, object]])

    def after(self, n: int, seeds: int, asked: object) -> Iterator[tuple[Said, Any]]:
        self.asked.append((n, asked))
        for _ in range(seeds):
            yield Said(self.learnt), np.arange(20) < n


def case(learnt: Any, protocol: str = "p") -> Case:
    read = cast("FewShot", Read(learnt))
    return Case(protocol, read, read, VALUES)


def test_what_was_measured_is_not_rated() -> None:
    known = np.where(VALUES < 5, -VALUES, VALUES)
    assert list(before_and_after(case(known), 5, 2)) == [(pytest.approx(0.996, abs=0.01), pytest.approx(1.0))] * 2
    assert not list(before_and_after(case(known), 11, 2))


def test_candidates_of_another_problem_are_all_rated() -> None:
    measured, asked = (cast("FewShot", Read(-VALUES)) for _ in range(2))
    ((_, after),) = before_and_after(Case("p", measured, asked, VALUES), 5, 1)
    assert after == pytest.approx(-1)
    assert cast("Read", measured).asked == [(5, asked)]


def test_draws_that_lose_are_counted() -> None:
    results = list(summaries([case(VALUES), case(-VALUES)], seeds=1))
    one = next(result for result in results if result["samples"] == 5)
    assert (one["draws"], one["losing"]) == (2, 0.5)
    assert one["most lost"] == pytest.approx(2, abs=0.01)
    assert [result["samples"] for result in results] == [n for n in observing.SAMPLES if n <= 10]
    (frame,) = observing.tables(results).values()
    assert frame["draws that lose"].tolist() == ["50%"] * len(results)
