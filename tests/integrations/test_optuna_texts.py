"""Studies whose trials are read as text, those of other studies too."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from textwrap import dedent
from typing import Any

import numpy as np
import optuna
import pytest
from fake_surrogate import FakeSurrogate
from optuna.distributions import BaseDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import PartialFixedSampler, TPESampler
from optuna.trial import Trial, create_trial
from optuna_objectives import SPACE, bowl, found

from prerank.integrations.optuna import ATTRIBUTE, RLMSampler
from prerank.integrations.optuna_branches import Branches
from prerank.integrations.optuna_texts import UnreadableError, left_out
from prerank.search_spaces import nas_bench_201
from prerank.surrogate import Problem


@pytest.mark.parametrize("said", ["the same", None])
def test_where_texts_tell_nothing_apart_the_parameters_decide(said: str | None) -> None:
    surrogate: Any = FakeSurrogate()
    sampler = RLMSampler(surrogate=surrogate, to_text=lambda params: said, seed=0)
    study = optuna.create_study(sampler=sampler)
    with pytest.warns(UserWarning, match="to_text makes no new text") as warned:
        study.optimize(bowl, n_trials=20)
    assert len(warned) == 1
    assert study.best_value < found(TPESampler(seed=0), bowl, 20)
    assert study.trials[-1].user_attrs[ATTRIBUTE]["by"] == "parameters"


def test_by_name_and_value_the_texts_of_all_branches_are_read() -> None:
    def objective(trial: Trial) -> float:
        rate = trial.suggest_float("rate", 1e-5, 1, log=True)
        if trial.suggest_categorical("solver", ["adam", "sgd"]) == "sgd":
            return abs(np.log10(rate / 0.01)) + 1 + trial.suggest_float("momentum", 0, 0.99)
        return abs(np.log10(rate / 0.01))

    surrogate: Any = FakeSurrogate(0.0)
    sampler = RLMSampler(seed=0, problem=Problem("training", "loss"), surrogate=surrogate, pool_size=64)
    study = optuna.create_study(sampler=sampler)
    study.optimize(objective, n_trials=26)
    assert {trial.params["solver"] for trial in study.trials[6:]} == {"adam", "sgd"}
    assert study.best_value < 0.1
    read = {text for texts in surrogate.asked for text in texts} | surrogate.values.keys()
    assert {("momentum" in text, "solver=sgd" in text) for text in read} == {(True, True), (False, False)}


def test_what_was_predicted_is_kept_with_the_trial() -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=0))
    study.optimize(bowl, n_trials=25)
    notes = [trial.user_attrs[ATTRIBUTE] for trial in study.trials[15:]]
    inside = [note["interval"][0][0] <= note["mean"][0] <= note["interval"][0][1] for note in notes]
    assert all(inside)
    assert all(0 <= note["trust"][0] <= 1 for note in notes)
    hit = [
        note["interval"][0][0] <= trial.value <= note["interval"][0][1]
        for trial, note in zip(study.trials[15:], notes, strict=True)
        if trial.value is not None
    ]
    assert np.mean(hit) > 0.5


def test_the_trials_of_a_study_of_another_space_are_observed_as_text() -> None:
    source = optuna.create_study(study_name="earlier")
    source.add_trial(create_trial(params={"x": 0.5}, distributions={"x": SPACE["x"]}, value=2.0))
    fake: Any = FakeSurrogate(0.0)
    study = optuna.create_study(sampler=RLMSampler(surrogate=fake, sources=[source], search_space=SPACE))
    study.ask(SPACE)
    assert [(text, value) for _, text, value in fake.observed] == [("x=0.5", 2.0)]


def test_a_source_of_another_direction_is_refused() -> None:
    source = optuna.create_study(study_name="earlier", direction="maximize")
    study = optuna.create_study(sampler=RLMSampler(sources=[source], search_space=SPACE))
    with pytest.raises(ValueError, match="'earlier' has directions"):
        study.ask(SPACE)


def test_sources_are_asked_again_after_a_storage_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [optuna.create_study() for _ in range(2)]
    for source, value in zip(sources, (2.0, 3.0), strict=True):
        source.add_trial(create_trial(params={"x": value / 4}, distributions={"x": SPACE["x"]}, value=value))
    read, failures = sources[1].get_trials, [OSError("database is locked")]

    def once(*arguments: Any, **options: Any) -> Any:
        if failures:
            raise failures.pop()
        return read(*arguments, **options)

    monkeypatch.setattr(sources[1], "get_trials", once)
    fake: Any = FakeSurrogate(0.0)
    study = optuna.create_study(sampler=RLMSampler(surrogate=fake, sources=sources, search_space=SPACE))
    with pytest.warns(UserWarning, match="database is locked"):
        study.ask(SPACE)
    study.ask(SPACE)
    assert fake.values == {"x=0.5": 2.0, "x=0.75": 3.0}


def test_on_onnxruntime_a_text_is_chosen_without_torch(tmp_path: Path) -> None:
    code = """
        import sys
        import optuna
        from prerank.integrations.optuna import RLMSampler
        from prerank.search_spaces import nas_bench_201 as cells
        from prerank.surrogate import RLMSurrogate

        edge = optuna.distributions.CategoricalDistribution(cells.OPERATIONS)
        sampler = RLMSampler(
            surrogate=RLMSurrogate.load(backend="onnxruntime"),
            problem=cells.problem(),
            to_text=lambda params: cells.to_text(cells.Cell(tuple(params.values()))),
            search_space={f"edge_{number}": edge for number in range(6)},
            pool_size=16,
            seed=0,
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        study.ask({"edge_0": edge})
        print(study.trials[0].user_attrs["prerank"]["by"], "torch" in sys.modules)
    """
    command = [sys.executable, "-c", dedent(code)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["text", "False"]


def test_a_known_space_is_ranked_by_the_packaged_weights_from_the_first_trial() -> None:
    space: dict[str, BaseDistribution] = {
        f"edge_{edge}": optuna.distributions.CategoricalDistribution(nas_bench_201.OPERATIONS) for edge in range(6)
    }

    def to_text(params: dict[str, Any]) -> str:
        return nas_bench_201.to_text(nas_bench_201.Cell(tuple(params[name] for name in space)))

    sampler = RLMSampler(problem=nas_bench_201.problem(), to_text=to_text, search_space=space, pool_size=32, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    trial = study.ask(space)
    note = study.trials[0].user_attrs[ATTRIBUTE]
    assert note["by"] == "text"
    assert note["mean"][0] > 0.85
    assert "conv" in to_text(trial.params)


def test_constraints_are_heeded_by_text() -> None:
    """At most two convolutions of 3x3, though more of them are better."""
    cells = {
        f"edge_{edge}": optuna.distributions.CategoricalDistribution(nas_bench_201.OPERATIONS) for edge in range(6)
    }

    def to_text(params: dict[str, Any]) -> str:
        return nas_bench_201.to_text(nas_bench_201.Cell(tuple(params.values())))

    def objective(trial: Trial) -> float:
        ops = [trial.suggest_categorical(name, cell.choices) for name, cell in cells.items()]
        trial.set_constraint("conv3x3", ops.count("conv3x3") - 2)
        return 0.8 + 0.02 * ops.count("conv3x3") + 0.01 * ops.count("conv1x1")

    sampler = RLMSampler(problem=nas_bench_201.problem(), to_text=to_text, search_space=cells, pool_size=32, seed=0)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=12)
    violated = [any(bound > 0 for bound in trial.constraints.values()) for trial in study.trials]
    assert sum(violated[4:]) <= 4
    assert study.trials[-1].user_attrs[ATTRIBUTE]["by"] == "both"


def test_what_a_sampler_around_this_one_fixes_is_read_too() -> None:
    surrogate: Any = FakeSurrogate()
    sampler = RLMSampler(surrogate=surrogate, to_text=lambda params: "a" * (params["x"] + params["y"] + 20), seed=0)
    study = optuna.create_study(sampler=sampler)

    def objective(trial: Trial) -> float:
        return trial.suggest_int("x", -9, 9) ** 2 + trial.suggest_int("y", -9, 9) ** 2

    study.optimize(objective, n_trials=8)
    with pytest.warns(ExperimentalWarning):
        study.sampler = PartialFixedSampler({"x": 3}, sampler)
    study.optimize(objective, n_trials=4)
    assert {trial.params["x"] for trial in study.trials[8:]} == {3}
    assert all(trial.user_attrs[ATTRIBUTE]["by"] != "parameters" for trial in study.trials[8:])


def test_to_text_that_makes_no_string_is_told_of() -> None:
    wrong: dict[str, Any] = {"to_text": lambda params: [params], "surrogate": FakeSurrogate()}
    study = optuna.create_study(sampler=RLMSampler(search_space=SPACE, seed=0, **wrong))
    with pytest.warns(UserWarning, match="return a string"):
        study.optimize(bowl, n_trials=3)
    assert len(study.trials) == 3


TUNED: dict[str, BaseDistribution] = {
    "n": optuna.distributions.IntDistribution(1, 30),
    "rate": optuna.distributions.FloatDistribution(0, 1),
}


@pytest.mark.parametrize("trust", [0.0, 1.0])
def test_what_texts_leave_out_is_tuned_beside_them(trust: float) -> None:
    surrogate: Any = FakeSurrogate(trust)
    sampler = RLMSampler(surrogate=surrogate, to_text=lambda params: "a" * params["n"], pool_size=64, seed=0)
    study = optuna.create_study(sampler=sampler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        study.optimize(
            lambda trial: trial.suggest_int("n", 1, 30) + 9 * (trial.suggest_float("rate", 0, 1) - 0.3) ** 2,
            n_trials=20,
        )
    assert study.best_value < 1.02
    for text, value in surrogate.values.items():
        values = [trial.value for trial in study.trials[:-1] if trial.params["n"] == len(text)]
        assert value == min(value for value in values if value is not None)


def of(to_text: Any) -> frozenset[str]:
    return left_out(Branches(TUNED, {}), to_text)


def test_a_parameter_that_a_text_shows_now_and_then_is_not_left_out() -> None:
    assert of(lambda params: str(params["n"])) == {"rate"}
    assert of(lambda params: "a") == {"n", "rate"}
    assert of(lambda params: str(params["n"]) if params["rate"] < 0.9 else "high") == set()
    assert of(lambda params: None if params["rate"] < 0.5 else str(params["n"])) == set()


def test_parameters_of_which_no_text_can_be_made_are_not_left_out() -> None:
    def fails(params: dict[str, Any]) -> str:
        raise UnreadableError

    assert of(fails) == of(lambda params: None) == set()


def test_what_two_candidates_say_is_measured_once() -> None:
    """Each parameter is shown, though two candidates may say the same, as isomorphic cells do."""
    sampler = RLMSampler(surrogate=FakeSurrogate(0.0), to_text=lambda p: str(sorted(p.values())), seed=0)  # type: ignore[arg-type]
    study = optuna.create_study(sampler=sampler)
    study.optimize(lambda trial: trial.suggest_int("x", 0, 4) + trial.suggest_int("y", 0, 4), n_trials=15)
    assert len({str(sorted(trial.params.values())) for trial in study.trials}) == 15
