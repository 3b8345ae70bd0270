from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prerank.surrogate import Problem, RLMSurrogate

PROBLEM = Problem("space\ndetails", "latency_ms pixel 3")
POOL = [f"a{n} b{n * n % 7}" for n in range(40)]
VALUES = [float(n * n % 7) + 1 for n in range(40)]


def test_every_number_of_texts_has_its_answer(surrogate: RLMSurrogate) -> None:
    assert len(surrogate.predict(PROBLEM, [])) == 0
    assert surrogate.predict(PROBLEM, []).mean.shape == (0,)
    assert len(surrogate.predict(PROBLEM, [""])) == 1
    twice = surrogate.predict(PROBLEM, ["a", "b", "a"]).mean
    assert twice[0] == twice[2]


def test_the_chunks_of_a_large_batch_keep_the_order(surrogate: RLMSurrogate) -> None:
    texts = [f"a{n % 50}" for n in range(600)]
    mean = surrogate.predict(PROBLEM, texts).mean
    assert mean[:50] == pytest.approx(mean[550:], rel=1e-5)


@pytest.mark.parametrize("wrong", [None, 3, b"bytes", ["a"]])
def test_what_is_no_text_is_named(surrogate: RLMSurrogate, wrong: Any) -> None:
    with pytest.raises(ValueError, match=r"text 1 is .*to_text must return strings"):
        surrogate.predict(PROBLEM, ["a", wrong])


def test_a_single_string_is_no_list_of_texts(surrogate: RLMSurrogate) -> None:
    with pytest.raises(ValueError, match="give a list"):
        surrogate.predict(PROBLEM, "abc")


def test_values_must_match_texts(surrogate: RLMSurrogate) -> None:
    with pytest.raises(ValueError, match=r"shape \(1,\) for 2 texts"):
        surrogate.observe(PROBLEM, ["a", "b"], [1.0])


def trust(surrogate: RLMSurrogate, problem: Problem) -> float:
    return float(surrogate.predict(problem, ["a1 b1"]).trust[0])


def test_observations_inform_their_family_and_no_other(surrogate: RLMSurrogate) -> None:
    surrogate.observe(PROBLEM, POOL, VALUES)
    assert trust(surrogate, PROBLEM) > 0
    assert trust(surrogate, Problem("space\nother details", "latency_ms pixel 4")) > 0
    for other in (
        Problem("another space", PROBLEM.metric),
        Problem(PROBLEM.context, "energy_mj"),
        Problem(PROBLEM.context, PROBLEM.metric, "maximize"),
    ):
        assert trust(surrogate, other) == 0


def test_a_fork_learns_alone(surrogate: RLMSurrogate) -> None:
    fork = surrogate.fork()
    fork.observe(PROBLEM, POOL, VALUES)
    assert trust(fork, PROBLEM) > 0 == trust(surrogate, PROBLEM)
    assert trust(fork.fork(), PROBLEM) == trust(fork, PROBLEM)


def test_a_text_observed_again_takes_its_new_value(surrogate: RLMSurrogate) -> None:
    once, twice = surrogate.fork(), surrogate.fork()
    once.observe(PROBLEM, POOL, VALUES)
    twice.observe(PROBLEM, POOL, VALUES[::-1])
    twice.observe(PROBLEM, POOL, VALUES)
    assert np.array_equal(once.predict(PROBLEM, POOL).mean, twice.predict(PROBLEM, POOL).mean)


def test_observations_survive_saving_and_pickling(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.observe(PROBLEM, POOL, [*VALUES[:-1], np.nan])
    expected = surrogate.predict(PROBLEM, POOL)
    surrogate.save(tmp_path)
    for other in (RLMSurrogate.load(tmp_path), pickle.loads(pickle.dumps(surrogate))):
        assert np.array_equal(other.predict(PROBLEM, POOL).mean, expected.mean)
        assert np.array_equal(other.predict(PROBLEM, POOL).p_fail, expected.p_fail)


def test_two_loads_share_no_observations(surrogate: RLMSurrogate, tmp_path: Path) -> None:
    surrogate.save(tmp_path)
    one, other = RLMSurrogate.load(tmp_path), RLMSurrogate.load(tmp_path)
    one.observe(PROBLEM, POOL, VALUES)
    assert trust(one, PROBLEM) > 0 == trust(other, PROBLEM)


def test_the_order_of_observations_does_not_matter(surrogate: RLMSurrogate) -> None:
    forward, backward = surrogate.fork(), surrogate.fork()
    forward.observe(PROBLEM, POOL, VALUES)
    backward.observe(PROBLEM, POOL[::-1], VALUES[::-1])
    assert forward.predict(PROBLEM, POOL).mean == pytest.approx(backward.predict(PROBLEM, POOL).mean, rel=1e-4)
