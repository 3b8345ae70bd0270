"""Plain models of what ONNX networks cost."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from network_features import operators
from numpy.typing import NDArray
from unseen_families import KNOWN, cases, operator_wise, ranks, trees

from prerank.surrogate.measured import Measured


def network(convolutions: int, relus: int, value: float | None = None) -> Measured:
    totals = f"params_m=1 macs_m={convolutions}\nconv3x3_macs_m={convolutions}"
    text = f"{totals}\n{convolutions}*( conv3x3c8@8 {'relu ' * relus})"
    cost = 2.0 * convolutions + 0.1 * convolutions * relus + 1
    return Measured("onnx_graph", "latency_ms", text, cost if value is None else value, {"name": {"family": "plain"}})


def test_repeats_are_counted() -> None:
    words = "2*( conv3x3c8@8+relu 3*( add~1,4 )\nconv3x3c16s2@4 )~2 linear:1x10"
    text = f"macs_m=9 ops=20\nconv3x3_macs_m=7 linear_macs_m=2\n{words}"
    assert operators(text) == {
        "conv3x3_macs_m": 7,
        "linear_macs_m": 2,
        "conv3x3": 4,
        "add": 6,
        "linear": 1,
    }


def test_a_sum_of_costs_is_found() -> None:
    train = [network(convolutions, relus) for convolutions in range(1, 6) for relus in range(4)]
    asked = [network(9, 2), network(3, 7)]
    assert np.allclose(operator_wise(train, asked), [row.value for row in asked], rtol=0.02)


def test_trees_rank_what_they_learnt_from() -> None:
    train = [network(convolutions, relus) for convolutions in range(1, 30) for relus in range(4)]
    predicted = trees(train, [network(3, 1), network(12, 1), network(25, 1)])
    assert (np.diff(predicted) > 0).all()


def row(family: str, metric: str, text: str) -> Measured:
    return Measured("onnx_graph", metric, text, 1.0, {"name": {"family": family}})


def test_plain_models_learn_from_what_the_checkpoint_has_read_alone() -> None:
    here, otherwise = "latency_ms cpu onnxruntime threads=1", "latency_ms cpu onnxruntime threads=2"
    families = ("plain", "ofa", "residual")
    rows = [row(family, here, f"{family} {n}") for family in families for n in range(40)]
    rows += [row(family, otherwise, f"{family} 0") for family in families]
    found = {case["case"]: (others, own) for case, others, own in cases(rows)}
    assert {"ofa", KNOWN, "threads=2"} <= set(found)
    for others, own in found.values():
        assert {line.metric for line in others} == {here}
        assert {line.more["name"]["family"] for line in others} == {"plain", "residual"}
        assert not {line.key for line in others} & {line.key for line in own}
    assert {line.more["name"]["family"] for line in found["ofa"][1]} == {"ofa"}
    assert 0 < len(found[KNOWN][1]) < 20
    assert [line.candidate for line in found["threads=2"][1]] == ["plain 0", "residual 0"]


def test_what_was_measured_is_not_rated() -> None:
    own = [network(n, 0) for n in range(1, 13)]
    sizes: list[tuple[int, int]] = []

    def predict(seen: Sequence[Measured], asked: Sequence[Measured]) -> NDArray[np.float64]:
        sizes.append((len(seen), len(asked)))
        assert not {row.candidate for row in seen} & {row.candidate for row in asked}
        return np.array([row.value for row in asked])

    assert ranks(predict, own, 10, draws=3) == pytest.approx([1.0] * 3)
    assert ranks(predict, own, 0, draws=3) == pytest.approx([1.0])
    assert sizes == [(10, 2)] * 3 + [(0, 12)]
