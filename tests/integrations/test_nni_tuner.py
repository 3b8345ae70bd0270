"""RLMTuner as NNI's dispatcher calls it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, cast

import nni
import numpy as np
import pytest
import yaml
from fake_surrogate import FakeSurrogate
from nni_searches import OPTIONS, SPACE, to_text, tuner

from prerank.integrations.nni import (
    REGISTRATION,
    RLMClassArgsValidator,
    RLMTuner,
)
from prerank.search_spaces import nas_bench_201
from prerank.surrogate.rlm_surrogate import PACKAGED


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


def test_the_last_points_of_a_space_are_found_without_drawing_for_them() -> None:
    read: list[dict[str, Any]] = []
    made = tuner(to_text=lambda parameters: read.append(parameters) or str(parameters), pool_size=64)
    made.update_search_space({name: {"_type": "randint", "_value": [0, size]} for name, size in (("a", 30), ("b", 10))})
    every = [{"a": a, "b": b} for a in range(30) for b in range(10)]
    made.import_data([{"parameter": parameters, "value": 1.0} for parameters in every[:-2]])
    read.clear()
    assert made.generate_parameters(0) in every[-2:]
    assert len(read) < 500
    assert made.generate_parameters(1) in every[-2:]
    with pytest.raises(nni.NoMoreTrialError):
        made.generate_parameters(2)


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


def test_a_search_goes_on_in_a_space_that_lost_a_parameter() -> None:
    """Each trial had a schedule, so that none says what another one makes of the optimizer."""
    optimizer = {"_type": "choice", "_value": ["sgd", "adam", "lamb"]}
    made = tuner(to_text=None)
    made.update_search_space({"optimizer": optimizer, "schedule": {"_type": "choice", "_value": ["cos", "step"]}})
    tried = made.generate_multiple_parameters(list(range(6)))
    for number, parameters in enumerate(tried[:5]):
        made.receive_trial_result(number, parameters, float(number))
    made.update_search_space({"optimizer": optimizer})
    made.import_data([{"parameter": parameters, "value": 1.0} for parameters in tried])
    assert not made._trials.finished
    assert len(made.generate_multiple_parameters([6, 7, 8, 9])) == 3


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


def test_entries_that_lack_something_do_not_keep_others_from_being_imported(caplog: pytest.LogCaptureFixture) -> None:
    surrogate = FakeSurrogate()
    junk = [{"parameter": {"word": "a", "n": 2}}, "junk", "[1]", 5, None, {"parameter": "junk", "value": 1.0}]
    with caplog.at_level("INFO", "nni.prerank"):
        tuner(surrogate=surrogate).import_data([*junk, {"parameter": {"word": "a", "n": 3}, "value": 1.0}])
    assert surrogate.values == {"aaa": 1.0}
    assert "6 trials have no parameter or no value" in caplog.text


def test_the_log_says_what_became_of_imported_trials(caplog: pytest.LogCaptureFixture) -> None:
    made = tuner()
    first, *others = [{"parameter": {"word": "a", "n": n}, "value": 1.0} for n in (2, 3, 9)]
    with caplog.at_level("INFO", "nni.prerank"):
        made.import_data([first])
        made.import_data(others)
    assert caplog.messages == ["imported 1 trials: 1 learnt", "imported 2 trials: 1 learnt, 1 not of this search space"]


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


def test_arguments_of_a_configuration_are_checked(tmp_path: Path) -> None:
    RLMClassArgsValidator().validate_class_args(optimize_mode="minimize", pool_size=8)
    RLMClassArgsValidator().validate_class_args(surrogate=str(PACKAGED), to_text="json.decoder:dumps")
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
        ({"surrogate": str(tmp_path)}, "no checkpoint at"),
        ({"surrogate": str(tmp_path / "nowhere")}, "nowhere"),
        ({"surrogate": "weights"}, "give the full path"),
        ({"to_text": "nowhere_at_all:f"}, "no module 'nowhere_at_all' is found; put its folder in PYTHONPATH"),
        ({"to_text": "json"}, "give 'module:function'"),
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
