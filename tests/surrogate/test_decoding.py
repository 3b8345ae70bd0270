from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from prerank.surrogate import Problem, RLMSurrogate, decoding
from prerank.surrogate.codec import DECADES, DIGITS, FAILED, FIRST, GRAMMAR, HEADS, decode, encode
from prerank.surrogate.decoding import HEAD_FLOOR, TOLERANCE, _heads, _without_tails
from prerank.surrogate.inference import Inference
from prerank.surrogate.knowledge import Knowledge, Known, Space

PROBLEM = Problem("c", "m")
ALL = np.ones((3, HEADS), dtype=np.bool_)


@torch.inference_mode()
def exhaustive(inference: Inference, text: str, heads: int = 40) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All numbers of the heads that count, and their probabilities, by teacher forcing."""
    (memory,) = inference._read(PROBLEM, [text])
    metric = inference._metrics(["m"])[None]
    first = inference.model(metric, torch.from_numpy(FIRST)[None, None], memory)[0].double().softmax(-1)[0].numpy()
    first[FAILED] = 0
    first /= first.sum()
    floor, most = np.array([[HEAD_FLOOR]]), np.array([[first.max() / 2]])
    weight = _without_tails(np.maximum(first - HEAD_FLOOR, 0)[None], floor, most)[0]
    values, masses = [], []
    digits = np.array(list(itertools.product(range(10), repeat=DIGITS)))[10 ** (DIGITS - 1) :]  # none begins with 0
    for head in np.argsort(-weight)[: min(heads, np.count_nonzero(weight))]:
        tokens = np.hstack([np.full((len(digits), 1), head), digits]) + FIRST
        parts = inference.model(metric.expand(1, len(digits), -1), torch.from_numpy(tokens)[None], memory)
        log = torch.stack(
            [parts[p].double().log_softmax(-1)[range(len(digits)), digits[:, p - 1]] for p in range(1, DIGITS + 1)]
        ).sum(0)
        values.append(decode(tokens))
        masses.append(weight[head] * np.exp(log.numpy()) / np.exp(log.numpy()).sum())
    mass = np.concatenate(masses)
    return np.concatenate(values), mass / mass.sum()


@pytest.mark.parametrize(
    ("spread", "left"),
    [
        ({-2: 0.9, -1: 0.08, 4: 0.02}, {-2, -1}),
        ({0: 0.25, 1: 0.25, 2: 0.25, 3: 0.25}, {0, 1, 2, 3}),
        ({0: 0.6, 5: 0.4}, {0, 5}),
    ],
)
def test_a_little_mass_many_decades_away_does_not_make_the_mean(spread: dict[int, float], left: set[int]) -> None:
    probability = np.zeros((1, HEADS))
    for decade, mass in spread.items():
        probability[0, np.flatnonzero(decade == DECADES)[0]] = mass  # of the positive ones, which come first
    branches, _ = _heads(probability)
    kept = branches.symbols[0, branches.mass[0] > 0, 0]
    assert set(DECADES[kept].tolist()) == left


def test_the_tree_agrees_with_all_numbers(inference: Inference, texts: list[str]) -> None:
    for text in texts:
        values, mass = exhaustive(inference, text)
        mean = mass @ values
        std = np.sqrt(mass @ (values - mean) ** 2)
        p = inference.predict(PROBLEM, [text])
        assert abs(p.mean[0] - mean) <= TOLERANCE * std
        assert p.std[0] == pytest.approx(std, rel=0.02)


def test_masses_sum_to_one_and_leaves_are_intervals(inference: Inference, texts: list[str]) -> None:
    p = inference.predict(PROBLEM, texts)
    assert p.mass.sum(axis=1) == pytest.approx(np.ones(len(texts)))
    assert (p.mass >= 0).all()
    assert (p.lower <= p.upper).all()


def test_the_same_call_gives_the_same_bits(inference: Inference, texts: list[str]) -> None:
    assert len({inference.predict(PROBLEM, texts).mean.tobytes() for _ in range(20)}) == 1


def test_batches_and_order_hardly_change_anything(inference: Inference, texts: list[str]) -> None:
    whole = inference.predict(PROBLEM, texts)
    alone = [inference.predict(PROBLEM, [text]) for text in texts]
    assert whole.mean == pytest.approx([p.mean[0] for p in alone], rel=1e-5)
    assert whole.std == pytest.approx([p.std[0] for p in alone], rel=1e-5)
    assert whole.mean[::-1] == pytest.approx(inference.predict(PROBLEM, texts[::-1]).mean, rel=1e-5)


@given(st.lists(st.integers(0, 40), max_size=60))
def test_candidates_are_grouped_by_their_branches_and_each_is_in_one_group(breadth: list[int]) -> None:
    groups = decoding._alike(np.array(breadth, dtype=np.intp))
    assert sorted(np.concatenate(groups).tolist()) == list(range(len(breadth)))
    bounds = [(min(breadth[row] for row in rows), max(breadth[row] for row in rows)) for rows in groups if len(rows)]
    assert all(last < first for (_, last), (first, _) in itertools.pairwise(bounds))


@pytest.mark.parametrize("least", [0, 10**9], ids=["each breadth apart", "all together"])
def test_groups_change_no_answer(
    inference: Inference, texts: list[str], least: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [*texts, *(f"a{n} b{n % 3}" for n in range(30))]
    expected = inference.predict(PROBLEM, many)
    monkeypatch.setattr(decoding, "_PASS", least)
    found = inference.predict(PROBLEM, many)
    assert found.mean == pytest.approx(expected.mean, rel=1e-5)
    assert found.std == pytest.approx(expected.std, rel=1e-5)
    assert found.quantile(0.1) == pytest.approx(expected.quantile(0.1), rel=1e-4)


def test_a_sure_failure_still_has_a_finite_mean(surrogate: RLMSurrogate) -> None:
    inference = surrogate._inference
    with torch.no_grad():
        inference.model.output.bias[FAILED] = 50
    inference.knowledge = Knowledge({PROBLEM.context: Space({PROBLEM.metric: Known(0.9)})})
    p = inference.predict(PROBLEM, ["a"])
    assert p.p_fail[0] > 0.99
    assert np.isfinite(p.mean[0])


def test_a_sure_number_is_decoded_to_the_last_digit(surrogate: RLMSurrogate) -> None:
    inference, tokens = surrogate._inference, [0] * (1 + DIGITS)
    with torch.no_grad():
        for position, part in enumerate(GRAMMAR):
            tokens[position] = part.start + (7 if position else 400)
            inference.model.output.bias[tokens[position]] += 60
    p = inference.predict(PROBLEM, ["a"])
    assert p.mean[0] == pytest.approx(decode(np.array([tokens]))[0], rel=0.005)


def test_a_digit_depends_on_the_digits_before_it_and_on_no_others(
    surrogate: RLMSurrogate, texts: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoding, "TOLERANCE", 1e-12)  # every branch is divided to its last digit
    with torch.no_grad():
        surrogate._inference.model.output.bias[int(encode([3.14])[0, 0])] = 60
        surrogate._inference.model.output.bias[int(FIRST[1])] = -60  # no mantissa begins with 0
    for text in texts:
        p, (values, mass) = surrogate.predict(PROBLEM, [text]), exhaustive(surrogate._inference, text)
        leaf = np.searchsorted(np.sort(values), p.lower[0] + 0.005 - 1e-9)
        found = np.bincount(leaf, p.mass[0], minlength=len(values))
        assert found == pytest.approx(mass[np.argsort(values)], abs=1e-7)


def test_quantiles_agree_with_all_numbers(inference: Inference, texts: list[str]) -> None:
    levels = (np.arange(200) + 0.5) / 200
    for text in texts:
        values, mass = exhaustive(inference, text)
        order = np.argsort(values)
        exact = values[order][np.searchsorted(np.cumsum(mass[order]), levels).clip(max=len(values) - 1)]
        p = inference.predict(PROBLEM, [text])
        away = np.abs([p.quantile(level)[0] for level in levels] - exact).mean()  # the Wasserstein distance
        assert away <= TOLERANCE * np.sqrt(mass @ (values - mass @ values) ** 2)


def test_quantiles_of_a_decoded_prediction_rise(inference: Inference, texts: list[str]) -> None:
    p = inference.predict(PROBLEM, [*texts, *(f"a{n} b" for n in range(30))])
    quantiles = np.array([p.quantile(q) for q in np.linspace(0, 1, 101)])
    assert (np.diff(quantiles, axis=0) >= -1e-9 * p.std).all()


def test_a_positive_head_says_no_negative_number(surrogate: RLMSurrogate) -> None:
    inference = surrogate._inference
    with torch.no_grad():
        inference.model.output.bias[int(encode([3.14])[0, 0])] = 60  # the digits stay open
    p = inference.predict(PROBLEM, ["a"])
    assert p.lower[p.mass > 0].min() > 0.995 - 1e-9
    assert p.upper[p.mass > 0].max() < 9.995 + 1e-9


def test_a_small_change_of_the_scores_changes_little(surrogate: RLMSurrogate, texts: list[str]) -> None:
    inference = surrogate._inference
    before = inference.predict(PROBLEM, texts)
    with torch.no_grad():
        weight = inference.model.output.weight
        weight += 1e-6 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(0))
    after = inference.predict(PROBLEM, texts)
    assert not np.array_equal(before.mean, after.mean)
    assert (np.abs(after.mean - before.mean) <= 1e-3 * before.std).all()
    assert after.std == pytest.approx(before.std, rel=1e-3)


def test_an_outline_is_of_each_metric_alone(inference: Inference, texts: list[str]) -> None:
    (memory,) = inference._read(PROBLEM, texts)
    metrics = inference._metrics(["m", "k", "latency_ms"])
    means, states = decoding.outline(inference.network.write(metrics, memory), ALL)
    swapped, others = decoding.outline(inference.network.write(metrics[[2, 0, 1]], memory), ALL)
    assert means.shape == (len(texts), 3)
    np.testing.assert_allclose(means[:, [2, 0, 1]], swapped, rtol=1e-4)
    np.testing.assert_allclose(states[:, [2, 0, 1]], others, rtol=1e-4, atol=1e-5)


def test_an_outline_of_a_sure_number_is_the_number_to_two_digits(surrogate: RLMSurrogate) -> None:
    inference, tokens = surrogate._inference, [0] * (1 + DIGITS)
    with torch.no_grad():
        for position, part in enumerate(GRAMMAR):
            tokens[position] = part.start + (7 if position else 400)
            inference.model.output.bias[tokens[position]] += 60
    (memory,) = inference._read(PROBLEM, ["a", "b c"])
    writer = inference.network.write(inference._metrics(["m", "k"]), memory)
    means, _ = decoding.outline(writer, ALL[:2])
    assert means == pytest.approx(np.full((2, 2), decode(np.array([tokens]))[0]), rel=0.02)
