from __future__ import annotations

import numpy as np
import optuna_limits
from optuna.distributions import CategoricalDistribution
from optuna_tasks import Task

REGRETS = np.linspace(0, 1, 5_000)


def test_a_reader_that_knows_finds_what_is_good() -> None:
    knowing = optuna_limits.found(REGRETS, -REGRETS, 0.005)
    assert knowing["good"] == 0.005
    assert knowing["good, likely"] == 0.25
    assert knowing["regret"]["mean"] < 0.1 < optuna_limits.found(REGRETS, REGRETS, 0.005)["regret"]["mean"]


def test_what_looks_alike_is_no_better_than_it_is() -> None:
    rng = np.random.default_rng(0)
    assert optuna_limits.found(rng.permutation(REGRETS), np.zeros(5_000), 0.1)["regret"]["mean"] > 2


def test_candidates_of_one_text_count_once() -> None:
    space = {"first": CategoricalDistribution(["a", "b", "-"]), "second": CategoricalDistribution(["a", "b"])}
    task = Task(
        "t", lambda _: 0, 1, to_text=lambda p: None if p["first"] == "-" else str(sorted(p.values())), space=space
    )
    assert [text for text, _ in optuna_limits.written_once(task)] == ["['a', 'a']", "['a', 'b']", "['b', 'b']"]
