"""Which parameters depend on which, as trials show it."""

from __future__ import annotations

from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from prerank.integrations.optuna_patterns import Patterns, Rule

UNIT = FloatDistribution(0, 1)
SPACE: dict[str, BaseDistribution] = {
    "kernel": CategoricalDistribution(["linear", "rbf", "poly", None]),
    "c": UNIT,
    "gamma": UNIT,
    "scaled": CategoricalDistribution([True, False]),
    "scale": IntDistribution(1, 8),
    "layers": IntDistribution(1, 4),
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


def test_what_depends_on_a_float_has_no_rule() -> None:
    assert rules({"c": 0.5}, {"c": 0.9, "gamma": 0.5}) == {}


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
