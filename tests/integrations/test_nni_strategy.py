"""RLMStrategy inside NNI's own engines."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import nni
import pytest
import torch
from fake_surrogate import FakeSurrogate
from nni.mutable import (
    Categorical,
    CategoricalMultiple,
    ExpressionConstraint,
    Numerical,
    SampleValidationError,
)
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
from nni.nas.space import ModelStatus
from nni.nas.strategy.middleware import Chain, Deduplication, Filter
from nni_searches import Choices, engine, model_space, report_letters, samples, strategy, to_text

from prerank.search_spaces import nas_bench_101
from prerank.surrogate import Problem


@pytest.mark.parametrize(("mode", "expected"), [("maximize", 16), ("minimize", 2)])
def test_the_strategy_trains_the_best_of_its_pool_in_both_modes(mode: str, expected: int) -> None:
    made, run = strategy(optimize_mode=mode, pool_size=64), engine(3)
    made(model_space(), run)
    assert len(to_text(samples(run)[0]) or "") == expected
    best = next(made.list_models(limit=1))
    letters = [model.metric for model in run.list_models() if model.metric is not None]
    assert best.metric == (max(letters) if mode == "maximize" else min(letters))


@pytest.mark.parametrize("mode", ["maximize", "minimize"])
def test_models_without_a_number_are_not_among_the_best(mode: str) -> None:
    def evaluate(model: Any) -> None:
        odd = {"a": math.nan, "bb": math.inf, "ccc": -math.inf}
        nni.report_final_result(odd.get(model["word"], float(model["n"])))

    made = strategy(optimize_mode=mode)
    made(model_space(evaluate), engine())
    metrics = [model.metric for model in made.list_models()]
    assert metrics == sorted([2.0, 3.0, 4.0], reverse=mode == "maximize")
    assert [model.metric for model in made.list_models(limit=2)] == metrics[:2]


@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_the_strategy_tries_everything_once_and_ends(trust: float) -> None:
    run = engine()
    strategy(surrogate=FakeSurrogate(trust))(model_space(), run)
    texts = [to_text(sample) for sample in samples(run)]
    assert len(set(texts)) == len(texts) == len({"a" * n for n in (2, 3, 4)}) + 3 * 3


def test_metrics_and_failures_of_models_are_learnt() -> None:
    def evaluate(model: Any) -> None:
        if model["word"] == "a":
            raise RuntimeError("does not fit")
        report_letters(model)

    surrogate = FakeSurrogate(trust=0)
    run = engine(continue_on_failure=True)
    strategy(surrogate=surrogate)(model_space(evaluate), run)
    for text, value in surrogate.values.items():
        assert math.isnan(value) if set(text) == {"a"} else value == len(text)


@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_rules_of_a_space_hold_for_every_model(trust: float) -> None:
    a, b = Categorical([1, 2, 3], label="a"), Categorical([1, 2, 3], label="b")
    rest = {"some": CategoricalMultiple([1, 2, 3], label="some"), "x": Numerical(0, 1, label="x")}
    space = model_space(
        lambda model: nni.report_final_result(model["x"]), a=a, b=b, rule=ExpressionConstraint(a + b == 4), **rest
    )
    run = engine(12)
    strategy(to_text=None, surrogate=FakeSurrogate(trust))(space, run)
    assert len(samples(run)) == 12
    assert all(sample["a"] + sample["b"] == 4 for sample in samples(run))


def test_models_that_the_space_rejects_late_are_passed_over() -> None:
    class Fussy(Choices):
        def check_contains(self, sample: Any) -> Any:
            return SampleValidationError("no") if sample["word"] == "dddd" else super().check_contains(sample)

    space, run = Fussy(model_space().model_space, FunctionalEvaluator(report_letters)), engine()
    strategy()(space, run)
    assert {sample["word"] for sample in samples(run)} == {"a", "bb", "ccc"}


def test_a_saved_state_is_gone_on_with(tmp_path: Path) -> None:
    """Through torch.load, as NNI resumes, with choices that are no plain values."""
    word = Categorical([("a",), ("b", 1), None], label="word")
    space = {
        "word": word,
        "x": Numerical(1e-3, 1, log_distributed=True, label="x"),
        "n": Categorical([1, 2], label="n"),
    }

    def evaluate(model: Any) -> None:
        nni.report_final_result(model["x"] * model["n"])

    surrogates = FakeSurrogate(), FakeSurrogate()
    first, run = strategy(to_text=None, surrogate=surrogates[0]), engine(5)
    first(model_space(evaluate, **space), run)
    torch.save(first.state_dict(), tmp_path / "state")
    second, rest = strategy(to_text=None, surrogate=surrogates[1]), engine(5)
    second.initialize(model_space(evaluate, **space), rest)
    second.load_state_dict(torch.load(tmp_path / "state"))
    assert surrogates[1].values == surrogates[0].values
    second.run()
    assert not {str(sample) for sample in samples(run)} & {str(sample) for sample in samples(rest)}
    assert len(surrogates[1].values) == 10


def test_a_resumed_search_has_the_choices_of_its_space() -> None:
    """The state is JSON, which makes lists of tuples: no keys of a user's table."""
    words = {("a",): 1.0, ("b", 1): 2.0, None: 3.0}
    space = {"word": Categorical(list(words), label="word"), "x": Numerical(0, 1, label="x")}

    def evaluate(model: Any) -> None:
        nni.report_final_result(model["x"] * words[model["word"]])

    surrogates = FakeSurrogate(), FakeSurrogate()
    made = [strategy(to_text=lambda s: f"{words[s['word']]} {s['x']}", surrogate=one) for one in surrogates]
    made[0](model_space(evaluate, **space), engine(6))
    made[1].initialize(model_space(evaluate, **space), engine(6))
    made[1].load_state_dict(made[0].state_dict())
    assert surrogates[1].values == surrogates[0].values
    made[1].run()
    assert len(surrogates[1].values) == 12


