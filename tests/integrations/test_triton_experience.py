"""What the timings of other launches teach."""

from __future__ import annotations

from launches import CONFIGS, product

from prerank.integrations.triton_experience import fastest_elsewhere, likeness, nearest
from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tensor, read_tuning
from prerank.integrations.triton_measurements import Log, Measurement


def test_the_nearest_launch_teaches() -> None:
    log = Log()
    for size, device in ((64, "NVIDIA A100"), (512, "NVIDIA A100"), (256, "NVIDIA H100")):
        tuning = product(("float16", "float16"), (size, size, size))
        there = {**tuning.launch.to_json(), "device": device}
        log.measurements += [Measurement(there, {"BLOCK_M": block}, 1.0) for block in range(5)]
    log.measurements += [Measurement(product(("float16", "float16"), (256,) * 3).launch.to_json(), {}, 1.0)]  # too few
    found = nearest(product(("float16", "float16"), (200, 256, 256)).launch, log)
    assert {m.launch["scalars"]["M"] for m in found} == {512}


def test_what_does_not_count_makes_no_distance() -> None:
    def launch(n: int, seed: int) -> Launch:
        named = {"x": Tensor("float16"), "n": n, "seed": seed, "stride_x": 1, "FIXED": 2}
        kernel = Kernel("dropout", tuple(named), constants=("FIXED",))
        return read_tuning(kernel, CONFIGS, named, {}, "NVIDIA A100", keys=["n"]).launch

    log, own = Log(), launch(64, 7)
    assert own.counted == ("n", "stride_x", "FIXED")
    assert own.key == launch(64, 8).key != launch(65, 7).key
    assert Launch.from_json(own.kernel, own.to_json()) == own
    assert own.scalars["seed"] == 7  # it is read all the same
    for seed, n in ((7, 1024), *((seed, 128) for seed in range(1000, 1005)), *((7, 1024) for _ in range(4))):
        log.measurements.append(Measurement(launch(n, seed).to_json(), {}, 1.0))
    assert {measured.launch["scalars"]["n"] for measured in nearest(own, log)} == {128}


def test_what_was_fast_at_another_size_is_tried_early() -> None:
    words = [{"BLOCK": 16 * (place + 1), "num_warps": 4} for place in range(6)]
    times = {5: 3.0, 2: 1.0, 3: float("nan"), 0: 2.0}
    measured = [Measurement({}, dict(reversed(words[place].items())), ms) for place, ms in times.items()]
    measured.append(Measurement({}, {"BLOCK": 512, "num_warps": 4}, 0.5))  # is not among those to come
    assert fastest_elsewhere(measured, words, [0, 1, 2, 3, 5]) == [2, 0, 5]
    assert fastest_elsewhere(measured, words, [1, 5]) == [5]


def test_a_launch_that_was_pruned_counts_as_farther() -> None:
    log = Log()
    for size, count in ((1024, 40), (2048, 9), (1 << 20, 40)):
        there = product(("float16", "float16"), (size, 512, 512)).launch.to_json()
        log.measurements += [Measurement(there, {"BLOCK_M": block}, 1.0) for block in range(count)]

    def taught_by(size: int) -> set[int]:
        found = nearest(product(("float16", "float16"), (size, 512, 512)).launch, log)
        return {measured.launch["scalars"]["M"] for measured in found}

    assert taught_by(4096) == taught_by(1000) == {1024}
    assert taught_by(2048) == {2048}  # itself
    assert taught_by(1 << 19) == {1 << 20}


def test_a_launch_of_far_other_sizes_tells_less() -> None:
    own = product(("float16", "float16"), (4096, 1024, 64)).launch
    sizes = (1024, 2047, 4096, 8192)
    found = [likeness(own, product(("float16", "float16"), (4096, n, 64)).launch.to_json()) for n in sizes]
    assert found[0] == found[1] == 1
    assert 1 > found[2] > 0.9 > found[3] > 0.8
    assert likeness(own, product(("float16", "float16"), (1, 50_257, 64)).launch.to_json()) < 0.2
    assert likeness(own, product(("float32", "float32"), (4096, 1024, 64)).launch.to_json()) == 0


def test_another_constant_is_another_program() -> None:
    one, other = (product(("float16", "float16"), (512, 512, 512), DEPTH=depth).launch for depth in (64, 128))
    assert likeness(one, one.to_json()) == 1
    assert likeness(one, other.to_json()) < 0.96
