"""What a surrogate forecasts of a launch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fake_config import FakeConfig
from fake_surrogate import FakeSurrogate
from launches import CONFIGS, expected, product

from prerank.integrations import triton_shortlist
from prerank.integrations.triton_forecast import Forecast
from prerank.integrations.triton_measurements import Measurement, write
from prerank.surrogate import Prediction, Problem


class Templates(FakeSurrogate):
    """Knows Inductor's templates alone."""

    def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
        return FakeSurrogate(0.0 if problem.context.startswith("mine") else 0.9).predict(problem, texts)


def test_trust_is_that_of_the_way_a_launch_is_read() -> None:
    configs = [FakeConfig({**config.kwargs, "EPI": number % 2}) for number, config in enumerate(CONFIGS * 2)]
    configs[2].kwargs["BLOCK_M"] = 128
    constant = product(("float16", "float16"), (512, 512, 512), configs[::2])
    varying = product(("float16", "float16"), (512, 512, 512), configs)
    surrogate: Any = Templates()
    forecast = Forecast(surrogate)
    assert forecast(constant, [0, 1]).trust > 0.8
    assert forecast(varying, [0, 1]).trust == 0
    assert forecast(constant, [0, 1]).trust > 0.8


@pytest.mark.parametrize(
    ("trust", "size", "order"), [(0.9, 512, [0, 1, 2]), (0.9, 1024, [1, 0, 2]), (0.1, 1024, [0, 1, 2])]
)
def test_what_is_known_is_weighed_with_what_another_launch_taught(trust: float, size: int, order: list[int]) -> None:
    """What was learnt and what the weights say order the first two of three configurations contrarily."""

    class Contrary(FakeSurrogate):
        def fork(self) -> FakeSurrogate:
            return self

        def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
            learnt = problem.metric.startswith("latency_ms")
            return replace(expected([1.0, 1.5, 9.0] if learnt else [1.5, 1.0, 9.0]), trust=np.full(3, trust))

    configs = [FakeConfig({"BLOCK_M": 16 << n, "BLOCK_N": 64, "BLOCK_K": 32}) for n in range(3)]
    tuning, tuned = (product(("float16", "float16"), (n, 512, 512), configs) for n in (512, size))
    surrogate: Any = Contrary(trust)
    measured = [Measurement(tuned.launch.to_json(), words, 1.0) for words in tuned.words[:1]]
    assert Forecast(surrogate).after(measured, tuning, [0, 1, 2]).order == order