def test_a_state_may_come_before_the_search_and_be_asked_for(tmp_path: Path) -> None:
    """As NNI's own strategies take it."""
    first, run = strategy(), engine(3)
    torch.save(first.state_dict(), tmp_path / "state")
    first.load_state_dict(torch.load(tmp_path / "state"))
    first(model_space(), run)
    surrogate, rest = FakeSurrogate(), engine(3)
    second = strategy(surrogate=surrogate, seed=1)
    second.load_state_dict(first.state_dict())
    assert second.state_dict() == first.state_dict()
    second(model_space(), rest)
    assert len(surrogate.values) == 6
    assert not {to_text(sample) for sample in samples(run)} & {to_text(sample) for sample in samples(rest)}


@pytest.mark.parametrize("to_text", [None, str])
def test_models_with_a_choice_more_or_less_are_left_out(
    to_text: Callable[[Any], str] | None, caplog: pytest.LogCaptureFixture
) -> None:
    def evaluate(model: Any) -> None:
        nni.report_final_result(float(len(model)))

    a, b = Categorical([1, 2, 3], label="a"), Categorical([1, 2, 3], label="b")
    for before, now in (({"a": a}, {"a": a, "b": b}), ({"a": a, "b": b}, {"a": a})):
        caplog.clear()
        surrogate, first = FakeSurrogate(), strategy(to_text=to_text)
        first(model_space(evaluate, **before), engine(2))
        second = strategy(to_text=to_text, surrogate=surrogate)
        second.load_state_dict(first.state_dict())
        second(model_space(evaluate, **now), engine(2))
        assert [*surrogate.values.values()] == [float(len(now))] * 2
        assert "2 models are left out: they or the space have no choice b" in caplog.messages


