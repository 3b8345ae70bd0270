"""Distributions as columns: whatever the space, what comes out is in it, and encoding is undone by decoding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from prerank.integrations.optuna_parameters import Parameters, groups

SEEDS = st.integers(0, 2**32 - 1)


@st.composite
def floats(draw: st.DrawFn) -> FloatDistribution:
    low = draw(st.floats(-1e6, 1e6))
    if draw(st.booleans()):
        least = draw(st.floats(1e-9, 1e3))
        return FloatDistribution(least, least * draw(st.floats(1.5, 1e6)), log=True)
    width = draw(st.floats(0.1, 1e6))
    return FloatDistribution(low, low + width, step=draw(st.sampled_from([None, width / 7])))


@st.composite
def integers(draw: st.DrawFn) -> IntDistribution:
    if draw(st.booleans()):
        least = draw(st.integers(1, 100))
        return IntDistribution(least, least + draw(st.integers(1, 10_000)), log=True)
    low, step = draw(st.integers(-1000, 1000)), draw(st.integers(1, 9))
    return IntDistribution(low, low + step * draw(st.integers(1, 100)), step=step)


CATEGORIES = st.sampled_from([("a", "b"), (1, 2, 4, 8), (None, True, "x", 1.5), (0.1, 0.3, 0.2)]).map(
    CategoricalDistribution
)
SPACES = st.dictionaries(st.sampled_from("abcdef"), st.one_of(floats(), integers(), CATEGORIES), min_size=1)


def inside(space: dict[str, BaseDistribution], candidates: list[dict[str, Any]]) -> bool:
    return all(
        space[name]._contains(space[name].to_internal_repr(value))
        for candidate in candidates
        for name, value in candidate.items()
    )


@given(SPACES, SEEDS)
@settings(max_examples=60, deadline=None)
def test_draws_and_variations_are_in_the_space(space: dict[str, BaseDistribution], seed: int) -> None:
    rng, parameters = np.random.default_rng(seed), Parameters(space)
    draws = parameters.draw(rng, 8)
    varied = [
        draws,
        parameters.mutate(rng, draws, 8),
        parameters.perturb(rng, draws, 8, 0.1),
        parameters.cross(rng, draws, 8),
        parameters.neighbours(draws[0]),
    ]
    for rows in varied:
        candidates = parameters.decode(rows)
        assert inside(space, candidates)
        np.testing.assert_allclose(parameters.encode(candidates) if candidates else rows, rows, atol=1e-6)


@given(SPACES, SEEDS)
@settings(max_examples=30, deadline=None)
def test_features_differ_where_rows_do(space: dict[str, BaseDistribution], seed: int) -> None:
    parameters = Parameters(space)
    rows = parameters.draw(np.random.default_rng(seed), 20)
    features = parameters.features(rows)
    assert features.shape == (20, len(parameters.owners))
    same = (rows[:, None] == rows).all(axis=2)
    np.testing.assert_array_equal(same, (features[:, None] == features).all(axis=2))


def test_values_outside_a_range_that_shrank_stay_in_order() -> None:
    parameters = Parameters({"x": FloatDistribution(0, 1)})
    assert parameters.encode([{"x": -1.0}, {"x": 0.5}, {"x": 3.0}]).ravel().tolist() == [-1, 0.5, 3]


def test_python_numbers_come_out() -> None:
    space: dict[str, BaseDistribution] = {"n": IntDistribution(1, 9), "x": FloatDistribution(0, 1, step=0.25)}
    (params,) = Parameters(space).decode(np.array([[0.5, 0.5]]))
    assert (type(params["n"]), type(params["x"])) == (int, float)


def test_neighbours_are_all_other_categories_and_steps_of_small_ranges() -> None:
    space: dict[str, BaseDistribution] = {"n": IntDistribution(1, 4), "c": CategoricalDistribution("xyz")}
    parameters = Parameters(space)
    found = parameters.decode(parameters.neighbours(parameters.encode([{"n": 2, "c": "x"}])[0]))
    assert {(p["n"], p["c"]) for p in found} == {(1, "x"), (3, "x"), (4, "x"), (2, "y"), (2, "z")}


def test_whole_numbers_of_any_size_are_in_their_order() -> None:
    choices = (2**70, 1, -(2**65), 10**400, 2**70 + 1)
    parameters = Parameters({"c": CategoricalDistribution(choices)})
    places = parameters.features(parameters.encode([{"c": choice} for choice in choices]))[:, -1]
    assert places.tolist() == [0.5, 0.25, 0, 1, 0.75]


@pytest.mark.parametrize(("low", "high"), [(0, 2**63 - 1), (-(2**62) + 1, 2**62 - 1), (2**60 + 1, 2**60 + 2**55 - 1)])
def test_large_whole_numbers_come_out_within_their_range(low: int, high: int) -> None:
    """The floats nearest to these ends, as which Optuna stores them, lie outside."""
    space: dict[str, BaseDistribution] = {"n": IntDistribution(low, high)}
    assert inside(space, Parameters(space).decode(np.linspace(0, 1, 9)[:, None]))


@given(st.lists(st.frozensets(st.sampled_from("abcdefg"))))
def test_groups_split_the_parameters_so_that_each_pattern_is_a_union(patterns: list[frozenset[str]]) -> None:
    found = groups(patterns)
    assert sorted(name for group in found for name in group) == sorted(frozenset[str]().union(*patterns))
    assert all(group <= pattern or not group & pattern for group in found for pattern in patterns)
