"""What belongs to the text of a candidate."""

from __future__ import annotations

from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from prerank.integrations.optuna_patterns import Rule
from prerank.integrations.optuna_subject import Subject

SPACE: dict[str, BaseDistribution] = {
    "layers": IntDistribution(1, 3),
    "kernel": IntDistribution(7, 7),
    "units2": FloatDistribution(0, 1),
    "stride2": IntDistribution(2, 2),
}
RULES = {"units2": Rule("layers", (1,)), "stride2": Rule("layers", (1,))}


def test_those_of_its_branch_belong_to_a_candidate_and_what_has_a_single_value() -> None:
    subject = Subject(SPACE, RULES)
    assert subject.of({"layers": 1, "units2": 0.5}) == ({"layers": 1, "kernel": 7}, True)
    two = {"layers": 2, "kernel": 7, "units2": 0.5, "stride2": 2}
    assert subject.of({"units2": 0.5, "layers": 2, "other": 1}) == (two, True)


def test_a_candidate_that_lacks_something_is_known_in_part() -> None:
    assert Subject(SPACE, RULES).of({"layers": 2}) == ({"layers": 2, "kernel": 7, "stride2": 2}, False)
    assert Subject(SPACE, RULES).of({"units2": 0.5})[1] is False
