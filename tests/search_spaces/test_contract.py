"""What every search space promises; a new module with a `sample` is tested without being named here."""

import inspect
import pickle
import pkgutil
import re
from dataclasses import FrozenInstanceError, fields, replace
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prerank import search_spaces

MODULES = [
    import_module(f"{search_spaces.__name__}.{each.name}") for each in pkgutil.iter_modules(search_spaces.__path__)
]
SPACES = [module for module in MODULES if hasattr(module, "sample")]
DIRECTIONS = {
    "val_accuracy": "maximize",
    "throughput": "maximize",
    "latency_ms": "minimize",
    "energy_mj": "minimize",
    "train_seconds": "minimize",
    "slowdown": "minimize",
    "params": "minimize",
    "macs": "minimize",
}
MOST_WORDS = 60

each_space = pytest.mark.parametrize("space", SPACES, ids=lambda space: space.__name__.rpartition(".")[2])
seeds = st.integers(0, 2**32 - 1)


@cache
def drawn(space: Any) -> list[Any]:
    return space.sample(np.random.default_rng(0), 24)


def bag(text: str) -> list[str]:
    """The words of a text in no order, without the positions that they name."""
    return sorted(re.sub(r"<[\d,]+", "<", word) for word in text.split())


def metrics(space: Any) -> dict[str, Any]:
    """The problems of the known metrics that a space has."""
    found: dict[str, Any] = {}
    for metric in DIRECTIONS:
        try:
            found[metric] = space.problem(metric=metric)
        except ValueError:
            continue
    return found


def test_the_spaces_are_found() -> None:
    names = {space.__name__.rpartition(".")[2] for space in SPACES}
    assert {"nas_bench_101", "nas_bench_graph", "nds"} <= names


@each_space
@given(seed=seeds)
@settings(max_examples=5, deadline=None)
def test_sample_is_distinct_and_begins_a_longer_one(space: Any, seed: int) -> None:
    shorter, longer = (space.sample(np.random.default_rng(seed), n) for n in (6, 13))
    assert longer[:6] == shorter
    assert len({space.to_text(candidate) for candidate in longer}) == len(longer) == 13


@each_space
def test_sample_of_none_and_of_less(space: Any) -> None:
    assert space.sample(np.random.default_rng(0), 0) == []
    with pytest.raises(ValueError, match="-1"):
        space.sample(np.random.default_rng(0), -1)


@each_space
def test_text_is_one_short_line_and_always_the_same(space: Any) -> None:
    for candidate, again in zip(drawn(space), space.sample(np.random.default_rng(0), 24), strict=True):
        text = space.to_text(candidate)
        assert text == space.to_text(again) == " ".join(text.split())
        assert 0 < len(text.split()) <= MOST_WORDS


@each_space
@given(place=st.integers(0, 23), seed=seeds)
@settings(max_examples=25, deadline=None)
def test_a_random_order_keeps_the_words(space: Any, place: int, seed: int) -> None:
    candidate = drawn(space)[place]
    text, again = (space.to_text(candidate, np.random.default_rng(seed)) for _ in range(2))
    assert text == again
    assert bag(text) == bag(space.to_text(candidate))


@each_space
def test_neighbours_are_distinct_valid_and_others(space: Any) -> None:
    for candidate in drawn(space)[:3]:
        found = space.neighbours(candidate)
        texts = {space.to_text(other) for other in found}
        assert len(texts) == len(found) > 0
        assert space.to_text(candidate) not in texts
        assert all(type(other) is type(candidate) and replace(other) == other for other in found)
        assert space.neighbours(candidate) == found


@each_space
def test_a_neighbour_leads_back(space: Any) -> None:
    for candidate in drawn(space)[:2]:
        text, found = space.to_text(candidate), space.neighbours(candidate)
        # NAS-Bench-101 prunes: what one edit cut off may take several to come back.
        kept = [other for other in found if len(space.to_text(other).split()) >= len(text.split())]
        for other in kept[:: len(kept) // 4 + 1]:
            assert text in {space.to_text(back) for back in space.neighbours(other)}


@each_space
def test_candidates_are_values(space: Any) -> None:
    candidate, other = drawn(space)[:2]
    copy = pickle.loads(pickle.dumps(candidate))
    assert copy == candidate != other
    assert hash(copy) == hash(candidate)
    assert space.to_text(copy) == space.to_text(candidate)
    with pytest.raises(FrozenInstanceError):
        setattr(candidate, fields(candidate)[0].name, None)


@each_space
def test_problem_has_defaults(space: Any) -> None:
    parameters = inspect.signature(space.problem).parameters
    assert "metric" in parameters
    assert all(parameter.default is not parameter.empty for parameter in parameters.values())
    assert space.problem() == space.problem(metric=parameters["metric"].default)
    assert parameters["metric"].default in DIRECTIONS


@each_space
def test_problems_differ_in_metric_and_direction_alone(space: Any) -> None:
    found = metrics(space)
    assert {metric: problem.direction for metric, problem in found.items()} == {
        metric: DIRECTIONS[metric] for metric in found
    }
    assert all(problem.metric.split()[0] == metric for metric, problem in found.items())
    assert all("\n" not in problem.metric for problem in found.values())
    assert len({problem.context for problem in found.values()}) == 1
    assert space.problem().context.splitlines()[0].strip()


@each_space
def test_an_unknown_metric_is_named(space: Any) -> None:
    with pytest.raises(ValueError, match="'beauty'") as raised:
        space.problem(metric="beauty")
    assert all(metric in str(raised.value) for metric in metrics(space))
