from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from prerank.search_spaces import nas_bench_101
from prerank.surrogate.fields import Fields
from prerank.surrogate.forest import Forest
from prerank.surrogate.metrics import spearman
from prerank.surrogate.reading import Reading


def texts(count: int) -> list[str]:
    rng = np.random.default_rng(0)
    return [f"block={2 ** rng.integers(4, 9)} warps={2 ** rng.integers(0, 4)}" for _ in range(count)]


def reading(texts: list[str]) -> Reading:
    nothing = np.zeros((len(texts), 1))
    return Reading(texts, nothing[:, 0], nothing[:, 0], nothing[:, 0], nothing, nothing)


def forest(known: list[str], y: NDArray[np.float64]) -> Forest:
    return Forest(Fields(known), known, y)


def value(text: str) -> float:
    block, warps = (int(word.split("=")[1]) for word in text.split())
    return abs(np.log2(block) - 6) + (warps == 8)


def test_the_fields_of_a_text_tell_its_score() -> None:
    known, new = texts(80), texts(120)[80:]
    y = np.array([value(text) for text in known])
    trees = forest(known, y)
    assert spearman(trees(reading(new))[0], np.array([value(text) for text in new])) > 0.9
    assert np.mean((trees.left_out - y) ** 2) < y.var() / 4


def test_how_the_operations_of_a_cell_are_joined_tells_its_score() -> None:
    rng = np.random.default_rng(0)
    cells = nas_bench_101.sample(rng, 160)
    known, new = (list(map(nas_bench_101.to_text, part)) for part in (cells[:80], cells[80:]))
    depth = {text: float(longest_way(text)) for text in (*known, *new)}
    expected, _ = forest(known, np.array([depth[text] for text in known]))(reading(new))
    assert spearman(expected, np.array([depth[text] for text in new])) > 0.95


def longest_way(text: str) -> int:
    lengths: list[int] = []
    for word in text.split():
        _, _, sources = word.partition("<")
        lengths.append(1 + max((lengths[int(source)] for source in sources.split(",") if source), default=-1))
    return lengths[-1]


def test_a_candidate_is_left_out_of_what_is_expected_of_it() -> None:
    known = texts(40)
    y = np.random.default_rng(1).normal(size=40)
    assert spearman(forest(known, y).left_out, y) < 0.3


def test_texts_without_fields_are_expected_to_be_alike() -> None:
    y = np.arange(6.0)
    trees = forest(["candidate"] * 6, y)
    assert trees(reading(["candidate", "another"]))[0].tolist() == [2.5, 2.5]
    assert trees.left_out.tolist() == [3.0, 2.8, 2.6, 2.4, 2.2, 2.0]


def test_equal_observations_give_equal_trees() -> None:
    known = texts(30)
    y = np.array([value(text) for text in known])
    assert np.array_equal(forest(known, y)(reading(texts(50))), forest(known, y)(reading(texts(50))))


def test_the_order_of_observing_does_not_matter() -> None:
    known = list(dict.fromkeys(texts(80)))
    y = np.array([value(text) for text in known])
    one, other = forest(known, y), forest(known[::-1], y[::-1])
    assert np.array_equal(one.left_out, other.left_out[::-1])
    assert np.array_equal(one(reading(texts(50)))[0], other(reading(texts(50)))[0])


def test_nothing_is_expected_of_no_candidate() -> None:
    assert forest(texts(10), np.arange(10.0))(reading([]))[0].shape == (0,)
