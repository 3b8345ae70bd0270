"""What the trials of one search have taught, whichever host runs it."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import pytest
from fake_surrogate import FakeSurrogate
from nni_searches import engine, model_space, samples, strategy, to_text, tuner

from prerank.integrations.nni_history import TrialHistory
from prerank.surrogate import Problem


def test_neighbours_of_what_is_under_way_wait() -> None:
    problem = Problem("space", "objective")
    history = TrialHistory[int](cast(Any, FakeSurrogate()), problem, None, np.random.default_rng(0))
    ranked = {f"n={number}": number for number in range(10, 50)}  # all alike to the surrogate: as they come
    proposed = []
    for _ in range(3):
        found = history.propose(lambda: ranked, dict)
        assert found is not None
        history.begin(*found)
        proposed.append(found[1])
    assert min(np.abs(np.diff(proposed))) > 1


def test_a_failing_surrogate_does_not_end_the_search(caplog: pytest.LogCaptureFixture) -> None:
    made = tuner(surrogate=FakeSurrogate(error=RuntimeError("out of memory")))
    with caplog.at_level("WARNING", "nni.prerank"):
        assert len(made.generate_multiple_parameters(list(range(3)))) == 3
    assert "out of memory" in caplog.text


@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_a_candidate_without_a_text_does_not_end_the_search(trust: float, caplog: pytest.LogCaptureFixture) -> None:
    def fussy(choices: dict[str, Any]) -> str | None:
        if choices["word"] == "ccc":
            raise KeyError("ccc")
        return to_text(choices)

    run = engine()
    with caplog.at_level("WARNING", "nni.prerank"):
        made = tuner(to_text=fussy, surrogate=FakeSurrogate(trust)).generate_multiple_parameters(list(range(20)))
        strategy(to_text=fussy, surrogate=FakeSurrogate(trust))(model_space(), run)
    assert {one["word"] for one in made} == {sample["word"] for sample in samples(run)} == {"a", "bb", "dddd"}
    assert caplog.text.count("to_text failed (KeyError('ccc'))") == 2
