"""Values of configurations that are no numbers and no words: what tells them apart."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_config import FakeConfig
from launches import constexpr, dtype

from prerank.integrations.triton_config import config_key, config_words
from prerank.integrations.triton_launch import Tuning, read_tuning
from prerank.integrations.triton_obstacles import possible
from prerank.integrations.triton_values import are_equal, tuned_word


class Order(Enum):
    ROW = object()
    COLUMN = object()


@dataclass(frozen=True)
class Tile:
    m: Any
    n: int = 8


def double(x: float) -> float:
    return 2 * x


LAMBDAS: list[Callable[[float], float]] = [lambda x: x, lambda x: 2 * x]


def tuning(*values: Any) -> Tuning:
    return read_tuning(None, [FakeConfig({"BLOCK": 64, "OF": value}) for value in values], {}, {}, "")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (list(Order), True),
        ([Tile(1), Tile(2)], True),
        ([[1, 2], [1, 3]], True),
        ([(1, [2]), (1, [3])], True),
        ([{"m": 1}, {"m": 2}], True),
        ([np.int64(1), np.int64(2)], True),
        ([None, "relu"], True),
        ([1, "1"], False),
        (LAMBDAS, False),
        ([functools.partial(double, 1.0), functools.partial(double, 2.0)], False),
        ([object(), 1], False),
    ],
)
def test_values_of_any_kind_are_told_apart(values: list[Any], told: bool) -> None:
    """Whatever differs is ranked; where no text tells of it that is the same in all processes, nothing is settled."""
    own = tuning(*values, *values)
    assert possible(own, {}, set()) == [0, 1]
    assert own.is_told == told
    assert told == (len(set(own.keys)) == 2 and not any("?" in key for key in own.keys))


def test_texts_are_the_same_in_all_processes() -> None:
    assert tuned_word(Order.ROW) == "Order.ROW"
    assert tuned_word(Tile(1)) == "Tile(m=1, n=8)"
    assert tuned_word(np.int64(64)) == 64
    assert tuned_word(np.float32(0.5)) == 0.5
    assert tuned_word(dtype("torch.float16")) == "float16"
    assert tuned_word(Tile(LAMBDAS[0])) is tuned_word(None) is tuned_word(object()) is None
    assert str(tuned_word(double)).startswith("double_")


def test_the_model_reads_what_has_a_word() -> None:
    hidden = FakeConfig({"BLOCK": 64, "ACT": LAMBDAS[0], "TILES": [2, constexpr(4)]})
    read = {"BLOCK": 64, "TILES.0": 2, "TILES.1": 4, "num_warps": 4, "num_stages": 3}
    assert config_words(hidden) == read
    assert config_key(hidden) == "BLOCK=64 ACT=? TILES.0=2 TILES.1=4 num_warps=4 num_stages=3"
    assert config_key(hidden) != config_key(FakeConfig({"BLOCK": 64, "TILES": [2, 4]}))


def test_what_cannot_be_compared_is_equal_to_itself_alone() -> None:
    one, other = np.zeros(2), np.zeros(2)
    assert are_equal({"a": one}, {"a": one})
    assert not are_equal({"a": one}, {"a": other})
    assert not are_equal({"a": 1}, {"b": 1})
    assert not are_equal({"a": 1}, {"a": True})
    assert are_equal({"a": constexpr(64)}, {"a": 64})


def test_launches_with_and_without_what_cannot_be_read_are_told_apart() -> None:
    keys = {read_tuning(None, [], given, {}, "").launch.key for given in ({"n": 8}, {"n": 8, "act": object()})}
    assert len(keys) == 2


@pytest.mark.usefixtures("interpreted")
@pytest.mark.parametrize("form", [lambda prune: prune, dict])
def test_configurations_that_differ_in_what_has_no_text_are_kept_and_settle_nothing(
    form: Callable[[Any], Any], tmp_path: Path
) -> None:
    triton = pytest.importorskip("triton")
    from pruned_launches import FakeSurrogate, kernel, pruned, quiet

    blocks = {"BLOCK_SIZE_M": 64, "BLOCK_SIZE_N": 64, "BLOCK_SIZE_K": 32}
    configs = [triton.Config({**blocks, "ACT": own}) for own in (lambda x: x, lambda x: -x, 1 + 1j, 2j, 2j)]
    surrogate = FakeSurrogate()
    theirs = {"early_config_prune": lambda configs, *_, **__: configs} if form is dict else {}
    for _ in range(2):
        assert pruned(kernel(form(quiet(surrogate=surrogate)) | theirs, configs=configs)) == configs[:4]
    assert [len(texts) for texts in surrogate.asked if len(texts) > 1] == [4, 4]
    assert not list(tmp_path.rglob("*.decisions.jsonl"))
