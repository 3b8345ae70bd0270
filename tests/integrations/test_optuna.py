"""RLMSampler: Optuna's own conformance suites, then what this sampler promises beyond them."""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

import numpy as np
import optuna
import pytest
from fake_surrogate import FakeSurrogate
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

from prerank.integrations.optuna import ATTRIBUTE, RLMSampler
from prerank.search_spaces import nas_bench_101
from prerank.surrogate import Prediction, Problem


def sampler(**options: Any) -> RLMSampler:
    return RLMSampler(surrogate=options.pop("surrogate", FakeSurrogate()), pool_size=16, **options)


@pytest.fixture(params=[0.0, 1.0], ids=["no trust", "full trust"])
def make(request: pytest.FixtureRequest) -> Callable[[], BaseSampler]:
    return lambda: sampler(surrogate=FakeSurrogate(request.param), seed=1)


class TestSuites(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self, make: Callable[[], BaseSampler]) -> Callable[[], BaseSampler]:
        return make


SPACE: dict[str, BaseDistribution] = {
    "word": CategoricalDistribution(("a", "bb", "ccc", "dddd")),
    "n": IntDistribution(1, 4),
}


def ask(study: optuna.Study) -> dict[str, Any]:
    trial = study.ask(SPACE)
    study.tell(trial, float(trial.params["n"]))
    return trial.params


def to_text(params: dict[str, Any]) -> str | None:
    return params["word"] * params["n"] if params["n"] > 1 else None


def study_of(sampler: BaseSampler, direction: Literal["minimize", "maximize"] = "maximize") -> optuna.Study:
    return optuna.create_study(sampler=sampler, direction=direction)


@pytest.mark.parametrize(("direction", "expected"), [("maximize", 16), ("minimize", 2)])
def test_the_best_of_the_pool_is_proposed_in_both_directions(
    direction: Literal["minimize", "maximize"], expected: int
) -> None:
    study = study_of(sampler(to_text=to_text, search_space=SPACE, seed=0), direction)
    assert len(to_text(ask(study)) or "") == expected


def test_the_problem_of_a_space_is_taken_in_the_direction_of_the_study() -> None:
    fake = FakeSurrogate()
    study = study_of(sampler(surrogate=fake, problem=nas_bench_101.problem(), search_space=SPACE, seed=0), "minimize")
    with pytest.warns(UserWarning, match="val_accuracy .* more is better, but the study minimises"):
        ask(study)
    ask(study)
    asked = nas_bench_101.problem()
    assert {problem for problem, _, _ in fake.observed} == {Problem(asked.context, asked.metric, "minimize")}


