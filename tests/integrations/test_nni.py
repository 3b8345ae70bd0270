"""RLMStrategy and RLMTuner inside NNI's own engines and calls, in this process."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import nni
import numpy as np
import pytest
import torch
import yaml
from fake_surrogate import FakeSurrogate
from nni.mutable import (
    Categorical,
    CategoricalMultiple,
    ExpressionConstraint,
    MutableDict,
    Numerical,
    SampleValidationError,
)
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, TrainingEndEvent
from nni.nas.space import ModelStatus, RawFormatModelSpace
from nni.nas.strategy.middleware import Chain, Deduplication, Filter

from prerank.integrations.nni import (
    REGISTRATION,
    RLMClassArgsValidator,
    RLMStrategy,
    RLMTuner,
    nas_bench_101_text,
    nas_bench_201_text,
)
from prerank.integrations.nni_history import TrialHistory, as_number
from prerank.search_spaces import nas_bench_101, nas_bench_201
from prerank.surrogate import Problem

SPACE: dict[str, Any] = {
    "word": {"_type": "choice", "_value": ["a", "bb", "ccc", "dddd"]},
    "n": {"_type": "randint", "_value": [1, 5]},
}


def to_text(choices: dict[str, Any]) -> str | None:
    return choices["word"] * choices["n"] if choices["n"] > 1 else None


OPTIONS: dict[str, Any] = {"to_text": to_text, "pool_size": 16, "seed": 0}


def tuner(**options: Any) -> RLMTuner:
    options.setdefault("surrogate", FakeSurrogate())
    made = RLMTuner(**(OPTIONS | options))
    made.update_search_space(SPACE)
    return made


class Choices(RawFormatModelSpace):
    """Models that are no more than what was chosen."""

    def executable_model(self) -> Any:
        return self.sample


def model_space(evaluate: Callable[[Any], Any] | None = None, **mutables: Any) -> Choices:
    word = Categorical(["a", "bb", "ccc", "dddd"], label="word")
    space = mutables or {"word": word, "n": Categorical([1, 2, 3, 4], label="n")}
    return Choices(cast(Any, MutableDict(space)), FunctionalEvaluator(evaluate or report_letters))


def report_letters(model: Any) -> None:
    nni.report_final_result(float(len(model["word"]) * model["n"]))


def strategy(**options: Any) -> RLMStrategy:
    options.setdefault("surrogate", FakeSurrogate())
    return RLMStrategy(**(OPTIONS | options))


def engine(count: int | None = None, **options: Any) -> SequentialExecutionEngine:
    return SequentialExecutionEngine(max_model_count=count, **options)


def samples(run: SequentialExecutionEngine) -> list[Any]:
    return [model.sample for model in run.list_models()]


# The tuner.


@pytest.mark.parametrize(("mode", "expected"), [("maximize", 16), ("minimize", 2), (None, 16)])
def test_the_tuner_proposes_the_best_of_its_pool_in_both_modes(mode: str | None, expected: int) -> None:
    assert len(to_text(tuner(optimize_mode=mode, pool_size=64).generate_parameters(0)) or "") == expected


@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_the_tuner_tries_everything_once_and_ends(trust: float) -> None:
    made = tuner(surrogate=FakeSurrogate(trust))
    parameters = made.generate_multiple_parameters(list(range(20)))
    valid = [{"word": word, "n": n} for word in SPACE["word"]["_value"] for n in (2, 3, 4)]
    distinct = {to_text(one) for one in valid}
    assert {to_text(one) for one in parameters} == distinct
    assert len(parameters) == len(distinct)
    with pytest.raises(nni.NoMoreTrialError):
        made.generate_parameters(99)


def test_a_burst_is_ranked_once_and_spread_out() -> None:
    surrogate = FakeSurrogate()
    made = tuner(surrogate=surrogate, to_text=None, pool_size=200)
    made.update_search_space({f"x{i}": {"_type": "uniform", "_value": [0, 1]} for i in range(3)})
    burst = made.generate_multiple_parameters(list(range(8)))
    assert len(burst) == 8
    assert [len(texts) for texts in surrogate.asked if len(texts) > 1] == [200]
    points = np.array([list(one.values()) for one in burst])
    closest = min(np.linalg.norm(a - b) for i, a in enumerate(points) for b in points[:i])
    assert closest > 0.1


class Learning(FakeSurrogate):
    """Knows nothing of the problem, while its fork trusts itself fully from the first value on."""

    def __init__(self) -> None:
        super().__init__(trust=0.0)
        self.forked = FakeSurrogate(trust=1.0)

    def fork(self) -> FakeSurrogate:
        return self.forked


def test_an_unknown_problem_is_explored_first_and_now_and_then() -> None:
    surrogate = Learning()
    made = tuner(surrogate=surrogate, to_text=None, pool_size=50)
    made.update_search_space({"x": {"_type": "uniform", "_value": [0, 1]}})
    proposed: list[str] = []
    for number in range(60):
        made.receive_trial_result(number, made.generate_parameters(number), float(number))
        proposed.append(surrogate.forked.observed[-1][1])
    rankings = [texts for texts in surrogate.forked.asked if len(texts) == 50]
    assert len(rankings) == 50  # none for the first ten
    ranked = sum(text in texts for text, texts in zip(proposed[10:], rankings, strict=True))
    assert 25 < ranked < 48


def test_results_failures_and_dicts_are_learnt() -> None:
    surrogate = FakeSurrogate()
    made = tuner(surrogate=surrogate)
    texts = [to_text(made.generate_parameters(number)) or "" for number in range(5)]
    made.receive_trial_result(0, {}, 1.5)
    made.trial_end(0, True)
    made.receive_trial_result(1, {}, {"default": 2.5, "other": "x"})
    made.trial_end(2, False)
    made.receive_trial_result(3, {}, math.nan)
    made.receive_trial_result(4, {}, "no number")
    made.trial_end(4, True)
    assert surrogate.values == pytest.approx(
        dict(zip(texts, [1.5, 2.5, math.nan, math.nan, math.nan], strict=True)), nan_ok=True
    )


def test_a_result_after_the_end_counts() -> None:
    surrogate = FakeSurrogate()
    made = tuner(surrogate=surrogate)
    text = to_text(made.generate_parameters(0)) or ""
    made.trial_end(0, False)
    assert math.isnan(surrogate.values[text])
    made.receive_trial_result(0, {}, 2.0)
    assert surrogate.values == {text: 2.0}


def test_imported_trials_are_learnt_and_not_tried_again() -> None:
    surrogate = FakeSurrogate()
    made = tuner(surrogate=surrogate)
    data = [{"parameter": {"word": "dddd", "n": 4}, "value": 3.0}, {"parameter": {"word": "ccc", "n": 3}, "value": 2}]
    made.import_data([data[0], json.dumps(data[1])])
    made.import_data(json.dumps([{"parameter": {"word": "e", "n": 2}, "value": 1}, {"parameter": {}, "value": None}]))
    assert surrogate.values == {"dddd" * 4: 3.0, "ccc" * 3: 2.0}
    assert "dddd" * 4 not in [to_text(made.generate_parameters(number)) for number in range(5)]


def test_a_changed_space_keeps_the_trials_within_it() -> None:
    surrogate = FakeSurrogate()
    made = tuner(surrogate=surrogate, to_text=None)
    made.import_data(
        [{"parameter": {"word": "a", "n": 2}, "value": 1.0}, {"parameter": {"word": "a", "n": 4}, "value": 2}]
    )
    surrogate.observed.clear()
    made.update_search_space(SPACE | {"n": {"_type": "randint", "_value": [1, 3]}})
    assert surrogate.values == {"word=a n=2": 1.0}


def test_a_changed_space_keeps_the_trials_under_way() -> None:
    made = tuner(to_text=None)
    running = [made.generate_parameters(number) for number in range(3)]
    made.update_search_space(SPACE | {"n": {"_type": "randint", "_value": [1, 9]}})
    assert not any(made.generate_parameters(number) in running for number in range(3, 9))
    made.receive_trial_result(0, running[0], 5.0)
    assert [trial.value for trial in made._trials.finished.values()] == [5.0]


def test_what_a_narrower_space_leaves_out_is_known_again_in_the_first_one() -> None:
    """A trial that ended before, one that ends while its space is away, and one that was imported then."""
    surrogate = FakeSurrogate()
    made = tuner(surrogate=surrogate, to_text=None)
    tried = [made.generate_parameters(number) for number in range(2)]
    made.receive_trial_result(0, tried[0], 1.0)
    made.update_search_space(SPACE | {"n": {"_type": "randint", "_value": [8, 9]}})
    made.receive_trial_result(1, tried[1], 2.0)
    made.import_data([{"parameter": {"word": "a", "n": 2}, "value": 3.0}])
    assert not made._trials.finished
    made.update_search_space(SPACE)
    assert sorted(trial.value for trial in made._trials.finished.values()) == [1.0, 2.0, 3.0]


def test_what_is_heard_before_there_is_a_search_space_is_refused_with_the_remedy() -> None:
    made = RLMTuner(**OPTIONS, surrogate=cast(Any, FakeSurrogate()))
    for call in (
        lambda: made.generate_parameters(0),
        lambda: made.receive_trial_result(0, {"word": "a"}, 1.0),
        lambda: made.import_data([{"parameter": {"word": "a"}, "value": 1.0}]),
    ):
        with pytest.raises(RuntimeError, match="update_search_space first"):
            call()


def test_entries_that_lack_something_do_not_keep_others_from_being_imported() -> None:
    surrogate = FakeSurrogate()
    entries = [{"parameter": {"word": "a", "n": 2}}, {"parameter": {"word": "a", "n": 3}, "value": 1.0}]
    tuner(surrogate=surrogate).import_data(entries)
    assert surrogate.values == {"aaa": 1.0}


def test_a_number_beyond_all_floats_counts_as_failed() -> None:
    assert math.isnan(as_number(10**400))


def test_neighbours_of_what_is_under_way_wait() -> None:
    problem = Problem("space", "objective")
    history = TrialHistory[int](cast(Any, FakeSurrogate()), problem, None, np.random.default_rng(0))
    ranked = {f"n={number}": number for number in range(10, 50)}  # all alike to the surrogate: as they come
    proposed = []
    for _ in range(3):
        found = history.propose(lambda: ranked, dict)
        assert found is not None
        history.begin(*found)
        proposed.append(found[1])
    assert min(np.abs(np.diff(proposed))) > 1


def test_trials_that_a_user_added_are_learnt() -> None:
    surrogate = FakeSurrogate()
    tuner(surrogate=surrogate).receive_trial_result(77, {"word": "a", "n": 2}, 1.0, customized=True)
    assert surrogate.values == {"aa": 1.0}


def test_a_trial_that_ends_while_one_is_proposed_waits() -> None:
    """NNI tells of ends in another thread than it asks in."""
    waited: list[bool] = []

    def slow(choices: dict[str, Any]) -> str | None:
        if not waited:
            other = threading.Thread(target=made.trial_end, args=[7, False], daemon=True)
            other.start()
            other.join(0.2)
            waited.append(other.is_alive())
        return to_text(choices)

    made = tuner(to_text=slow)
    made.generate_parameters(0)
    assert waited == [True]


def test_a_failing_surrogate_does_not_end_the_search(caplog: pytest.LogCaptureFixture) -> None:
    made = tuner(surrogate=FakeSurrogate(error=RuntimeError("out of memory")))
    with caplog.at_level("WARNING", "nni.prerank"):
        assert len(made.generate_multiple_parameters(list(range(3)))) == 3
    assert "out of memory" in caplog.text


@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_a_candidate_without_a_text_does_not_end_the_search(trust: float, caplog: pytest.LogCaptureFixture) -> None:
    def fussy(choices: dict[str, Any]) -> str | None:
        if choices["word"] == "ccc":
            raise KeyError("ccc")
        return to_text(choices)

    run = engine()
    with caplog.at_level("WARNING", "nni.prerank"):
        made = tuner(to_text=fussy, surrogate=FakeSurrogate(trust)).generate_multiple_parameters(list(range(20)))
        strategy(to_text=fussy, surrogate=FakeSurrogate(trust))(model_space(), run)
    assert {one["word"] for one in made} == {sample["word"] for sample in samples(run)} == {"a", "bb", "dddd"}
    assert caplog.text.count("to_text failed (KeyError('ccc'))") == 2


@pytest.mark.parametrize("number", [np.float32(1.5), np.float64(1.5), np.int64(3), 2, 0.5])
def test_every_kind_of_number_is_a_result(number: Any) -> None:
    surrogate = FakeSurrogate()
    made = tuner(surrogate=surrogate)
    made.receive_trial_result(0, made.generate_parameters(0), {"default": number})
    assert [value for _, _, value in surrogate.observed] == [float(number)]


def test_arguments_of_a_configuration_are_checked() -> None:
    RLMClassArgsValidator().validate_class_args(optimize_mode="minimize", pool_size=8)
    asked = vars(nas_bench_201.problem())
    RLMClassArgsValidator().validate_class_args(problem=asked, optimize_mode="maximize")
    for arguments, said in [
        ({"optimise_mode": "minimize"}, "optimise_mode"),
        ({"optimize_mode": "min"}, "'min'"),
        ({"problem": asked, "optimize_mode": "minimize"}, "direction is 'maximize'"),
        ({"problem": {"context": "x"}}, "metric"),
        ({"problem": "nas"}, "problem is the text 'nas'"),
        ({"pool_size": 0}, "pool_size is 0"),
        ({"pool_size": "9"}, "pool_size is '9'"),
        ({"seed": "x"}, "seed is 'x'"),
    ]:
        with pytest.raises(ValueError, match=said):
            RLMClassArgsValidator().validate_class_args(**arguments)
    with pytest.raises(ValueError, match="nowhere:f"):
        RLMTuner(to_text="nowhere:f")
    with pytest.raises(ValueError, match="pool_size is 0"):
        tuner(pool_size=0)


def test_a_tuner_is_made_before_nni_gives_up_on_it() -> None:
    """Within ten seconds, on a busy machine: without torch and the weights."""
    made = "import sys; from prerank.integrations.nni import RLMTuner; RLMTuner(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", made], check=True, timeout=120)


def test_a_text_function_is_imported_by_name() -> None:
    made = tuner(to_text="json:dumps")
    assert made.generate_parameters(0)


def test_nnictl_registers_the_tuner(tmp_path: Path) -> None:
    assert yaml.safe_load(REGISTRATION.read_text("utf-8"))["builtinName"] == "RLM"
    command = [sys.executable, "-c", "from nni.tools.nnictl.nnictl import parse_args; parse_args()"]
    run = subprocess.run(
        [*command, "algo", "register", "--meta_path", str(REGISTRATION)],
        env={"NNI_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    registered = yaml.safe_load((tmp_path / "registered_algorithms.yml").read_text("utf-8"))
    assert registered["tuners"][0]["className"] == "prerank.integrations.nni.RLMTuner"


# The strategy.


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


def test_what_an_engine_recalls_is_read_as_what_it_reports() -> None:
    run = engine(3)
    strategy()(model_space(), run)
    for model in run.list_models():
        model.metrics.strict = False
        model.metrics.final = cast(Any, {"default": model.metric, "seconds": 1.0})
    surrogate = FakeSurrogate()
    strategy(surrogate=surrogate)(model_space(), run)
    assert [*surrogate.values.values()] == [len(to_text(sample)) for sample in samples(run)]


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


# The cells of NNI's hub.


def hub_cells_101() -> Iterator[tuple[dict[str, Any], str | None]]:
    chain = {"cell/num_nodes": 4, "cell/op1": "conv3x3-bn-relu", "cell/op2": "maxpool3x3", "cell/op5": "ignored"}
    yield chain | {"cell/input1": [0], "cell/input2": [1], "cell/input3": [2]}, "input conv3x3<0 maxpool3x3<1 output<2"
    yield chain | {"cell/input1": [0], "cell/input2": [1], "cell/input3": [0, 1]}, "input conv3x3<0 output<0,1"
    yield chain | {"cell/input1": [0], "cell/input2": [1], "cell/input3": []}, None


@pytest.mark.parametrize(("sample", "text"), list(hub_cells_101()))
def test_a_cell_of_nas_bench_101_is_read(sample: dict[str, Any], text: str | None) -> None:
    assert nas_bench_101_text(sample) == text


def test_a_cell_of_nas_bench_201_is_read() -> None:
    names = {"zero": "none", "skip": "skip_connect", "conv1x1": "conv_1x1", "conv3x3": "conv_3x3"}
    for cell in nas_bench_201.sample(np.random.default_rng(0), 50):
        ops = [names.get(operation, "avg_pool_3x3") for operation in cell.ops]
        sample = {f"cell/{i}_{j}": op for (i, j), op in zip(nas_bench_201.EDGES, ops, strict=True)}
        assert nas_bench_201_text(sample) == nas_bench_201.to_text(cell)


def test_another_space_is_no_cell() -> None:
    for read in (nas_bench_101_text, nas_bench_201_text):
        with pytest.raises(ValueError, match="'width'"):
            read({"width": 3})


def test_the_problem_of_a_space_is_asked() -> None:
    surrogate = FakeSurrogate()
    strategy(surrogate=surrogate, problem=nas_bench_101.problem())(model_space(), engine(2))
    asked = nas_bench_101.problem()
    assert {problem for problem, _, _ in surrogate.observed} == {Problem(asked.context, asked.metric, "maximize")}
