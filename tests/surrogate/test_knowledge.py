from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.surrogate import Problem, belief
from prerank.surrogate.codec import FAILED, HEADS, encode
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge, Known, Space
from prerank.surrogate.wording import names_in

LATENCIES = {"latency_ms pixel 3": Known(0.8, 1.0, 50.0), "latency_ms pixel 4": Known(0.2), "params": Known(-0.5)}
KNOWLEDGE = Knowledge({"space": Space(LATENCIES, frozenset({"gpu-1", "m="}))})


def test_a_word_that_many_share_makes_nothing_alike() -> None:
    knowledge = Knowledge({"convolution kernel": Space({"m": Known(0.9)}), "triton matmul": Space({"m": Known(0.9)})})
    assert knowledge.read_as("kernel\nfacts") == "kernel\nfacts"
    assert belief.trust(knowledge, Problem("kernel", "m")) == 0
    assert knowledge.read_as("triton\nfacts") == "triton\nfacts"
    assert knowledge.read_as("matmul\nfacts") == "triton matmul\nfacts"


@given(st.floats(1e-9, 1e9), st.floats(1, 1e6), st.floats(0, 1))
def test_all_that_was_measured_is_allowed_and_strays_are_not(least: float, times: float, place: float) -> None:
    most = least * times
    knowledge = Knowledge({"s": Space({"m": Known(0.5, least, most)})})
    for heads in (knowledge.heads(Problem("s", "m")), knowledge.heads(Problem("other", "m at another place"))):
        inside = min(max(least * times**place, least), most)
        assert heads[encode([least, inside, most])[:, 0]].all()
        assert heads[encode([least / 5, most * 5])[:, 0]].all()
        assert not heads[encode([least / 1000, most * 1000, -least])[:, 0]].any()
        assert heads[FAILED]


@given(st.floats(-1e6, -1e-6), st.floats(1e-6, 1e6))
def test_a_metric_of_both_signs_may_be_anything_between(least: float, most: float) -> None:
    heads = Knowledge({"s": Space({"m": Known(0.5, least, most)})}).heads(Problem("s", "m"))
    assert heads[encode([least, least * 1e-9, 0, most * 1e-9, most])[:, 0]].all()
    assert not heads[encode([least * 1000, most * 1000])[:, 0]].any()


def test_an_unknown_metric_may_be_any_number() -> None:
    assert KNOWLEDGE.heads(Problem("space", "energy_mj")).all()
    assert KNOWLEDGE.heads(Problem("space", "latency_ms pixel 4")).shape == (HEADS,)


def test_a_model_stays_within_what_was_measured(inference: Inference, texts: list[str]) -> None:
    inference.knowledge = Knowledge({"c": Space({"m": Known(0.5, 20.0, 30.0)})})
    p = inference.predict(Problem("c", "m"), texts)
    assert ((p.quantile(0.0) > 0.9) & (p.quantile(1.0) <= 1000)).all()
    _, read = inference.read(Problem("c", "m"), texts)
    assert ((read.outlines > 1) & (read.outlines < 1000)).all()


def test_knowledge_survives_a_file_and_of_two_the_newer_counts() -> None:
    kept = Knowledge.from_json(json.loads(json.dumps(KNOWLEDGE.to_json())))
    assert kept.spaces == KNOWLEDGE.spaces
    assert kept.spaces["space"].metrics["params"].most == sys.float_info.max
    newer = Knowledge({"space": Space({"params": Known(0.9)}, frozenset({"gpu-2"})), "other": Space()})
    both = kept | newer
    assert both.ranks == {"space": {"latency_ms pixel 3": 0.8, "latency_ms pixel 4": 0.2, "params": 0.9}, "other": {}}
    assert both.spaces["space"].names == {"gpu-1", "m=", "gpu-2"}
    assert kept.ranks["space"]["params"] == -0.5
    assert np.isfinite(belief.trust(both, Problem("other", "params")))


def test_a_metric_had_all_values_that_it_had_before() -> None:
    before, after = (Knowledge({"s": Space({"m": Known(rank, *ends)})}) for rank, *ends in ((0.9, 1, 5), (0.1, 3, 8)))
    assert (before | after).spaces["s"].metrics["m"] == Known(0.1, 1, 8)


def test_a_known_metric_answers_for_itself() -> None:
    assert KNOWLEDGE.answering(Problem("space", "params")) == {"params": 1}
    assert KNOWLEDGE.answering(Problem("space", "energy_mj")) == {"energy_mj": 1}
    assert KNOWLEDGE.answering(Problem("elsewhere", "params")) == {"params": 1}