@pytest.mark.parametrize(
    ("argument", "said"),
    [
        ({"surrogate": "mine"}, r"RLMSurrogate.load\('mine'\)"),
        ({"problem": "latency"}, "problem is 'latency'"),
        ({"sources": optuna.create_study()}, "list of studies"),
        ({"search_space": {"x": (0, 1)}}, r"x=\(0, 1\)"),
        ({"acquisition": "x"}, "acquisition is 'x'; give a function"),
        ({"to_text": "x"}, "to_text is 'x'; give a function"),
        ({"constraints_func": 3}, "constraints_func is 3; give a function"),
        ({"pool_size": 2.5}, r"pool_size is 2\.5; give a whole number from 1"),
        ({"pool_size": float("nan")}, "pool_size is nan; give a whole number"),
        ({"n_startup_trials": True}, "n_startup_trials is True; give a whole number from 0"),
    ],
)
def test_an_argument_of_another_kind_is_refused_at_once(argument: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        RLMSampler(**argument)


def test_no_candidate_is_proposed_twice_while_there_are_others() -> None:
    study = study_of(sampler(to_text=to_text, search_space=SPACE, seed=0))
    texts = [to_text(ask(study)) for _ in range(10)]
    assert len(set(texts)) == len(texts)


def test_candidates_under_way_are_not_proposed_again() -> None:
    study = study_of(sampler(to_text=to_text, search_space=SPACE, seed=0))
    burst = [study.ask(SPACE).params for _ in range(8)]
    assert len({to_text(params) for params in burst}) == 8


def test_invalid_candidates_are_never_proposed() -> None:
    study = study_of(sampler(to_text=to_text, search_space=SPACE, seed=0))
    assert all(ask(study)["n"] > 1 for _ in range(9))


def test_the_study_is_observed_with_failures_as_nan() -> None:
    fake = FakeSurrogate()
    study = study_of(sampler(surrogate=fake, search_space=SPACE, to_text=to_text, problem=Problem("c", "m"), seed=0))
    first = study.ask(SPACE)
    study.tell(first, 3.0)
    second = study.ask(SPACE)
    study.tell(second, state=optuna.trial.TrialState.FAIL)
    study.ask(SPACE)
    assert {p for p, _, _ in fake.observed} == {Problem("c", "m", "maximize")}
    assert [text for _, text, _ in fake.observed] == [to_text(first.params), to_text(second.params)]
    assert fake.observed[0][2] == 3.0
    assert np.isnan(fake.observed[1][2])


def test_a_violated_constraint_does_not_hide_the_value_and_is_avoided() -> None:
    fake = FakeSurrogate()
    short = sampler(
        surrogate=fake, to_text=to_text, search_space=SPACE, constraints_func=lambda t: (t.params["n"] - 3,), seed=0
    )
    study = study_of(short)
    asked = [ask(study) for _ in range(9)]
    assert sum(params["n"] == 4 for params in asked) < 4  # as many as there are, the longest that there are
    assert fake.values == {to_text(params): float(params["n"]) for params in asked[:8]}


def test_a_pruned_trial_is_observed_where_its_last_report_places_it() -> None:
    fake = FakeSurrogate()
    study = study_of(sampler(surrogate=fake, seed=0), "minimize")

    def add(n: int, report: float, value: float | None) -> None:
        state = optuna.trial.TrialState.PRUNED if value is None else optuna.trial.TrialState.COMPLETE
        known: Any = {"params": {"word": "a", "n": n}, "distributions": SPACE, "intermediate_values": {1: report}}
        study.add_trial(optuna.trial.create_trial(state=state, value=value, **known))

    add(1, 10.0, 1.0)
    add(2, 30.0, 3.0)
    add(3, 40.0, None)
    study.ask(SPACE)
    assert fake.values == {"n=1 word=a": 1.0, "n=2 word=a": 3.0, "n=3 word=a": 3.0}
    add(4, 50.0, 5.0)
    study.ask(SPACE)
    assert fake.values["n=3 word=a"] == pytest.approx(11 / 3)  # two thirds of the complete trials reported less


def test_a_failure_does_not_undo_a_value_of_the_same_candidate() -> None:
    fake = FakeSurrogate()
    study = study_of(sampler(surrogate=fake, seed=0))
    for value in (7.0, None):
        state = optuna.trial.TrialState.FAIL if value is None else optuna.trial.TrialState.COMPLETE
        same = optuna.trial.create_trial(params={"word": "bb", "n": 3}, distributions=SPACE, value=value, state=state)
        study.add_trial(same)
    study.ask(SPACE)
    assert [value for _, _, value in fake.observed] == [7.0]


def test_studies_of_one_name_do_not_share_what_they_know() -> None:
    one = sampler(search_space=SPACE, seed=0)
    studies = [optuna.create_study(study_name="same", sampler=one) for _ in range(2)]
    for study in studies:
        ask(study)
        ask(study)
    assert len(one._studies) == 2


def test_added_trials_are_observed() -> None:
    fake = FakeSurrogate()
    study = study_of(sampler(surrogate=fake, seed=0))
    added = {"word": "bb", "n": 3}
    study.add_trial(optuna.trial.create_trial(params=added, distributions=SPACE, value=7.0))
    study.ask(SPACE)
    assert [(text, value) for _, text, value in fake.observed] == [("n=3 word=bb", 7.0)]


def test_a_failing_surrogate_is_warned_of_once_and_the_study_goes_on() -> None:
    class Broken(FakeSurrogate):
        def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
            raise RuntimeError("out of memory")

    study = study_of(sampler(surrogate=Broken(), search_space=SPACE, seed=0))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(3):
            ask(study)
    assert len([w for w in caught if "out of memory" in str(w.message)]) == 1
    assert len(study.trials) == 3


def test_where_warnings_are_errors_the_study_goes_on_too() -> None:
    class Broken(FakeSurrogate):
        def predict(self, problem: Problem, texts: Sequence[str]) -> Prediction:
            raise RuntimeError("out of memory")

    def fails(params: dict[str, Any]) -> str:
        raise KeyError

    turned = Problem("net", "accuracy", "maximize")  # of a study that minimises
    options: list[dict[str, Any]] = [{"surrogate": Broken(), "search_space": SPACE}, {"to_text": fails}]
    for own in (*options, {"problem": turned, "search_space": SPACE}):
        study = study_of(sampler(**own, seed=0), "minimize")
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            for _ in range(3):
                ask(study)
        assert len(study.trials) == 3


def test_a_candidate_whose_text_cannot_be_made_is_left_to_the_parameters() -> None:
    def fussy(params: dict[str, Any]) -> str | None:
        if params["word"] == "ccc":
            raise KeyError("ccc")
        return to_text(params)

    for trust in (0.0, 1.0):
        study = study_of(sampler(surrogate=FakeSurrogate(trust), to_text=fussy, search_space=SPACE, seed=0))
        with pytest.warns(UserWarning, match=r"to_text failed \(KeyError\('ccc'\)\).*decide") as caught:
            words = [ask(study)["word"] for _ in range(8)]
        assert len(caught) == 1
        assert "ccc" in words
        assert len({*words}) > 2


def test_without_any_text_the_parameters_decide() -> None:
    read: list[dict[str, Any]] = []

    def broken(params: dict[str, Any]) -> str:
        read.append(params)
        raise ImportError("no module")

    study = study_of(sampler(to_text=broken, search_space=SPACE, n_startup_trials=2, seed=0))
    with pytest.warns(UserWarning, match="no module") as caught:
        asked = [ask(study) for _ in range(6)]
    assert len(caught) == 1
    assert len({tuple(params.values()) for params in asked}) == 6
    assert study.trials[-1].user_attrs[ATTRIBUTE]["by"] == "parameters"
    assert len(read) < 40  # not every candidate before every trial


def test_without_trust_the_proposals_vary() -> None:
    study = study_of(sampler(surrogate=FakeSurrogate(0.0), to_text=to_text, search_space=SPACE, seed=0))
    assert len({len(to_text(ask(study)) or "") for _ in range(8)}) > 2


def test_the_same_seed_gives_the_same_study() -> None:
    def run() -> list[dict[str, Any]]:
        study = study_of(sampler(seed=3))
        return [ask(study) for _ in range(5)]

    assert run() == run()


def test_several_objectives_need_as_many_problems() -> None:
    lonely = sampler(problem=[Problem("c", "m")])
    study = optuna.create_study(sampler=lonely, directions=["minimize", "maximize"])
    with pytest.raises(ValueError, match="1 of them for 2 objectives"):  # before the first trial has cost anything
        study.ask()


def test_a_sampler_survives_pickling_in_the_middle_of_a_study() -> None:
    study = study_of(sampler(seed=0))
    ask(study)
    study.sampler = pickle.loads(pickle.dumps(study.sampler))
    assert set(ask(study)) == {"word", "n"}


def test_float_parameters_stay_on_their_steps_and_in_range() -> None:
    space: dict[str, BaseDistribution] = {
        "x": FloatDistribution(0.1, 1.0, step=0.3),
        "y": FloatDistribution(1e-4, 1.0, log=True),
    }
    study = study_of(sampler(search_space=space, seed=0))
    for _ in range(20):
        trial = study.ask(space)
        assert min(abs(trial.params["x"] - np.arange(0.1, 1.01, 0.3))) < 1e-9
        assert 1e-4 <= trial.params["y"] <= 1.0
        study.tell(trial, 0.0)


def test_a_pool_of_none_is_refused() -> None:
    with pytest.raises(ValueError, match="pool_size is 0; give a number from 1"):
        RLMSampler(pool_size=0)
    RLMSampler(pool_size=cast("int", np.int64(8)))
