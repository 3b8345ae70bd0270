from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate import Problem
from prerank.surrogate.observations import Observations

PROBLEMS = [
    Problem("space\none", "latency_ms gpu"),
    Problem("space\ntwo", "latency_ms cpu"),
    Problem("other", "params"),
]
TOLD = st.lists(st.tuples(st.sampled_from(PROBLEMS), st.text(max_size=3), st.floats(-1e9, 1e9)), max_size=20)
Told = list[tuple[Problem, str, float]]


def observed(told: Told) -> Observations:
    found = Observations()
    for problem, text, value in told:
        found.add(problem, {text: value})
    return found


@given(TOLD, st.randoms())
def test_what_was_told_last_counts_in_whatever_order_it_came(told: Told, random: Random) -> None:
    last = list({(problem, text): (problem, text, value) for problem, text, value in told}.values())
    mixed = last.copy()
    random.shuffle(mixed)
    assert observed(told).digest == observed(mixed).digest
    assert sorted(map(repr, observed(told).of({row[0]: 0 for row in told}))) == sorted(map(repr, last))


@given(TOLD, st.sampled_from(PROBLEMS), st.text(max_size=3))
def test_values_come_in_the_order_in_which_they_were_told(told: Told, problem: Problem, text: str) -> None:
    last: dict[tuple[Problem, str], float] = {}
    for own, name, value in [*told, (problem, text, 3e9)]:
        last.pop((own, name), None)
        last[own, name] = value
    found = observed([*told, (problem, text, 3e9)])
    assert found.of({own for own, _ in last}) == [(*key, value) for key, value in last.items()]
    found.remove(problem, [text])
    last.pop((problem, text))
    assert found.of({own for own, _ in last}) == [(*key, value) for key, value in last.items()]


@given(TOLD, st.sampled_from(PROBLEMS), st.text(max_size=3))
def test_a_copy_is_added_to_apart_and_tells_another_digest(told: Told, problem: Problem, text: str) -> None:
    first = observed(told)
    before, copy = first.digest, first.copy()
    copy.add(problem, {text: 2e9})
    assert first.digest == before != copy.digest
    copy.add(problem, {text: 3e9})
    assert copy.digest == observed([*told, (problem, text, 3e9)]).digest


def test_problems_tell_of_their_metric_or_of_what_nobody_knows() -> None:
    one, two, _ = PROBLEMS
    found = observed([(one, "a", 1.0), (Problem("space", "latency_ms tpu"), "a", 2.0), (two, "a", 3.0)])
    assert found.telling(one, known=True) == found.telling(one, known=False) == [one]
    asked = Problem("space\nthree", "latency_ms new")
    assert {problem.metric for problem in found.telling(asked, known=False)} == {
        one.metric,
        "latency_ms tpu",
        two.metric,
    }
    assert not found.telling(asked, known=True)
    assert not found.telling(Problem("elsewhere", "latency_ms gpu"), known=False)


def test_values_are_the_same_whichever_way_is_better() -> None:
    problem = PROBLEMS[0]
    turned = Problem(problem.context, problem.metric, "maximize")
    found = observed([(problem, "a", 1.0), (turned, "a", 2.0)])
    assert found.of(found.telling(turned, known=False)) == [(problem, "a", 2.0)]
    assert found.digest == observed([(turned, "a", 2.0)]).digest


@given(TOLD)
def test_what_is_written_is_read_in_its_order(told: Told) -> None:
    found = observed(told)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "observations.json"
        file.write_text(found.to_json())
        read = Observations.read(file)
    assert read.of({row[0]: 0 for row in told}) == found.of({row[0]: 0 for row in told})
    assert read.digest == found.digest


def test_what_is_removed_was_never_told() -> None:
    one, two, _ = PROBLEMS
    found = observed([(one, "a", 1.0), (one, "b", 2.0), (two, "a", 3.0)])
    found.remove(one, ["a", "never told"])
    assert found.digest == observed([(one, "b", 2.0), (two, "a", 3.0)]).digest
    found.remove(one, ["b"])
    found.remove(one, ["b"])
    assert found.digest == observed([(two, "a", 3.0)]).digest
    assert found.telling(one, known=False) == [two]


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    told = observed([(PROBLEMS[0], "ä", float("nan")), (PROBLEMS[2], "", 1e-300)])
    file = tmp_path / "observations.json"
    assert not Observations.read(file)
    file.write_text(told.to_json())
    assert Observations.read(file).digest == told.digest
    file.write_text(told.to_json()[:-5])
    with pytest.raises(ValueError, match=r"observations\.json is damaged"):
        Observations.read(file)