def test_what_was_fastest_elsewhere_is_among_the_first_whatever_is_predicted() -> None:
    class Learner(FakeSurrogate):
        def fork(self) -> FakeSurrogate:
            return self

        def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
            return replace(expected([float(n + 1) for n in range(len(texts))]), trust=np.full(len(texts), 0.9))

    configs = [FakeConfig({"BLOCK_M": 16 << n, "BLOCK_N": 64, "BLOCK_K": 32}) for n in range(5)]
    tuning, tuned = (product(("float16", "float16"), (n, 512, 512), configs) for n in (512, 1024))
    surrogate: Any = Learner(0.9)
    times = zip(tuned.words[2:], (5.0, 2.0, 1.0), strict=True)
    measured = [Measurement(tuned.launch.to_json(), words, ms) for words, ms in times]
    assert Forecast(surrogate).after(measured, tuning, [0, 1, 2, 3, 4]).order == [0, 4, 1, 2, 3]


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(("trust", "order"), [(0.9, [0, 3, 1, 2, 4, 5]), (0.1, [3, 0, 2, 1, 4, 5])])
@pytest.mark.parametrize("least", [1, 2, 4])
def test_what_was_fast_among_few_at_another_size_is_tried(trust: float, order: list[int], least: int) -> None:
    """The surrogate, which learns nothing from so few, expects most of the first configurations."""
    configs = [FakeConfig({"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32, "G" * (n + 1): 1}) for n in range(6)]
    tuning, tuned, far = (product(("float16", "float16"), (n, 512, 512), configs) for n in (1024, 512, 1 << 20))
    surrogate: Any = FakeSurrogate(trust)
    times = {3: 1.0, 2: 2.0, 4: 3.0, 5: 4.0}
    write(tuned.launch, {configs[place]: times[place] for place in list(times)[:least]})
    write(far.launch, {configs[5]: 1.0})
    found = Forecast(surrogate)(tuning, range(6)).order
    assert list(found)[:2] == order[:2]
    assert sorted(found) == list(range(6))
    assert surrogate.observed == []
    if least > 1:
        assert list(found) == order


@pytest.mark.usefixtures("own_cache")
def test_few_measurements_nearby_stand_beside_many_far_away() -> None:
    configs = [FakeConfig({"BLOCK_M": 64, "BLOCK_N": 64, "BLOCK_K": 32, "G" * (n + 1): 1}) for n in range(6)]
    tuning, near, far = (product(("float16", "float16"), (n, 512, 512), configs) for n in (1024, 1024, 1 << 20))
    surrogate: Any = FakeSurrogate(0.9)
    write(far.launch, {config: 1.0 + place for place, config in enumerate(configs)})
    assert list(Forecast(surrogate)(tuning, range(6)).order) == [0, 1, 2, 3, 4, 5]
    write(near.launch, {configs[5]: 1.0, configs[4]: 2.0})
    assert list(Forecast(surrogate)(tuning, range(6)).order) == [0, 5, 1, 4, 2, 3]


@pytest.mark.parametrize("trust", [0.1, 0.9])
@pytest.mark.parametrize("taught", [False, True])
def test_of_very_many_the_slow_ones_are_not_read_and_none_is_lost(
    monkeypatch: pytest.MonkeyPatch, taught: bool, trust: float
) -> None:
    monkeypatch.setattr(triton_shortlist, "MOST", 40)
    asked = list[str]()

    class Learner(FakeSurrogate):
        def fork(self) -> FakeSurrogate:
            return self

        def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
            asked.extend(texts)
            blocks = [float(text.split("block_m=")[1].split()[0]) for text in texts]
            return replace(
                expected([1 + abs(np.log2(block / 64)) for block in blocks]), trust=np.full(len(texts), trust)
            )

    blocks = list(itertools.product((16, 32, 64, 128, 256), (16, 32, 64, 128), (16, 32, 64, 128)))
    configs = [FakeConfig(dict(zip(("BLOCK_M", "BLOCK_N", "BLOCK_K"), own, strict=True))) for own in blocks]
    tuning, tuned = (product(("float16", "float16"), (n, 512, 512), configs) for n in (512, 1024))
    surrogate: Any = Learner(trust)
    measured = [Measurement(tuned.launch.to_json(), words, 1.0) for words in tuned.words[79:]] if taught else []
    outlook = Forecast(surrogate).after(measured, tuning, range(80))
    assert sorted(outlook.order) == list(range(80))
    assert len(outlook.places) == len(outlook.values()) == 40
    assert len({*asked}) <= 41  # the first one is asked for its trust
    others = [place for place in outlook.order if place not in {*outlook.places} and place != 79]
    assert not any(tuning.words[place]["BLOCK_M"] == 64 for place in others)
    assert not taught or list(outlook.order).index(79) < 3


def test_what_spills_comes_last_unless_it_was_measured_to_be_the_fastest() -> None:
    tuning = product(("float16", "float16"), (512, 512, 512), CONFIGS)
    surrogate: Any = FakeSurrogate()
    forecast = Forecast(surrogate)
    assert forecast.after([], tuning, [0, 1]).order == [0, 1]
    assert forecast.after([], tuning, [0, 1], spilled={0}).order == [1, 0]
    for fastest, order in ((0, [0, 1]), (1, [1, 0])):
        times = {place: 1.0 + (place != fastest) for place in (0, 1)}
        measured = [Measurement(tuning.launch.to_json(), tuning.words[place], time) for place, time in times.items()]
        assert forecast.after(measured, tuning, [0, 1], spilled={0}).order == order


@pytest.mark.parametrize(("known", "count", "least", "most"), [(0.0, 40, 0.0, 0.2), (0.8, 40, 0.78, 0.83)])
def test_what_was_learnt_of_a_far_launch_is_trusted_less(known: float, count: int, least: float, most: float) -> None:
    class Student(FakeSurrogate):
        def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
            learnt = problem.metric.startswith("latency_ms")
            return replace(expected([1.0] * len(texts)), trust=np.full(len(texts), 0.95 if learnt else known))

        def fork(self) -> FakeSurrogate:
            return self

    def trust(size: int) -> float:
        tuning, tuned = (product(("float16", "float16"), (n, 512, 512), CONFIGS) for n in (512, size))
        surrogate: Any = Student(known)
        measured = [Measurement(tuned.launch.to_json(), {"BLOCK_M": n}, 1.0) for n in range(count)]
        return Forecast(surrogate).after(measured, tuning, [0, 1]).trust

    assert trust(512) == pytest.approx(0.95)
    assert trust(1023) == pytest.approx(0.95)
    assert 0.88 < trust(2048) < 0.95
    assert least <= trust(512 << 20) <= most