def test_what_is_like_an_unknown_metric_stands_in_where_a_name_is_new() -> None:
    metrics = ["ms cat fast x=1", "ms cat slow x=1", "ms dog slow x=2", "params"]
    knowledge = Knowledge({"s": Space({metric: Known(0.8) for metric in metrics})})
    assert knowledge.answering(Problem("s", "ms cat slow x=9")) == {"ms cat slow x=9": 1}
    shares = knowledge.answering(Problem("s", "ms cat slim x=1"))
    assert sum(shares.values()) == pytest.approx(1)
    assert "ms cat slim x=1" not in shares
    assert shares["ms cat fast x=1"] == shares["ms cat slow x=1"] > shares["ms dog slow x=2"] > 0
    assert "params" not in shares
    assert "ms fish tall x=1" not in knowledge.answering(Problem("s", "ms fish tall x=1"))


def test_the_answer_for_an_unknown_device_is_that_of_known_ones(inference: Inference, texts: list[str]) -> None:
    inference.knowledge = Knowledge({"c": Space({"ms a": Known(0.9), "ms b": Known(0.9), "k": Known(0.9)})})
    unknown, one, other = (inference.predict(Problem("c", metric), texts) for metric in ("ms new", "ms a", "ms b"))
    assert unknown.mean == pytest.approx((one.mean + other.mean) / 2)
    assert unknown.p_fail == pytest.approx((one.p_fail + other.p_fail) / 2)
    assert unknown.mass.sum(axis=1) == pytest.approx(np.ones(len(texts)))
    adapted, _ = inference.read(Problem("c", "ms new"), texts)
    assert np.array_equal(adapted.mean, unknown.mean)


def test_in_an_unknown_space_metrics_of_all_others_are_looked_at() -> None:
    spaces = {f"s{n}": Space({f"m{n} {k}": Known(0.9) for k in range(n)}) for n in range(8)}
    found = Knowledge(spaces).metrics("unknown")
    assert len(found) == 16
    assert {metric.split()[0] for metric in found} == {f"m{n}" for n in range(1, 8)}
    assert Knowledge(spaces).metrics("s3\nmore") == ["m3 0", "m3 1", "m3 2"]
    assert not Knowledge().metrics("unknown")


def test_a_new_name_is_read_as_the_most_similar_known_one(inference: Inference) -> None:
    inference.knowledge = KNOWLEDGE
    new, known = (
        inference.predict(Problem(line, "latency_ms pixel 3"), ["a", "b"]) for line in ("space two\nm=1", "space\nm=1")
    )
    assert new.mean == pytest.approx(known.mean, rel=1e-12)
    assert KNOWLEDGE.read_as("space two\nm=1") == "space\nm=1"
    assert KNOWLEDGE.read_as("elsewhere\nm=1") == "elsewhere\nm=1"
    assert belief.claim(KNOWLEDGE, Problem("space two", "latency_ms pixel 3")) < belief.trust(
        KNOWLEDGE, Problem("space two", "latency_ms pixel 3")
    )


def test_nothing_fails_where_nothing_is_known(inference: Inference) -> None:
    inference.knowledge = KNOWLEDGE
    assert not inference.predict(Problem("elsewhere", "latency_ms"), ["a", "b"]).p_fail.any()
    assert not inference.predict(Problem("space", "energy_mj"), ["a", "b"]).p_fail.any()
    assert inference.predict(Problem("space", "latency_ms pixel 3"), ["a", "b"]).p_fail.all()


def test_vocabularies_grow_together_unless_one_is_not_known() -> None:
    one, other, unknown = (Knowledge({"s": Space(vocabulary=frozenset(text))}) for text in (["conv"], ["gelu"], []))
    assert (one | other).spaces["s"].vocabulary == {"conv", "gelu"}
    assert (Knowledge() | one).spaces["s"].vocabulary == {"conv"}
    assert belief.novelty(unknown | one, Problem("s", "m"), ["anything"]) == [0.0]
    assert belief.novelty(one | unknown, Problem("s", "m"), ["anything"]) == [0.0]
    assert Knowledge.from_json(one.to_json()).spaces == one.spaces


def test_a_number_that_never_varied_is_answered_by_the_metric_that_shares_the_others() -> None:
    one, other = "latency_ms batch=1 here threads=1", "latency_ms batch=32 here threads=1"
    knowledge = Knowledge({"c": Space({one: Known(0.9), other: Known(0.9)})})
    assert set(knowledge.answering(Problem("c", "latency_ms batch=1 here threads=2"))) == {one}
    assert set(knowledge.answering(Problem("c", "latency_ms batch=8 here threads=1"))) == {
        "latency_ms batch=8 here threads=1"
    }
    assert set(knowledge.answering(Problem("c", one))) == {one}


