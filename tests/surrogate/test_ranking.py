from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate import Prediction, Problem, rank
from prerank.surrogate.acquisitions import expected_improvement, expected_value
from prerank.surrogate.problem import Question


class Length:
    """Predicts a text's length; texts with an x fail; remembers how many texts it was asked about at once."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def predict(self, problem: Question, texts: Sequence[str]) -> Prediction:
        self.asked.append(len(texts))
        value = np.array([[float(len(text))] for text in texts])
        p_fail = np.array([0.9 * ("x" in text) for text in texts])
        return Prediction(value, value + 1, np.ones_like(value), p_fail, np.ones(len(texts)))


SHORTEST, LONGEST = Problem("c", "m"), Problem("c", "m", "maximize")


def texts_of(problem: Problem, candidates: list[str]) -> list[str]:
    return [entry.candidate for entry in rank(Length(), problem, candidates, str)]


def test_the_best_comes_first_in_both_directions() -> None:
    assert texts_of(SHORTEST, ["aaa", "a", "aa"]) == ["a", "aa", "aaa"]
    assert texts_of(LONGEST, ["aaa", "a", "aa"]) == ["aaa", "aa", "a"]


@given(st.lists(st.text("abx", max_size=4)), st.randoms(use_true_random=False))
def test_the_order_of_the_candidates_does_not_matter(candidates: list[str], random: object) -> None:
    shuffled = list(np.random.default_rng(0).permutation(np.array(candidates, dtype=object)))
    assert texts_of(LONGEST, candidates) == texts_of(LONGEST, shuffled)
    assert sorted(texts_of(LONGEST, candidates)) == sorted(candidates)


def test_a_direction_that_is_none_is_named() -> None:
    wrong: Any = SimpleNamespace(context="c", metric="m", direction="MAXIMIZE")
    with pytest.raises(ValueError, match="direction is 'MAXIMIZE'"):
        rank(Length(), wrong, ["a"], str)


def test_a_likely_failure_comes_after_all_others() -> None:
    assert texts_of(SHORTEST, ["x", "aaaa", "xx"]) == ["aaaa", "x", "xx"]


@pytest.mark.parametrize("problem", [SHORTEST, LONGEST])
def test_of_what_nothing_better_is_expected_of_the_best_mean_comes_first(problem: Problem) -> None:
    nothing = expected_improvement(0.0 if problem is SHORTEST else 100.0)
    ranked = rank(Length(), problem, ["b", "aaa", "cc", "x"], str, nothing)
    assert {entry.score for entry in ranked} == {0.0}
    assert [entry.candidate for entry in ranked] == [*texts_of(problem, ["b", "aaa", "cc"]), "x"]


def test_equal_scores_follow_the_texts() -> None:
    assert texts_of(SHORTEST, ["b", "a", "c"]) == ["a", "b", "c"]


def test_candidates_without_a_text_are_left_out() -> None:
    ranked = rank(Length(), SHORTEST, [1, 2, 3], lambda n: "a" * n if n != 2 else None)
    assert [entry.candidate for entry in ranked] == [1, 3]


def test_every_entry_carries_its_prediction() -> None:
    (entry,) = rank(Length(), SHORTEST, ["aa"], str)
    assert (entry.mean, entry.std, entry.score) == (2.5, pytest.approx(12**-0.5), -2.5)


def test_nothing_in_nothing_out() -> None:
    assert rank(Length(), SHORTEST, [], str) == []


def test_duplicates_are_predicted_once_and_all_returned() -> None:
    surrogate = Length()
    assert len(rank(surrogate, SHORTEST, ["a", "b", "a"], str)) == 3
    assert surrogate.asked == [2]


def test_many_candidates_are_predicted_in_parts_of_bounded_size() -> None:
    surrogate = Length()
    candidates = [f"{n:05d}" for n in range(9000)]
    assert texts_of(SHORTEST, candidates) == candidates
    rank(surrogate, SHORTEST, candidates, str)
    assert sum(surrogate.asked) == 9000
    assert max(surrogate.asked) <= 4096


@pytest.mark.parametrize("problem", [SHORTEST, LONGEST])
def test_likely_failures_are_last_in_both_directions(problem: Problem) -> None:
    assert texts_of(problem, ["x", "aaaa", "xxxxxxxx", "a"])[2:] in (["x", "xxxxxxxx"], ["xxxxxxxx", "x"])


def test_a_score_that_is_no_number_is_wanted_least() -> None:
    def score(prediction: Prediction, sign: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.where(prediction.mean == 1.5, np.nan, -prediction.mean)

    ranked = rank(Length(), SHORTEST, ["a", "aaa", "aa"], str, score)
    assert [entry.candidate for entry in ranked] == ["aa", "aaa", "a"]


def test_parts_are_ranked_against_each_other() -> None:
    candidates = [f"{n:05d}" + "a" * (n % 7) for n in range(5000)]
    lengths = [len(text) for text in texts_of(LONGEST, candidates)]
    assert lengths == sorted(lengths, reverse=True)


def test_several_acquisitions_take_turns() -> None:
    def longest(prediction: Prediction, sign: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return prediction.mean

    ranked = rank(Length(), SHORTEST, ["a", "aa", "aaa", "aaaa", "aaaaa", "xxxxxx"], str, (expected_value, longest))
    assert [entry.candidate for entry in ranked] == ["a", "aaaaa", "aa", "aaaa", "aaa", "xxxxxx"]
    assert [entry.score for entry in ranked[:2]] == [-1.5, -5.5]
    both = rank(Length(), SHORTEST, ["a", "aa", "aaa"], str, (expected_value, expected_value))
    assert both == rank(Length(), SHORTEST, ["a", "aa", "aaa"], str)


def test_candidates_may_come_from_a_generator() -> None:
    ranked = rank(Length(), SHORTEST, (text for text in ("aa", "a", "aa")), str)
    assert [entry.candidate for entry in ranked] == ["a", "aa", "aa"]


def test_a_text_that_is_none_is_named() -> None:
    wrong: Any = [1, "a"]
    with pytest.raises(TypeError, match="it returned 1; return a string, or None"):
        rank(Length(), SHORTEST, wrong, lambda candidate: candidate)
