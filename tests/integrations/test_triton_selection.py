"""How many are kept, in which order."""

from __future__ import annotations

import numpy as np
from launches import expected

from prerank.integrations.triton_selection import hopeful, interleaved, number_kept, ranked, select
from prerank.surrogate import Prediction


def test_trust_decides_how_many_are_kept() -> None:
    kept = [number_kept(1000, trust) for trust in (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)]
    assert kept[0] == kept[1] == 1000
    assert kept == sorted(kept, reverse=True)
    assert kept[-1] == kept[-2] == 10


def test_rankings_take_turns() -> None:
    assert interleaved([[0, 1, 2, 3], [3, 1, 0, 2]]) == [0, 3, 1, 2]


def test_one_place_goes_to_the_best_only_if_it_is_trusted() -> None:
    assert select([3, 1, 0], {0}, 4, 1, trust=0.9) == [3]
    assert select([3, 1, 0], {0}, 4, 1, trust=0.1) == [0]
    assert select([3, 1, 0], {0}, 4, 2, trust=0.1) == [3, 0]


def test_one_place_is_not_given_to_what_cannot_run() -> None:
    assert select([3, 1, 0], {0}, 4, 1, trust=0.1, obstacles={0: "too many threads"}) == [3]
    assert select([0, 3, 1], {1}, 4, 1, trust=0.9, obstacles={0: "too many threads"}) == [3]
    assert select([3, 1, 0], {0}, 4, 2, trust=0.1, obstacles={0: "too many threads"}) == [3, 0]
    assert select([0], {0}, 1, 1, trust=0.1, obstacles={0: "too many threads"}) == [0]


def test_what_fails_is_last_whoever_says_so() -> None:
    assert ranked(expected([3, 1, 2], fails=[0, 0.9, 0])) == [2, 0, 1]
    assert ranked(expected([3, 1, 2]), expected([1, 1, 1], fails=[0, 0.9, 0])) == [2, 0, 1]


def test_the_first_is_the_best_expected_and_then_what_may_be_good() -> None:
    """The second of three varies most; the last fails."""
    values = np.array([[1.0, 1.2], [0.5, 4.0], [1.3, 1.3], [0.1, 0.1]])
    halves = np.full((4, 2), 0.5)
    unsure = Prediction(values, values, halves, np.array([0.0, 0.0, 0.0, 0.9]), np.ones(4))
    assert ranked(unsure) == [0, 2, 1, 3]
    assert hopeful(unsure) == [0, 1, 2, 3]


def test_slowdowns_weigh_twice_as_much_as_what_was_learnt() -> None:
    assert ranked(expected([4, 1, 8]), expected([1, 2.1, 0.9])) == [0, 1, 2]
    assert ranked(expected([4, 1, 8]), expected([1, 1.9, 0.9])) == [1, 0, 2]
    assert ranked(expected([0, 1]), expected([1, 1])) == [0, 1]
