from __future__ import annotations

import pytest

from prerank.surrogate import Problem, belief
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge, Known, Space

LATENCIES = {"latency_ms pixel 3": Known(0.8, 1.0, 50.0), "latency_ms pixel 4": Known(0.2), "params": Known(-0.5)}
KNOWLEDGE = Knowledge({"space": Space(LATENCIES, frozenset({"gpu-1", "m="}))})


@pytest.mark.parametrize(
    ("context", "metric", "expected"),
    [
        ("space", "latency_ms pixel 3", 0.8),
        ("space\ngpu-1 m=5", "latency_ms pixel 3", 0.8),
        ("space\ngpu-1 m=-7.5 64", "latency_ms pixel 3", 0.8),
        ("space\ngpu-2 m=5", "latency_ms pixel 3", 0.64),
        ("space", "latency_ms pixel 9", 0.425),
        ("space", "latency_ms", 0.425),
        ("space", "params", 0.0),
        ("space", "energy_mj", 0.0),
        ("elsewhere", "latency_ms pixel 3", 0.0),
        ("space two", "latency_ms pixel 3", 0.4),
        ("space two three", "latency_ms pixel 3", 0.0),
    ],
)
def test_trust_is_what_validation_showed(inference: Inference, context: str, metric: str, expected: float) -> None:
    assert belief.trust(KNOWLEDGE, Problem(context, metric)) == pytest.approx(expected)
    inference.knowledge = KNOWLEDGE
    assert inference.predict(Problem(context, metric), ["a"]).trust == pytest.approx([expected])


def test_an_answer_of_others_claims_little_against_observations() -> None:
    assert belief.claim(KNOWLEDGE, Problem("space", "latency_ms pixel 3")) == belief.trust(
        KNOWLEDGE, Problem("space", "latency_ms pixel 3")
    )
    assert 0 < belief.claim(KNOWLEDGE, Problem("space", "latency_ms pixel 9")) < 0.4
    assert belief.claim(KNOWLEDGE, Problem("elsewhere", "latency_ms pixel 3")) == 0


@pytest.mark.parametrize(
    ("context", "metric", "unsure"),
    [
        ("space\ngpu-1 m=5", "latency_ms pixel 3", False),
        ("space\ngpu-2 m=5", "latency_ms pixel 3", True),
        ("space", "latency_ms pixel 9", True),
        ("space two", "latency_ms pixel 3", True),
        ("space\ngpu-2", "params", False),
        ("elsewhere", "latency_ms pixel 3", True),
        ("elsewhere", "accuracy", True),
    ],
)
def test_the_scale_of_a_new_device_is_unsure(context: str, metric: str, unsure: bool) -> None:
    assert (belief.error(KNOWLEDGE, Problem(context, metric)) > 0) == unsure


def test_where_no_space_was_read_none_is_strange() -> None:
    assert belief.error(Knowledge(), Problem("space", "accuracy")) == 0


def test_a_known_metric_is_off_as_validation_rows_were() -> None:
    knowledge = Knowledge({"space": Space({"latency_ms": Known(0.9, error=0.1)}, frozenset({"gpu-1"}))})
    assert belief.error(knowledge, Problem("space\ngpu-1", "latency_ms")) == 0.1
    assert belief.error(knowledge, Problem("space\ngpu-2", "latency_ms")) > 0.1


def test_a_kind_of_device_never_read_is_less_sure_than_another_device_of_a_known_kind() -> None:
    known, strange = (
        belief.error(KNOWLEDGE, Problem("space", f"latency_ms {name}")) for name in ("pixel 9", "eyeriss asic")
    )
    assert 0 < known < strange


def test_slowdowns_of_a_kernel_never_read_are_less_sure() -> None:
    knowledge = Knowledge({"triton matmul": Space({"slowdown": Known(0.9, error=0.02)})})
    assert belief.error(knowledge, Problem("triton matmul", "slowdown")) == 0.02
    assert belief.error(knowledge, Problem("triton matmul fp8", "slowdown")) > 0.1
    assert belief.error(knowledge, Problem("softmax", "slowdown")) == 1  # nothing is known of it at all


def test_a_text_with_words_never_read_is_believed_less(inference: Inference) -> None:
    space = Space({"m": Known(0.8, 1.0, 50.0)}, vocabulary=frozenset({"conv", "relu", "add"}))
    inference.knowledge = Knowledge({"c": space})
    texts = ["conv3x3c64+relu add~1,4", "conv1x1+gelu", "matmul:1x64"]
    assert belief.novelty(inference.knowledge, Problem("c", "m"), texts).tolist() == [0.0, 0.5, 1.0]
    assert inference.predict(Problem("c", "m"), texts).trust == pytest.approx([0.8, 0.4, 0.0])
    alone = inference.predict(Problem("c", "m"), texts)
    inference.knowledge = Knowledge({"c": Space(space.metrics)})
    read = inference.predict(Problem("c", "m"), texts)
    assert alone.mean == pytest.approx(read.mean)
    assert (alone.std > 1.001 * read.std).tolist() == [False, True, True]


def test_a_text_without_words_is_all_new() -> None:
    knowledge = Knowledge({"c": Space({"m": Known(0.8)}, vocabulary=frozenset({"conv"}))})
    assert belief.novelty(knowledge, Problem("c", "m"), ["", "12 < ?", "conv3x3"]).tolist() == [1.0, 1.0, 0.0]


def test_an_accuracy_on_other_data_may_be_on_another_level() -> None:
    known = Knowledge({"s": Space({"val_accuracy cifar10": Known(0.9)}, frozenset())})
    assert belief.factor_error(known, Problem("s", "val_accuracy cifar100")) > 0
    assert belief.factor_error(known, Problem("s", "val_accuracy cifar10")) == 0
    assert belief.factor_error(known, Problem("s", "params")) == 0
