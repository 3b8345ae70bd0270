from __future__ import annotations

import numpy as np
import pytest

from prerank.surrogate import Problem, Row, Training, belief
from prerank.surrogate.fitting import fit, held_out
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge, Known, Space
from prerank.surrogate.metrics import coverage, spearman


def rows(context: str, metric: str, count: int) -> list[Row]:
    return [Row(context, (f"block a{n}",), {metric: float(n * n % 11)}) for n in range(count)]


def test_enough_of_some_contexts_is_kept_out() -> None:
    many = [row for number in range(200) for row in rows(f"space\n{number}", "m", 80)]
    kept = [many[place] for place in held_out(many)]
    counts = {context: sum(row.context == context for row in kept) for context in {row.context for row in kept}}
    assert 10 <= len(counts) <= 16
    assert set(counts.values()) == {5}
    assert len(held_out(rows("space", "m", 1000))) == 50
    assert len(held_out(rows("space", "m", 40))) == 5
    assert not held_out(rows("space", "m", 19))


def test_something_of_every_space_that_can_spare_it_is_kept_out() -> None:
    many = [row for number in range(40) for row in rows(f"space {number}\nx", "m", 20 + number % 2)]
    kept = [many[place] for place in held_out([*many, *rows("few", "m", 15)])]
    assert {row.context for row in kept} == {f"space {number}\nx" for number in range(40)}


def test_a_space_that_is_trained_but_not_rated_is_read_as_itself(inference: Inference) -> None:
    train = [*rows("layer norm fwd", "m", 30), *rows("layer norm bwd\nnew", "m", 10)]
    learnt = fit(inference, train, rows("layer norm fwd", "m", 9), Training(1, candidates=8)).knowledge
    assert learnt.read_as("layer norm bwd") == "layer norm bwd"
    new = frozenset({"new"})
    assert learnt.spaces["layer norm bwd"] == Space(names=new, vocabulary=frozenset({"block"}), places=new)
    assert belief.trust(learnt, Problem("layer norm bwd", "m")) == 0


def test_knowledge_is_the_rank_correlation_on_the_validation_rows(inference: Inference) -> None:
    """What was known before counts for fifty rows more."""
    inference.knowledge = Knowledge({
        "space": Space({"m": Known(0.1, 3, 4), "other": Known(0.2)}),
        "elsewhere": Space({"m": Known(0.3)}),
    })  # fmt: skip
    validation = [
        *rows("space\none", "m", 9),
        *rows("space\ntwo", "m", 12),
        *rows("space\none", "few", 4),
        *(Row("space", (f"block a{n}",), {"failing": np.nan}) for n in range(9)),
    ]
    learnt = fit(inference, validation, validation, Training(1, candidates=8))
    ranks = [
        spearman(
            learnt.predict(Problem(context, "m"), [row.texts[0] for row in own]).mean, [row.values["m"] for row in own]
        )
        for context in ("space\none", "space\ntwo")
        for own in [[row for row in validation if row.context == context and "m" in row.values]]
    ]
    assert learnt.knowledge.ranks == {
        "space": {"m": pytest.approx((21 * np.mean(ranks) + 50 * 0.1) / 71, abs=1e-4), "other": 0.2},
        "elsewhere": {"m": 0.3},
    }
    assert inference.knowledge.ranks["space"]["m"] == 0.1
    known = learnt.knowledge.spaces["space"]
    assert (known.metrics["m"].least, known.metrics["m"].most) == (0, 9)
    assert known.names == {"one", "two"}
    assert not known.vocabulary  # what it had read before is not known


def test_intervals_that_hold_too_seldom_are_widened_until_they_do(inference: Inference) -> None:
    """A metric of one value, validated by others."""
    train = [Row("space", (f"block a{n}",), {"m": 10.0}) for n in range(64)]
    spread = np.exp(np.random.default_rng(0).normal(0, 0.2, 100))
    validation = [Row("space", (f"block a{n}",), {"m": 10 * float(factor)}) for n, factor in enumerate(spread)]
    learnt = fit(inference, train, validation, Training(60, candidates=32, dropout=0))
    assert learnt.knowledge.spaces["space"].vocabulary == {"block"}
    assert 0.05 < learnt.knowledge.spaces["space"].metrics["m"].error <= 0.3
    answer = learnt.predict(Problem("space", "m"), [row.texts[0] for row in validation])
    assert 0.85 < coverage(answer, [row.values["m"] for row in validation]) <= 1