def test_what_an_engine_recalls_is_read_as_what_it_reports() -> None:
    run = engine(3)
    strategy()(model_space(), run)
    for model in run.list_models():
        model.metrics.strict = False
        model.metrics.final = cast(Any, {"default": model.metric, "seconds": 1.0})
    surrogate = FakeSurrogate()
    strategy(surrogate=surrogate)(model_space(), run)
    assert [*surrogate.values.values()] == [len(to_text(sample) or "") for sample in samples(run)]


def test_models_under_way_when_a_state_is_saved_run_again() -> None:
    """Ctrl-C during a training: what was learnt is kept, the unfinished model is not lost."""

    def evaluate(model: Any) -> None:
        if model["n"] == 3 and model["word"] == "ccc":
            raise KeyboardInterrupt
        report_letters(model)

    first = strategy()
    with pytest.raises(KeyboardInterrupt):
        first(model_space(evaluate), engine())
    second, rest = strategy(), engine()
    second.initialize(model_space(), rest)
    second.load_state_dict(first.state_dict())
    second.run()
    assert {"word": "ccc", "n": 3} in samples(rest)


class SeveralWorkers(SequentialExecutionEngine):
    """Four models at a time, which end in the reverse order once all four are out."""

    def __init__(self, count: int) -> None:
        super().__init__(max_model_count=count)
        self.out: list[Any] = []

    def submit_models(self, *models: Any) -> None:
        self._model_count += len(models)
        self.out += models
        if len(self.out) == 4:
            self.wait_models()

    def wait_models(self, *models: Any) -> None:
        self._model_count -= len(self.out)
        while self.out:
            super().submit_models(self.out.pop())


def test_several_models_at_once_are_different_and_all_learnt() -> None:
    surrogate, run = FakeSurrogate(), SeveralWorkers(8)
    strategy(surrogate=surrogate)(model_space(), run)
    texts = [to_text(sample) for sample in samples(run)]
    assert len(set(texts)) == 8 == len(surrogate.values)
    assert all(model.status == ModelStatus.Trained for model in run.list_models())


class ExchangedEnds(SequentialExecutionEngine):
    """Two models at a time: the first crashes, and NNI reports so of the second, whose result is still to come."""

    def __init__(self) -> None:
        super().__init__(max_model_count=2)
        self.out: list[Any] = []

    def submit_models(self, *models: Any) -> None:
        self._model_count += len(models)
        self.out += models
        if len(self.out) == 2:
            self.dispatch_model_event(TrainingEndEvent(self.out[1], ModelStatus.Failed))
            self.dispatch_model_event(FinalMetricEvent(self.out[1], 0.5))
            self.dispatch_model_event(TrainingEndEvent(self.out[0], ModelStatus.Trained))

    def wait_models(self, *models: Any) -> None:
        pass


def test_a_metric_after_a_failure_counts() -> None:
    surrogate, run = FakeSurrogate(), ExchangedEnds()
    made = strategy(surrogate=surrogate)
    made(model_space(), run)
    assert surrogate.values == {to_text(run.out[1].sample): 0.5}
    assert [value for _, value in made.state_dict()["trials"]] == [0.5]


def test_a_filter_between_strategy_and_engine_is_heeded() -> None:
    surrogate, run = FakeSurrogate(), engine()
    chain = Chain(
        strategy(surrogate=surrogate), Filter(lambda model: (model.sample or {})["n"] != 4), Deduplication("invalid")
    )
    chain(model_space(), run)
    assert {sample["n"] for sample in samples(run)} == {2, 3}
    assert set(surrogate.values) == {to_text(sample) for sample in samples(run)}
    assert not any(math.isnan(value) for value in surrogate.values.values())


def test_the_problem_of_a_space_is_asked() -> None:
    surrogate = FakeSurrogate()
    strategy(surrogate=surrogate, problem=nas_bench_101.problem())(model_space(), engine(2))
    asked = nas_bench_101.problem()
    assert {problem for problem, _, _ in surrogate.observed} == {Problem(asked.context, asked.metric, "maximize")}
