"""What was to be reached, read from what the benchmarks wrote."""

from __future__ import annotations

from typing import Any

import pytest
import targets
from targets import TARGETS, Target, row


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.protocol)
def test_each_target_is_found_in_the_results(target: Target) -> None:
    found = row(target)
    assert found["best known"] or "rlm_prune" in target.protocol
    assert found[""] in ("met", "missed")
    assert found["tried"] or found[""] == "met", f"say what was tried for {target.protocol!r}"


def line(model: str, mean: float, half: float = 0.0, case: str = "a") -> dict[str, Any]:
    return {"case": case, "model": model, "samples": 10, "rank": {"mean": mean, "half": half, "count": 3}}


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    lines = [line("prerank", 0.8, 0.03), line("prerank", 0.6, 0.04, "b"), line("prerank, other", 0.99)]
    lines += [line("trees", 0.65), line("trees", 0.67, case="b"), line("ridge on true sources", 0.9)]
    monkeypatch.setattr(targets, "written", lambda name: lines if name == "own" else [])
    return lines


def test_the_mean_is_reached_and_the_best_rival_is_named(results: list[dict[str, Any]]) -> None:
    found = row(Target("p", "own", {"samples": 10}, ("rank",), 0.7, tried="all"))
    assert found["reached"] == "0.700 ± 0.025"
    assert (found["target"], found["best known"]) == ("≥ 0.700", "trees 0.660")
    assert (found[""], found["tried"]) == ("met", "")


def test_the_worst_case_counts_where_it_is_asked(results: list[dict[str, Any]]) -> None:
    found = row(Target("p", "own", {"case": ("a", "b")}, ("rank",), 0.7, "a paper 0.5", worst=True, tried="all"))
    assert found["reached"] == "0.600 ± 0.040"
    assert (found["best known"], found[""], found["tried"]) == ("a paper 0.5", "missed", "all")


def test_a_rival_is_to_be_beaten_by_so_much(results: list[dict[str, Any]]) -> None:
    assert row(Target("p", "own", {}, ("rank",), 0.03, above="tre"))["target"] == "≥ 0.690"
    assert row(Target("p", "own", {}, ("rank",), 0.03, above="tre"))[""] == "met"
    assert row(Target("p", "own", {}, ("rank",), 0.05, above="tre"))[""] == "missed"
    assert row(Target("p", "own", {}, ("rank",), 0.03, above="no such model")) == {}


def test_less_may_be_better(results: list[dict[str, Any]]) -> None:
    found = row(Target("p", "own", {}, ("rank",), 0.7, less=True, worst=True))
    assert (found["reached"], found["target"], found[""]) == ("0.800 ± 0.030", "≤ 0.700", "missed")


def test_what_was_not_run_is_left_out() -> None:
    assert row(Target("p", "no such benchmark", {}, ("rank",), 0.7)) == {}


def test_intervals_are_rated_by_protocol(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = {"model": "prerank", "space": "s"}
    held = [ours | {"samples": n, "covered90": {"mean": share}} for n, share in ((0, 0.5), (3, 0.8), (3, 1.0))]
    monkeypatch.setattr(targets, "written", lambda name: held if name == "help_latency" else [])
    zero, three = targets.intervals()
    assert zero == {
        "protocol": "help_latency, s, prerank",
        "measured": "0",
        "hold": "0.50",
        "cases": "0.50 to 0.50",
        "": "missed",
    }
    assert (three["hold"], three["cases"], three[""]) == ("0.90", "0.80 to 1.00", "met")
