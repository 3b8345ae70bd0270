from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.codec import DIGITS, FAILED, FIRST, GRAMMAR, decode
from prerank.surrogate.decoding import HEAD_FLOOR, TOLERANCE
from prerank.surrogate.inference import Inference

PROBLEM = Problem("c", "m")


@torch.inference_mode()
def exhaustive(inference: Inference, text: str, heads: int = 40) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """All numbers of the heads that count, and their probabilities, by teacher forcing."""
    (memory,) = inference._read(PROBLEM, [text])
    metric = inference._metrics(["m"])[None]
    first = inference.model(metric, torch.from_numpy(FIRST)[None, None], memory)[0].double().softmax(-1)[0].numpy()
    first[FAILED] = 0
    weight = np.maximum(first / first.sum() - HEAD_FLOOR, 0)
    values, masses = [], []
    digits = np.array(list(itertools.product(range(10), repeat=DIGITS)))
    for head in np.argsort(-weight)[: min(heads, np.count_nonzero(weight))]:
        tokens = np.hstack([np.full((len(digits), 1), head), digits]) + FIRST
        parts = inference.model(metric.expand(1, len(digits), -1), torch.from_numpy(tokens)[None], memory)
        log = torch.stack(
            [parts[p].double().log_softmax(-1)[range(len(digits)), digits[:, p - 1]] for p in range(1, DIGITS + 1)]
        ).sum(0)
        values.append(decode(tokens))
        masses.append(weight[head] * np.exp(log.numpy()))
    mass = np.concatenate(masses)
    return np.concatenate(values), mass / mass.sum()


def test_the_tree_agrees_with_all_numbers(inference: Inference, texts: list[str]) -> None:
    for text in texts:
        values, mass = exhaustive(inference, text)
        mean = mass @ values
        std = np.sqrt(mass @ (values - mean) ** 2)
        p = inference.predict(PROBLEM, [text])
        leaves = p.mass.shape[1]
        assert abs(p.mean[0] - mean) <= TOLERANCE * std * min(leaves, 20)
        assert p.std[0] == pytest.approx(std, rel=0.1)


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


def test_a_sure_failure_still_has_a_finite_mean(surrogate: RLMSurrogate) -> None:
    inference = surrogate._inference
    with torch.no_grad():
        inference.model.output.bias[FAILED] = 50
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
