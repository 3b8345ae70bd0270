"""What is asked about: what may run, once."""

from __future__ import annotations

from collections.abc import Callable

from fake_config import FakeConfig
from launches import product

from prerank.integrations.triton_obstacles import possible, spills_of
from prerank.search_spaces.launch_limits import limits

DOT = "def mine(): tl.dot(a, b)"


def config(block: int, hook: Callable[..., None] | None = None) -> FakeConfig:
    return FakeConfig({"BLOCK_M": block, "BLOCK_N": 64, "BLOCK_K": 32}, pre_hook=hook)


def test_of_equal_configurations_the_first_is_asked_about() -> None:
    def hook() -> None: ...

    configs = [config(64), config(32), config(64), config(32), config(64, hook), config(16)]
    tuning = product(("float16", "float16"), (512, 512, 512), configs)
    assert possible(tuning, {}, {0}) == [0, 1, 4, 5]
    assert possible(tuning, {5: "too large"}, {2}) == [0, 1, 2, 4]
    assert possible(tuning, {5: "too large"}, {5}) == [0, 1, 4, 5]


def test_only_products_have_sums_that_spill() -> None:
    own, device = [config(64), config(512)], limits("NVIDIA A100")
    sizes = ("float16", "float16"), (512, 512, 512)
    assert spills_of(product(*sizes, own, DOT), device) == {1: "an accumulator of 256 registers a thread, of 255"}
    assert spills_of(product(*sizes, own), device) == {}
