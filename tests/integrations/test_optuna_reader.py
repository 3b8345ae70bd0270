"""What becomes text: which parameters of a study, which of its trials, and which text of a pool is chosen."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import optuna
import pytest
from fake_surrogate import FakeSurrogate
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import Trial, TrialState, create_trial

from prerank.integrations.optuna import ATTRIBUTE, RLMSampler
from prerank.surrogate.acquisitions import confidence_bound

SPACE: dict[str, BaseDistribution] = {
    "word": CategoricalDistribution(("a", "bb", "ccc", "dddd")),
    "n": IntDistribution(1, 9),
}


def to_text(params: dict[str, Any]) -> str:
    return params["word"] * params["n"]


def study_of(storage: str | None = None, **options: Any) -> optuna.Study:
    usual: dict[str, Any] = {"surrogate": FakeSurrogate(), "to_text": to_text, "pool_size": 16, "seed": 0}
    return optuna.create_study(storage=storage, direction="maximize", sampler=RLMSampler(**(usual | options)))


def letters(trial: Trial) -> float:
    return float(trial.suggest_int("n", 1, 9) * len(trial.suggest_categorical("word", ("a", "bb", "ccc", "dddd"))))


def chosen_by(study: optuna.Study) -> list[str | None]:
    return [trial.user_attrs.get(ATTRIBUTE, {}).get("by") for trial in study.trials]


def test_different_candidates_read_differently_without_to_text() -> None:
    surrogate: Any = FakeSurrogate()
    choices = [True, "True", "a b", "a_b"]
    study = optuna.create_study(sampler=RLMSampler(surrogate=surrogate, seed=0))

    def near(trial: Trial) -> float:
        trial.suggest_categorical("c", choices)
        return trial.suggest_float("x", 1000, 1001) + trial.suggest_int("n", 1, 3)

    study.optimize(near, n_trials=16)
    assert len({text for _, text, _ in surrogate.observed}) == 15  # of the last one nothing has been asked since


def lacking(state: TrialState, value: float | None) -> optuna.trial.FrozenTrial:
    return create_trial(state=state, value=value, params={"n": 4}, distributions={"n": SPACE["n"]})


def test_a_pruned_trial_that_lacks_a_parameter_does_not_end_the_reading() -> None:
    study = study_of()
    study.optimize(letters, n_trials=3)
    study.add_trial(lacking(TrialState.PRUNED, None))
    study.optimize(letters, n_trials=3)
    assert chosen_by(study) == [None, "text", "text", None, "text", "text", "text"]


def test_where_the_text_of_what_complete_trials_share_cannot_be_made_the_parameters_decide() -> None:
    study = study_of(n_startup_trials=2)
    study.optimize(letters, n_trials=3)
    study.add_trial(lacking(TrialState.COMPLETE, 4.0))
    with pytest.warns(UserWarning, match="to_text failed"):
        study.optimize(letters, n_trials=3)
    assert chosen_by(study)[4:] == ["parameters"] * 3


def test_what_was_pruned_early_is_not_chosen_for_ever() -> None:
    def objective(trial: Trial) -> float:
        if trial.suggest_int("n", 1, 9) == 9:
            raise optuna.TrialPruned
        return letters(trial)

    study = study_of()
    study.enqueue_trial({"word": "a", "n": 2})
    study.optimize(objective, n_trials=10)
    assert sum(trial.state == TrialState.PRUNED for trial in study.trials) <= 4  # one for each word


@pytest.mark.parametrize("given", [True, False])
def test_parameters_of_one_value_are_read(given: bool) -> None:
    space = {"tail": CategoricalDistribution(["!"]), "width": IntDistribution(7, 7)} | SPACE
    read: list[dict[str, Any]] = []

    def whole(params: dict[str, Any]) -> str:
        read.append(params)
        return to_text(params) + params["tail"] + str(params["width"])

    study = study_of(to_text=whole, search_space=space if given else None)
    for _ in range(3):
        trial = study.ask(space)
        study.tell(trial, float(len(to_text(trial.params))))
    assert chosen_by(study)[1:] == ["text", "text"]
    assert {frozenset(params) for params in read} == {frozenset(space)}
    assert {(params["tail"], params["width"]) for params in read} == {("!", 7)}
    if given:
        assert {tuple(params) for params in read} == {tuple(space)}


@pytest.mark.parametrize("database", [False, True])
def test_no_text_is_proposed_twice_to_a_burst_that_suggests_later(tmp_path: Path, database: bool) -> None:
    """Trials store their parameters one by one, of which Optuna's list of a database knows nothing until the next ask.

    A float that the text leaves out lets texts repeat where parameters do not.
    """
    storage = f"sqlite:///{tmp_path / 'study.db'}" if database else None
    study = study_of(storage, search_space=SPACE | {"seed": FloatDistribution(0, 1)}, pool_size=400)
    burst = [study.ask() for _ in range(6)]
    for trial in burst:
        trial.suggest_float("seed", 0, 1)
    for trial in burst:
        letters(trial)
    assert chosen_by(study) == ["text"] * 6
    assert len({to_text(trial.params) for trial in burst}) == 6


def anew(study: optuna.Study) -> FakeSurrogate:
    """Let another process go on, which knows the storage alone."""
    fake = FakeSurrogate()
    given: Any = {"surrogate": fake, "to_text": to_text, "search_space": SPACE, "pool_size": 16, "seed": 0}
    study.sampler = RLMSampler(**given)
    return fake


@pytest.mark.parametrize("database", [False, True])
def test_what_crashed_early_is_learnt_by_another_process(tmp_path: Path, database: bool) -> None:
    study = study_of(f"sqlite:///{tmp_path / 'study.db'}" if database else None, search_space=SPACE)
    crashed = study.ask()
    n = crashed.suggest_int("n", 1, 9)
    study.tell(crashed, state=TrialState.FAIL)
    other = anew(study)
    study.ask(SPACE)
    ((text, value),) = other.values.items()
    assert text in {to_text({"word": word, "n": n}) for word in ("a", "bb", "ccc", "dddd")}
    assert math.isnan(value)


@pytest.mark.parametrize("database", [False, True])
def test_what_another_process_has_begun_is_not_proposed_again(tmp_path: Path, database: bool) -> None:
    study = study_of(f"sqlite:///{tmp_path / 'study.db'}" if database else None, search_space=SPACE)
    begun: list[Trial] = []
    for _ in range(5):
        anew(study)
        begun.append(trial := study.ask())
        trial.suggest_int("n", 1, 9)
    for trial in begun:
        letters(trial)
    assert len({to_text(trial.params) for trial in begun}) == 5


def test_what_was_promised_of_a_category_that_is_gone_does_not_count() -> None:
    study = study_of(search_space=SPACE | {"word": CategoricalDistribution(("e", "ff"))})
    crashed, killed = study.ask(), study.ask()
    for trial in (crashed, killed):
        trial.suggest_int("n", 1, 9)
    study.tell(crashed, state=TrialState.FAIL)
    other = anew(study)
    assert chosen_by(study)[:2] == ["text"] * 2
    assert len(study.ask(SPACE).params) == 2
    assert not other.values


def test_the_middle_of_a_front_is_chosen_too() -> None:
    """One objective asks for long texts, the other for short ones, so that every text is on the front."""
    space: dict[str, BaseDistribution] = {"n": IntDistribution(1, 30)}
    chosen: list[int] = []
    for seed in range(8):
        surrogate: Any = FakeSurrogate()
        reading = RLMSampler(surrogate=surrogate, to_text=lambda p: "a" * p["n"], search_space=space, seed=seed)
        study = optuna.create_study(directions=["minimize", "maximize"], sampler=reading)
        chosen.append(study.ask(space).params["n"])
    assert min(chosen) < 10
    assert max(chosen) > 20
    assert any(10 <= n <= 20 for n in chosen)


def test_a_burst_shares_one_ranking_until_a_trial_ends() -> None:
    surrogate = FakeSurrogate()
    study = study_of(surrogate=surrogate, search_space=SPACE)
    burst = [study.ask(SPACE) for _ in range(6)]
    texts = [to_text(trial.params) for trial in burst]
    assert len(set(texts)) == 6
    assert texts == sorted(texts, key=len, reverse=True)
    assert sum(len(asked) > 1 for asked in surrogate.asked) == 1
    study.tell(burst[0], 1.0)
    study.ask(SPACE)
    assert sum(len(asked) > 1 for asked in surrogate.asked) == 2


def told(study: optuna.Study, trials: int, value: float = 1.0) -> None:
    """So many trials, after which the parameters have a say."""
    for n in range(trials):
        params = {"word": "a", "n": n + 1}
        study.add_trial(create_trial(params=params, distributions=SPACE, values=[value + n] * len(study.directions)))


@pytest.mark.parametrize("objectives", [1, 2])
def test_a_burst_by_both_shares_one_reading_of_its_pool_until_a_trial_ends(objectives: int) -> None:
    surrogate: Any = FakeSurrogate()
    sampler = RLMSampler(surrogate=surrogate, to_text=to_text, search_space=SPACE, pool_size=16, seed=0)
    study = optuna.create_study(directions=[StudyDirection.MAXIMIZE] * objectives, sampler=sampler)
    told(study, 6)
    burst = [study.ask(SPACE) for _ in range(5)]
    assert len({to_text(trial.params) for trial in burst}) == 5
    assert len(surrogate.asked) == objectives
    assert chosen_by(study)[6:] == ["both"] * 5
    study.tell(burst[0], [1.0] * objectives)
    study.ask(SPACE)
    assert len(surrogate.asked) == 2 * objectives


def test_what_is_not_trusted_is_neither_asked_nor_heeded() -> None:
    surrogate: Any = FakeSurrogate(trust=0.0)
    study = study_of(surrogate=surrogate, search_space=SPACE)
    told(study, 6)
    study.ask(SPACE)
    assert chosen_by(study)[-1] == "parameters"
    assert not surrogate.asked


def test_what_is_noted_by_both_is_what_both_expect() -> None:
    """The surrogate is sure of the number of letters, and is trusted."""
    study = study_of(search_space=SPACE)
    told(study, 6)
    trial = study.ask(SPACE)
    note, count = study.trials[-1].user_attrs[ATTRIBUTE], len(to_text(trial.params))
    assert note["mean"] == [pytest.approx(count, rel=0.05)]
    assert note["interval"][0][0] < note["mean"][0] < note["interval"][0][1]
    assert note["trust"] == [1.0]


def test_an_acquisition_that_is_given_decides_alone() -> None:
    study = study_of(search_space=SPACE, acquisition=confidence_bound(1.0))
    told(study, 6)
    study.ask(SPACE)
    assert chosen_by(study)[-1] == "text"


def test_a_burst_larger_than_its_pool_goes_on() -> None:
    study = study_of(search_space=SPACE, pool_size=4)
    assert len({to_text(study.ask(SPACE).params) for _ in range(12)}) == 12


def test_of_long_texts_few_are_read() -> None:
    surrogate: Any = FakeSurrogate()
    space: dict[str, BaseDistribution] = {"x": FloatDistribution(0, 1), "n": IntDistribution(1, 9)}
    long = RLMSampler(surrogate=surrogate, to_text=lambda p: f"{p['x']} {p['n']}" * 1000, search_space=space, seed=0)
    study = optuna.create_study(direction="maximize", sampler=long)
    for _ in range(9):
        trial = study.ask(space)
        study.tell(trial, trial.params["x"])
    most = [max(len(asked) for asked in surrogate.asked), max(sum(map(len, asked)) for asked in surrogate.asked)]
    assert 8 <= most[0] < 20
    assert most[1] < 2**18 * 1.2


def test_candidates_of_any_depth_are_read_and_proposed() -> None:
    def layers(trial: Trial) -> float:
        return float(sum(trial.suggest_int(f"w{i}", 1, 8) for i in range(trial.suggest_int("depth", 2, 5))))

    def stacked(params: dict[str, Any]) -> str:
        return "-".join("a" * params[f"w{i}"] for i in range(params["depth"]))

    surrogate: Any = FakeSurrogate()
    study = study_of(surrogate=surrogate, to_text=stacked, pool_size=64)
    study.enqueue_trial({"depth": 3})
    with pytest.warns(UserWarning, match=r"to_text failed .* the parameters decide"):
        study.optimize(layers, n_trials=20)
    assert {text for _, text, _ in surrogate.observed} == {stacked(trial.params) for trial in study.trials[:-1]}
    assert [trial.params["depth"] for trial in study.trials[12:]].count(5) > 5
    assert "both" in chosen_by(study)
