"""Parameters of NNI search spaces: every type, nested choices, what is written and what is read back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nni_search_space import NUMBERS, SPACE

from prerank.integrations.nni_parameters import ParameterSpace
from prerank.surrogate.assignments import words


def points(seed: int, count: int = 20) -> list[dict[tuple[Any, ...], Any]]:
    """Draws, mutations and suggestions."""
    space, rng = ParameterSpace(SPACE), np.random.default_rng(seed)
    drawn = [space.draw(rng) for _ in range(count)]
    mutated = [space.mutate(rng, point) for point in drawn]
    losses = [(point, float(number)) for number, point in enumerate(drawn + mutated)]
    return [*drawn, *mutated, *(space.suggest(rng, losses) for _ in range(5))]


@given(st.integers(0, 2**32 - 1))
def test_all_that_is_made_lies_in_the_space(seed: int) -> None:
    space = ParameterSpace(SPACE)
    for point in points(seed, count=4):
        made = space.parameters(point)
        assert made["choice"] in ["a", "b c", 3, 0.5]
        assert made["randint"] in range(-2, 7)
        assert all(isinstance(made[name], float) and math.isfinite(made[name]) for name in NUMBERS)
        assert -1.5 <= made["uniform"] <= 2.5
        assert 1e-5 * (1 - 1e-9) <= made["loguniform"] <= 1 + 1e-9
        assert made["quniform"] in [0, 0.25, 0.5, 0.75, 1]
        assert 1 <= made["qloguniform"] <= 1000
        assert made["qnormal"] % 0.5 == 0
        nested = made["nested"]
        assert nested == {"_name": "none"} or nested["kernel"] in (1, 3)
        assert nested["_name"] == "none" or nested["then"]["_name"] == "skip" or nested["then"]["size"] in (2, 3)


def test_all_points_of_a_space_of_few_are_known() -> None:
    space = ParameterSpace({"nested": SPACE["nested"], "n": {"_type": "randint", "_value": [0, 4]}})
    every = space.every(28)
    rng = np.random.default_rng(0)
    texts = {space.text(space.draw(rng)) for _ in range(2000)}
    assert len(every) == (1 + 2 * 3) * 4 == len(texts)
    assert {space.text(point) for point in every} == texts
    assert space.every(27) == []
    assert ParameterSpace({"n": {"_type": "randint", "_value": [0, 10**12]}}).every(1000) == []
    assert ParameterSpace(SPACE).every(1000) == []


def test_what_a_trial_got_is_read_back() -> None:
    space = ParameterSpace(SPACE)
    for point in points(0):
        made = space.parameters(point)
        back = space.point(made)
        assert back is not None and back.keys() == point.keys()
        again = space.parameters(back)
        assert {name: again[name] for name in again if name not in NUMBERS} == {
            name: made[name] for name in made if name not in NUMBERS
        }
        assert [again[name] for name in NUMBERS] == pytest.approx([made[name] for name in NUMBERS])


def test_parameters_of_another_space_are_no_point() -> None:
    space = ParameterSpace({"x": {"_type": "uniform", "_value": [0, 1]}, "c": {"_type": "choice", "_value": [1, 2]}})
    assert space.point({"x": 0.5, "c": 2}) is not None
    for other in ({"x": 0.5}, {"x": 2.0, "c": 1}, {"x": 0.5, "c": 3}, {"x": "a", "c": 1}, {"x": math.nan, "c": 1}):
        assert space.point(other) is None


def test_trials_with_a_parameter_too_many_are_no_points() -> None:
    """They took another value of what the space no longer varies, or of what a branch does not have."""
    space = ParameterSpace({"nested": SPACE["nested"], "plain": {"_type": "choice", "_value": [{"a": {"b": 1}}, 2]}})
    conv: dict[str, Any] = {"_name": "conv", "kernel": 3, "then": {"_name": "pool", "size": 2}}
    for nested in (conv, {"_name": "none"}, conv | {"then": {"_name": "skip"}}):
        trial = {"nested": nested, "plain": {"a": {"b": 1}}}
        assert space.point(trial) is not None
        assert space.point(trial | {"dropped": 1}) is None
        assert space.point(trial | {"nested": nested | {"dropped": 1}}) is None
    assert space.point({"nested": conv | {"then": {"_name": "skip", "size": 2}}, "plain": 2}) is None


def test_a_number_that_is_not_whole_is_no_point_where_whole_ones_are_drawn() -> None:
    space = ParameterSpace({"n": {"_type": "randint", "_value": [0, 9]}})
    points = [space.point({"n": value}) for value in (3, 3.0, 3.7, "3", None, math.nan)]
    assert points == [{("n",): 3}, {("n",): 3}, None, None, None, None]


def test_choices_that_are_equal_but_not_the_same_are_told_apart() -> None:
    space = ParameterSpace({"x": {"_type": "choice", "_value": [1, True, 0, False, 2]}})
    points = [space.point({"x": value}) for value in (1, True, 0, False, 2.0)]
    assert [point and point["x",] for point in points] == [0, 1, 2, 3, 4]


def test_a_mutation_keeps_most_of_its_parent() -> None:
    space, rng = ParameterSpace(SPACE), np.random.default_rng(0)
    parents = [space.draw(rng) for _ in range(200)]
    children = [space.mutate(rng, parent) for parent in parents]
    kept = [
        np.mean([child.get(key) == value for key, value in parent.items()])
        for parent, child in zip(parents, children, strict=True)
    ]
    assert 0.7 < np.mean(kept) < 0.95


def test_mutations_change_two_parameters_or_a_few_more() -> None:
    space = ParameterSpace({f"x{place}": {"_type": "uniform", "_value": [0, 1]} for place in range(6)})
    rng = np.random.default_rng(0)
    parent = space.draw(rng)
    changed = [len(space.mutate(rng, parent).items() - parent.items()) for _ in range(400)]
    assert 0.4 < np.mean(np.array(changed) == 2) < 0.6
    assert set(changed) == {2, 3, 4, 5, 6}


def test_texts_name_every_active_parameter_and_differ_where_candidates_do() -> None:
    space = ParameterSpace(SPACE)
    texts = {space.text(point): space.parameters(point) for point in points(1, count=100)}
    assert len(texts) > 200
    for text, made in texts.items():
        written = dict(word.split("=", 1) for word in text.split())
        assert written["nested"] == made["nested"]["_name"]
        assert ("nested.kernel" in written) == (made["nested"]["_name"] == "conv")
        assert float(written["loguniform"]) == pytest.approx(made["loguniform"], rel=1e-4)
        assert float(written["log_loguniform"]) == pytest.approx(math.log(made["loguniform"]), abs=1e-3)


def test_numbers_keep_the_digits_that_their_range_needs() -> None:
    narrow = ParameterSpace({"x": {"_type": "uniform", "_value": [1.0, 1.0001]}})
    rng = np.random.default_rng(0)
    assert len({narrow.text(narrow.draw(rng)) for _ in range(100)}) > 90


def test_a_number_and_its_name_are_two_choices() -> None:
    assert [*words("n", 1)] != [*words("n", "1")]
    assert [*words("n", [1, 2])] == ["n=1,2"]
    assert [*words("a name", "two words")] == ["a_name=two_words"]


def test_choices_that_read_alike_are_told_apart() -> None:
    alike = [True, "True", None, "None", "a b", "a_b", 1, 1.0]
    branches = [{"_name": "x y", "n": {"_type": "choice", "_value": [1, 2]}}, {"_name": "x_y"}]
    usual = {"_type": "choice", "_value": ["two words", "1", 1]}
    space = ParameterSpace({
        "alike": {"_type": "choice", "_value": alike},
        "nested": {"_type": "choice", "_value": branches},
        "usual": usual,
    })  # fmt: skip
    rng = np.random.default_rng(0)
    texts = {space.text(space.draw(rng)) for _ in range(2000)}
    found = [dict(word.split("=") for word in text.split()) for text in texts]
    assert len({each["alike"] for each in found}) == len(alike)
    assert {(each["nested"], each.get("nested.n")) for each in found} == {
        (r"'x\x20y'", "1"),
        (r"'x\x20y'", "2"),
        ("'x_y'", None),
    }
    assert {each["usual"] for each in found} == {"two_words", "'1'", "1"}


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, "no parameters"),
        ({"x": {"_type": "uniforn", "_value": [0, 1]}}, "uniforn"),
        ({"x": 3}, "'x' is 3"),
        ({"x": {"_type": "choice"}}, "'x' is .* a _value"),
        ({"x": {"_type": "uniform", "_value": 5}}, "'x' is .* must be a list"),
        ({"x": {"_type": "choice", "_value": {"a": 1}}}, "'x' is .* must be a list"),
        ({"x": {"_type": "quniform", "_value": [0, 1, 0]}}, r"'x' is .*; give \[low, high, q\]"),
        ({"x": {"_type": "choice", "_value": []}}, "'x' is .* must be a list of one thing or more"),
        ({"x": {"_type": "randint", "_value": [3, 3]}}, "'x' is .* nothing can be drawn .* give .* whole numbers"),
        ({"x": {"_type": "uniform", "_value": [1, 0]}}, "'x' is .* nothing can be drawn"),
        ({"x": {"_type": "loguniform", "_value": [0, 1]}}, "'x' is .* nothing can be drawn"),
        ({"x": {"_type": "choice", "_value": [{"_name": "a", "y": {"_type": "z", "_value": []}}]}}, "'y'"),
        (
            {"x": {"_type": "choice", "_value": [{"_name": "a", "y": {"_type": "choice", "_value": []}}]}},
            "'y' is .* list",
        ),
    ],
)
def test_a_faulty_space_is_named(space: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        ParameterSpace(space)
