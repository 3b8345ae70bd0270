import pytest
from hypothesis import given
from hypothesis import strategies as st

from prerank.search_spaces.launch_limits import Limits, limits, obstacle, spill

FP16 = (2, 2)


def config(m: int, n: int, k: int, stages: int = 3, warps: int = 4, **beside: int) -> dict[str, int]:
    return {"block_m": m, "block_n": n, "block_k": k, "stages": stages, "warps": warps, **beside}


@pytest.mark.parametrize(
    ("device", "own", "itemsizes", "word"),
    [
        ("NVIDIA A100", config(128, 256, 64, stages=5, warps=8), FP16, "192 KB of shared memory; a block has 163"),
        ("NVIDIA A100", config(128, 256, 64, stages=4, warps=8), FP16, None),
        ("NVIDIA A100", config(128, 128, 64, stages=4, warps=8), (4, 4), "192 KB"),
        ("NVIDIA H100", config(128, 256, 64, stages=5, warps=8), FP16, None),
        ("NVIDIA H100", config(128, 256, 64, stages=6, warps=8), FP16, "240 KB of shared memory; a block has 227"),
        ("NVIDIA H100", config(128, 128, 128, stages=4, warps=8), (4, 4), None),
        ("NVIDIA GeForce RTX 2080 Ti", config(128, 256, 64, stages=5, warps=8), FP16, None),
        ("NVIDIA A100", config(256, 256, 32, warps=4), FP16, "an accumulator of 512 registers"),
        ("NVIDIA A100", config(256, 256, 32, warps=8), FP16, None),
        ("NVIDIA B200", config(256, 256, 32, warps=4), FP16, None),
        ("NVIDIA A100", config(64, 64, 32, warps=64), FP16, "2048 threads of 1024"),
        ("AMD MI300X", config(64, 64, 32, warps=32), FP16, "2048 threads"),
        ("NVIDIA A100", config(64, 64, 32, warps=0), FP16, "0 warps in 1 blocks"),
        ("NVIDIA H100", config(64, 64, 32, ctas=0), FP16, "warps in 0 blocks"),
        ("NVIDIA A100", config(64, 64, 32, ctas=2), FP16, "2 blocks a cluster; ampere has none"),
        ("NVIDIA H100", config(64, 64, 32, ctas=2), FP16, None),
        ("NVIDIA A100", config(2048, 1024, 16, warps=32), FP16, "a tile of 2097152 elements"),
        ("Frobnicator 9", config(128, 256, 64, stages=9), FP16, None),
        ("NVIDIA A100", config(128, 256, 64, stages=9), None, None),
    ],
)
def test_obstacles(device: str, own: dict[str, int], itemsizes: tuple[int, int] | None, word: str | None) -> None:
    found = obstacle(own, limits(device), itemsizes)
    assert found is None if word is None else found is not None and word in found


def test_operands_too_small_to_be_copied_asynchronously_are_held_once() -> None:
    """256x16x64 in 6 stages runs with 32 warps (2 KB of an operand for 1,024 threads) and would not with 8."""
    small = config(256, 16, 64, stages=6, warps=32)
    assert obstacle(small, limits("NVIDIA A100"), FP16) is None
    assert obstacle(small | {"warps": 8}, limits("NVIDIA A100"), FP16) is not None


def test_wide_operands_are_counted_once_on_hopper_though_they_may_be_narrow() -> None:
    own = config(128, 256, 64, stages=6, warps=8)
    assert obstacle(own, limits("NVIDIA H100"), FP16) is not None
    assert obstacle(own, limits("NVIDIA H100"), FP16, wide=True) is None


def test_narrow_operands_whose_rows_begin_anywhere_are_held_once() -> None:
    narrow, wide = config(128, 256, 64, stages=5, warps=8), config(128, 128, 64, stages=4, warps=8)
    assert obstacle(narrow, limits("NVIDIA A100"), FP16) is not None
    assert obstacle(narrow, limits("NVIDIA A100"), FP16, aligned=False) is None
    assert obstacle(narrow | {"block_k": 512}, limits("NVIDIA A100"), FP16, aligned=False) is not None
    assert obstacle(wide, limits("NVIDIA A100"), (4, 4), aligned=False) is not None


def test_of_a_product_without_a_pipelined_loop_one_stage_counts() -> None:
    own = config(128, 256, 64, stages=5, warps=8)
    assert obstacle(own, limits("NVIDIA A100"), FP16, pipelined=False) is None
    assert obstacle(own | {"block_k": 512}, limits("NVIDIA A100"), FP16, pipelined=False) is not None


def test_sums_of_16_bits_take_half_the_registers() -> None:
    large, device = config(256, 256, 32, warps=4), limits("NVIDIA A100")
    assert "512 registers" in (obstacle(large, device, FP16) or "")
    assert obstacle(large, device, FP16, sum_size=2) is None
    assert spill(large, device, 2) == "an accumulator of 256 registers a thread, of 255"
    assert spill(large | {"block_n": 128}, device, 2) is None


def test_the_driver_knows_better_than_the_list() -> None:
    own = config(64, 64, 64, stages=4)
    assert obstacle(own, limits("NVIDIA A100"), FP16) is None
    assert obstacle(own, limits("NVIDIA A100", shared=32 * 1024), FP16) is not None


@pytest.mark.parametrize(
    ("device", "own", "word"),
    [
        ("NVIDIA A100", config(256, 128, 32, warps=4), "an accumulator of 256 registers a thread, of 255"),
        ("NVIDIA A100", config(128, 128, 32, warps=4), None),
        ("NVIDIA A100", config(256, 256, 32, warps=16), "128 registers a thread, of 128"),
        ("NVIDIA H100", config(256, 256, 32, warps=8, ctas=2), None),
        ("NVIDIA B200", config(256, 256, 32, warps=4), None),
        ("AMD MI300X", config(256, 256, 32, warps=4), None),
        ("NVIDIA A100", config(256, 256, 32, warps=0), None),
        ("NVIDIA A100", {"warps": 4}, None),
    ],
)
def test_sums_that_fill_the_registers_of_their_threads_spill(
    device: str, own: dict[str, int], word: str | None
) -> None:
    found = spill(own, limits(device))
    assert found is None if word is None else found is not None and word in found


sizes = st.sampled_from([16, 32, 64, 128, 256])


@given(sizes, sizes, sizes, st.integers(2, 8), st.sampled_from([1, 2, 4, 8, 16]))
def test_less_of_anything_that_runs_runs(m: int, n: int, k: int, stages: int, warps: int) -> None:
    device = Limits("ampere", 163 * 1024)
    if obstacle(config(m, n, k, stages, warps), device, FP16) is None:
        assert obstacle(config(m, n, k, stages - 1, warps), device, FP16) is None
        assert obstacle(config(m, n, k, stages, warps), Limits("ampere", 227 * 1024), FP16) is None
