"""Which parameters depend on which, as trials show it."""

from __future__ import annotations

from typing import Any

import pytest
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from prerank.integrations.optuna_patterns import Patterns, Rule, Side

UNIT = FloatDistribution(0, 1)
SPACE: dict[str, BaseDistribution] = {
    "kernel": CategoricalDistribution(["linear", "rbf", "poly", None]),
    "c": UNIT,
    "gamma": UNIT,
    "scaled": CategoricalDistribution([True, False]),
    "scale": IntDistribution(1, 8),
    "layers": IntDistribution(1, 4),
    "rate": FloatDistribution(1e-12, 1, log=True),
    "large": IntDistribution(0, 2000),
    "units2": UNIT,
    "units3": UNIT,
}


def noted(*trials: dict[str, Any]) -> Patterns:
    patterns = Patterns()
    for params in trials:
        patterns.note(params, {name: SPACE[name] for name in params})
    return patterns


def rules(*trials: dict[str, Any]) -> dict[str, Rule]:
    return noted(*trials).rules({name: SPACE[name] for params in trials for name in params})


def test_what_has_a_parameter_only_for_some_categories_is_seen() -> None:
    found = rules({"kernel": "linear"}, {"kernel": "rbf", "gamma": 0.5}, {"kernel": None})
    assert found == {"gamma": Rule("kernel", ("linear", None))}


def test_a_branch_of_a_branch_comes_after_it() -> None:
    scaled = {"kernel": "poly", "scaled": True, "scale": 2}
    found = rules({"kernel": "linear"}, {"kernel": "poly", "scaled": False}, scaled)
    assert found == {"scaled": Rule("kernel", ("linear",)), "scale": Rule("scaled", (False,))}
    assert found and [*found] == ["scaled", "scale"]


def test_of_a_number_all_values_on_one_side_are_without() -> None:
    two, four = {"layers": 2, "units2": 0.5}, {"layers": 4, "units2": 0.5, "units3": 0.5}
    found = rules({"layers": 1}, two, four)
    assert found == {"units2": Rule("layers", (1,)), "units3": Rule("layers", (1, 2))}  # 3: none has been there


def test_a_number_with_a_parameter_on_both_sides_of_one_without_is_no_switch() -> None:
    assert rules({"layers": 1, "units2": 0.5}, {"layers": 2}, {"layers": 3, "units2": 0.5}) == {}


def test_where_all_have_all_there_are_no_rules() -> None:
    assert rules({"c": 0.5, "scale": 2}, {"c": 0.2, "scale": 3}) == {}


def decided(name: str, values: list[float], cut: float, *, above: bool) -> list[dict[str, Any]]:
    return [{name: value} | ({"gamma": 0.5} if (value > cut) == above else {}) for value in values]


@pytest.mark.parametrize("above", [True, False])
def test_a_float_decides_once_enough_trials_show_it(above: bool) -> None:
    trials = decided("c", [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.35, 0.65, 0.4, 0.6, 0.45], 0.5, above=above)
    assert rules(*trials) == {}  # five with the parameter, or without
    assert rules(*trials, *decided("c", [0.55], 0.5, above=above)) == {"gamma": Rule("c", Side(0.5, below=above))}
    assert {0.2 in Side(0.5, below=above), 0.8 not in Side(0.5, below=above)} == {above}


def test_a_float_with_a_parameter_on_both_sides_of_those_without_is_no_switch() -> None:
    trials = decided("c", [place / 20 for place in range(20)], 0.5, above=True)
    assert rules(*trials, {"c": 0.05, "gamma": 0.1}) == {}
    assert rules({"c": 0.95}, *trials) == {}


def test_the_cut_of_a_logarithm_is_in_the_middle_of_it() -> None:
    trials = decided("rate", [10.0**-place for place in range(12)], 10**-5.5, above=True)
    (rule,) = rules(*trials).values()
    assert isinstance(rule.absent, Side)
    assert rule.absent.cut == pytest.approx(10**-5.5)


def test_a_large_whole_number_decides_as_a_float_does() -> None:
    trials = decided("large", [*range(0, 1200, 100)], 550, above=True)
    assert rules(*trials) == {"gamma": Rule("large", Side(550, below=True))}


def test_what_depends_on_what_a_float_decides_comes_after_it() -> None:
    trials = decided("c", [place / 20 for place in range(20)], 0.5, above=True)
    more = [own | ({"units2": 0.1} if "gamma" in own else {}) | {"kernel": "rbf"} for own in trials]
    assert [*rules(*more)] == ["gamma", "units2"]


def test_what_has_no_rule_hides_no_other_rules() -> None:
    found = rules(
        {"kernel": "linear", "c": 0.5},
        {"kernel": "rbf", "gamma": 0.5, "c": 0.1},
        {
            "kernel": "rbf",
            "gamma": 0.5,
            "c": 0.9,
            "units2": 0.5,
        },
    )
    assert found == {"gamma": Rule("kernel", ("linear",))}


def test_two_that_come_together_do_not_depend_on_each_other() -> None:
    both = {"c": 0.9, "scaled": True, "scale": 2}
    assert rules({"c": 0.5}, both) == {}
    assert rules({"c": 0.5, "kernel": "linear"}, both | {"kernel": "rbf"}) == {
        "scale": Rule("kernel", ("linear",)),
        "scaled": Rule("kernel", ("linear",)),
    }


def test_another_trial_may_change_the_rules() -> None:
    patterns = noted({"kernel": "linear"}, {"kernel": "rbf", "gamma": 0.5})
    space = {name: SPACE[name] for name in ("kernel", "gamma")}
    assert patterns.rules(space) == {"gamma": Rule("kernel", ("linear",))}
    patterns.note({"kernel": "poly"}, {"kernel": SPACE["kernel"]})
    assert patterns.rules(space) == {"gamma": Rule("kernel", ("linear", "poly"))}
    patterns.note({"kernel": "rbf"}, {"kernel": SPACE["kernel"]})
    assert patterns.rules(space) == {}