def test_each_device_stands_in_with_the_batch_that_is_asked() -> None:
    known = [f"latency_ms batch={batch} card-{n} gpu" for n in range(3) for batch in (1, 32)]
    knowledge = Knowledge({"c": Space({metric: Known(0.9) for metric in known})})
    shares = knowledge.answering(Problem("c", "latency_ms batch=32 card-9 gpu"))
    assert shares == pytest.approx({f"latency_ms batch=32 card-{n} gpu": 1 / 3 for n in range(3)})
    assert len(knowledge.answering(Problem("c", "latency_ms batch=8 card-9 gpu"))) == 4


def test_of_a_stranger_all_kinds_of_devices_tell_and_little_is_promised() -> None:
    known = [f"latency_ms batch={batch} phone-{n} phone cortex" for batch in (1, 32) for n in range(20)]
    cards = [f"latency_ms batch=1 nvidia-rtx-{n} gpu ampere units={n} ghz=1.5 gbs=900" for n in (3080, 3090)]
    knowledge = Knowledge({"c": Space({metric: Known(0.8) for metric in (*known, *cards)})})
    stranger, card, phone = (
        Problem("c", f"latency_ms batch=1 {name}") for name in ("apple-m2", "nvidia-rtx-4080", "phone-77")
    )
    shares = knowledge.answering(stranger)
    assert len(shares) == 8
    assert max(shares.values()) == min(shares.values())
    assert all("batch=1 " in metric for metric in shares)
    assert set(knowledge.answering(card)) >= set(cards)
    assert knowledge.answering(card)[cards[0]] > 0.3
    assert (
        belief.trust(knowledge, stranger)
        < belief.trust(knowledge, card)
        == pytest.approx(belief.trust(knowledge, phone))
    )


def test_words_that_say_little_do_not_tell_kernels_apart() -> None:
    knowledge = Knowledge({line: Space({"m": Known(0.9)}) for line in ("triton matmul", "triton matmul tutorial fp16")})
    assert knowledge.read_as("matmul kernel\nm=5") == "triton matmul\nm=5"
    assert (
        0
        < belief.trust(knowledge, Problem("matmul kernel", "m"))
        < belief.trust(knowledge, Problem("triton matmul kernel", "m"))
    )
    assert knowledge.read_as("softmax kernel\nm=5") == "softmax kernel\nm=5"


def test_a_context_may_begin_with_empty_lines() -> None:
    assert belief.trust(KNOWLEDGE, Problem("\n space\ngpu-1 m=5\n", "latency_ms pixel 3")) == pytest.approx(0.8)


PLACES = frozenset({
    "nvidia-rtx-2080-ti gpu turing units=68 ghz=1.55 shared_kb=64",
    "nvidia-a100 gpu ampere units=108 ghz=1.41 shared_kb=164",
})  # fmt: skip
NAMES = frozenset[str]().union(*map(names_in, PLACES)) | {"m="}


@pytest.mark.parametrize(
    ("second", "read"),
    [
        ("nvidia-titan-rtx gpu turing units=72 ghz=1.77 shared_kb=64", "nvidia-rtx-2080-ti"),
        ("nvidia-a100 gpu ampere units=108 ghz=1.2 shared_kb=164", "nvidia-a100"),
        ("amd-mi300x gpu cdna3 units=304 ghz=2.1 shared_kb=64", "amd-mi300x"),
        ("brand-new", "brand-new"),
        ("", ""),
    ],
)
def test_a_device_that_nobody_read_is_read_as_one_of_its_architecture(second: str, read: str) -> None:
    knowledge = Knowledge({"gemm": Space({"ms": Known(0.9)}, NAMES, places=PLACES)})
    asked = knowledge.read_as(f"gemm\n{second}\nm=5")
    assert asked.split("\n")[1].startswith(read)
    assert asked.split("\n")[::2] == ["gemm", "m=5"]
    assert knowledge.read_as(asked) == asked
    assert Knowledge.from_json(knowledge.to_json()).spaces == knowledge.spaces
    assert (Knowledge() | knowledge).spaces["gemm"].places == PLACES
    assert Knowledge({"gemm": Space(names=NAMES)}).read_as(f"gemm\n{second}") == f"gemm\n{second}"
