"""What is asked about: what may run, once."""

from __future__ import annotations

from collections.abc import Callable

from fake_config import FakeConfig
from launches import product, source

from prerank.integrations.triton_obstacles import obstacles_of, possible, spills_of
from prerank.search_spaces.launch_limits import limits


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
    assert spills_of(product(*sizes, own), device) == {1: "an accumulator of 256 registers a thread, of 255"}
    assert spills_of(product(*sizes, own, "def mine(): tl.store(C, 1)"), device) == {}


def test_sums_of_16_bits_are_counted_as_such() -> None:
    own, device = [config(64), config(1024)], limits("NVIDIA A100")
    wide, narrow = (source(f"acc = tl.dot(a, b, acc, out_dtype=tl.float{bits})") for bits in (32, 16))
    sizes = ("float16", "float16"), (512, 512, 512, 512, 1, 512, 1)
    assert list(obstacles_of(product(*sizes, own, wide), device)) == [1]
    assert obstacles_of(product(*sizes, own, narrow), device) == {}


def test_a_product_of_other_tiles_is_not_bounded() -> None:
    """As that of a linear layer's weights, whose sums are block_k x block_n."""
    own, device = [config(64), config(1024)], limits("NVIDIA A100")
    turned = source().replace("BLOCK_M", "BLOCK_X").replace("BLOCK_K", "BLOCK_M").replace("BLOCK_X", "BLOCK_K")
    sizes = ("float16", "float16"), (512, 512, 512, 512, 1, 512, 1)
    assert list(obstacles_of(product(*sizes, own), device)) == [1]
    assert obstacles_of(product(*sizes, own, turned), device) == spills_of(product(*sizes, own, turned), device) == {}
