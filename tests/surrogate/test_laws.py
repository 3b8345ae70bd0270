"""What a cost adds up to, and how the surrogate goes on with it."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from prerank.surrogate import Problem
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge, Known, Space
from prerank.surrogate.laws import Law
from prerank.surrogate.wording import vocabulary

RNG = np.random.default_rng(0)
TOTALS = RNG.lognormal(0, 1, (200, 2))
PROBLEM = Problem("networks", "latency_ms a-cpu")


def text(macs: float, weights: float) -> str:
    return f"macs_m={macs:.6g} weights_mb={weights:.6g} conv3x3"


def learnt() -> Law:
    law = Law.learnt([text(*own) for own in TOTALS], (1 + 3 * TOTALS[:, 0] + 0.5 * TOTALS[:, 1]).tolist())
    assert law is not None
    return law


def test_a_sum_is_found_and_goes_on() -> None:
    law = learnt()
    assert [law.constant, *law.prices.values()] == pytest.approx([1, 3, 0.5], rel=1e-3)
    costs, beyond = law([text(1, 1), text(1e6, 1), text(1, 1e6)])
    assert costs == pytest.approx([4.5, 3e6, 5e5], rel=1e-2)
    assert beyond.tolist() == [0, 1, 1]
    assert law.error == pytest.approx(0, abs=1e-3)


def test_how_far_a_candidate_is_beyond_rises_from_the_largest_that_was_often_read() -> None:
    law = learnt()
    most = law.largest["macs_m="]
    _, beyond = law([text(share * most, 0.1) for share in (0.5, 1, 2, 4, 9)])
    assert beyond == pytest.approx([0, 0, 0.5, 1, 1], abs=1e-3)


def test_of_absurd_totals_all_is_finite(inference: Inference) -> None:
    costs, beyond = learnt()([])
    assert costs.shape == beyond.shape == (0,)
    known = {"networks": Space({PROBLEM.metric: Known(0.9)}, laws={PROBLEM.metric: learnt()})}
    extended = Inference(inference.network, inference.tokenizer, Knowledge(known))
    prediction = extended.predict(PROBLEM, ["macs_m=1" + "0" * 308 + " weights_mb=1", "macs_m=0 weights_mb=0"])
    assert np.isfinite([prediction.mean, prediction.std, prediction.quantile(0.9)]).all()


def test_no_price_is_negative() -> None:
    law = Law.learnt([text(*own) for own in TOTALS], (5 + TOTALS[:, 0] / (1 + TOTALS[:, 1])).tolist())
    assert law is not None
    assert min(law.constant, *law.prices.values()) >= 0


@pytest.mark.parametrize("rows", [0, 10, 49])
def test_few_rows_or_such_as_state_no_totals_have_no_law(rows: int) -> None:
    assert Law.learnt([text(*own) for own in TOTALS[:rows]], [1.0] * rows) is None
    assert Law.learnt(["conv3x3", *(text(*own) for own in TOTALS)], [1.0] * 201) is None
    assert Law.learnt([text(*own) for own in TOTALS], [float("nan")] * 200) is None


def test_a_law_survives_a_file_and_a_newer_one_takes_its_place() -> None:
    knowledge = Knowledge({"networks": Space({"latency_ms a-cpu": Known(0.9)}, laws={"latency_ms a-cpu": learnt()})})
    again = Knowledge.from_json(json.loads(json.dumps(knowledge.to_json())))
    assert again.spaces == knowledge.spaces
    newer = Knowledge({"networks": Space(laws={"latency_ms a-cpu": replace(learnt(), constant=7.0)})})
    found = (knowledge | newer).law(PROBLEM)
    assert found is not None
    assert found.constant == 7
    assert knowledge.law(Problem("elsewhere", PROBLEM.metric)) is None


def test_what_is_larger_than_all_that_was_read_costs_what_the_law_says(inference: Inference) -> None:
    known = {"networks": Space({PROBLEM.metric: Known(0.9)}, laws={PROBLEM.metric: learnt()})}
    plain = Inference(
        inference.network, inference.tokenizer, Knowledge({"networks": replace(known["networks"], laws={})})
    )
    extended = Inference(inference.network, inference.tokenizer, Knowledge(known))
    texts = [text(1, 1), text(1e4, 1), text(1e5, 1), text(1e6, 1)]
    before, after = plain.predict(PROBLEM, texts), extended.predict(PROBLEM, texts)
    assert after.mean[0] == pytest.approx(before.mean[0])
    assert after.mean[1:] == pytest.approx([3e4, 3e5, 3e6], rel=1e-2)
    assert after.trust[0] == before.trust[0]
    assert (after.trust[1:] < before.trust[1:]).all()
    _, reading = extended.read(PROBLEM, texts)
    assert reading.prior == pytest.approx(after.mean)


def test_where_words_are_new_the_law_has_a_say(inference: Inference) -> None:
    space = Space({PROBLEM.metric: Known(0.9)}, vocabulary=vocabulary(f"{text(1, 1)} conv"))
    known, lawful = ({"networks": replace(space, laws=laws)} for laws in ({}, {PROBLEM.metric: learnt()}))
    plain, extended = (Inference(inference.network, inference.tokenizer, Knowledge(each)) for each in (known, lawful))
    texts = [f"{text(1, 1)} {word}" for word in ("conv", "attention")]
    before, after = plain.predict(PROBLEM, texts), extended.predict(PROBLEM, texts)
    assert after.mean[0] == pytest.approx(before.mean[0])
    cost = learnt()(texts)[0][1]
    assert min(before.mean[1], cost) < after.mean[1] < max(before.mean[1], cost)
    assert after.trust == pytest.approx(before.trust)
