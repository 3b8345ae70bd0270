"""What RLMTuner keeps of its trials, beside NNI's list of jobs, which may exchange their parameters."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from fake_surrogate import FakeSurrogate
from nni.runtime import msg_dispatcher
from nni.runtime.msg_dispatcher import MsgDispatcher
from nni_searches import SPACE, tuner

from prerank.integrations.nni import RLMTuner
from prerank.integrations.nni_record import Origin, TrialResult, load, save


class Dispatcher(MsgDispatcher):
    """NNI's own, without its server; what it would send there is kept."""

    def __init__(self, tuner: RLMTuner) -> None:
        super().__init__("ws://_unittest_placeholder_", tuner)
        self.sent: list[dict[str, Any]] = []

    def send(self, command: Any, data: Any) -> None:
        if data:
            self.sent.append(json.loads(data))

    def request(self, count: int) -> list[dict[str, Any]]:
        self.handle_request_trial_jobs(count)
        return self.sent[-count:]

    def report(self, job: str, number: int, value: float) -> None:
        news = {"type": "FINAL", "trial_job_id": job, "parameter_id": number, "value": json.dumps(value)}
        self.handle_report_metric_data(news)


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that NNI makes for a tuner and names to it."""
    monkeypatch.setenv("NNI_CHECKPOINT_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(msg_dispatcher, "_next_parameter_id", 0)
    return tmp_path


def started(surrogate: FakeSurrogate | None = None) -> Dispatcher:
    made = RLMTuner(pool_size=16, seed=0, surrogate=cast(Any, surrogate or FakeSurrogate()))
    dispatcher = Dispatcher(made)
    dispatcher.handle_initialize(SPACE)
    return dispatcher


def resumed(surrogate: FakeSurrogate, jobs: Sequence[dict[str, Any]]) -> Dispatcher:
    """As `MsgDispatcherBase.run` and NNI's manager go about it."""
    made = RLMTuner(pool_size=16, seed=0, surrogate=cast(Any, surrogate))
    dispatcher = Dispatcher(made)
    dispatcher.load_checkpoint()
    dispatcher.handle_initialize(SPACE)
    dispatcher.handle_import_data([dict(job) for job in jobs])
    return dispatcher


def exchanged(trials: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """NNI's list of the jobs 0, 1, 2, ..., of which each has another one's parameters."""
    others = [*trials[1:], trials[0]]
    return [
        {"parameter": other["parameters"], "value": float(number), "trialJobId": f"job{number}"}
        for number, other in enumerate(others)
    ]


def test_a_resumed_tuner_believes_what_it_heard_and_not_the_list_of_jobs(checkpoint: Path) -> None:
    before, after = FakeSurrogate(), FakeSurrogate()
    first = started(before)
    trials = first.request(4)
    for number in range(3):
        first.report(f"job{number}", trials[number]["parameter_id"], float(number))
    second = resumed(after, exchanged(trials[:3]))
    assert after.values == before.values
    assert len(after.observed) == 3
    again = second.request(3)
    assert not any(trial["parameters"] in [one["parameters"] for one in trials[:3]] for trial in again)


def test_a_trial_under_way_gets_no_value_of_another_job(checkpoint: Path) -> None:
    before, after = FakeSurrogate(), FakeSurrogate()
    first = started(before)
    trials = first.request(2)
    first.report("job0", trials[0]["parameter_id"], 1.0)
    resumed(after, [{"parameter": trials[1]["parameters"], "value": 1.0, "trialJobId": "job0"}])
    assert after.values == before.values


def test_failures_are_kept_and_no_success_is_imported_over_them(checkpoint: Path) -> None:
    before, after = FakeSurrogate(), FakeSurrogate()
    first = started(before)
    trials = first.request(2)
    first.handle_trial_end({"trial_job_id": "job0", "event": "FAILED", "hyper_params": json.dumps(trials[0])})
    first.report("job1", trials[1]["parameter_id"], 1.0)
    resumed(after, [{"parameter": trials[0]["parameters"], "value": 1.0, "trialJobId": "job1"}])
    assert after.values == pytest.approx(before.values, nan_ok=True)
    assert sum(math.isnan(value) for value in after.values.values()) == 1


def test_trials_that_the_tuner_never_heard_of_are_imported_once(checkpoint: Path) -> None:
    surrogate, jobs = FakeSurrogate(), [{"parameter": {"word": "a", "n": 2}, "value": 3.0}]
    for _ in range(3):
        resumed(surrogate, [*jobs, {"parameter": {"word": "a", "n": 3}, "value": 4.0, "trialJobId": "other"}])
    assert surrogate.values == {"word=a n=2": 3.0, "word=a n=3": 4.0}
    assert load(checkpoint) == [TrialResult({"word": "a", "n": 2}, 3.0, Origin.IMPORT)]


def test_an_import_does_not_contradict_what_a_trial_said() -> None:
    surrogate = FakeSurrogate()
    made = tuner(surrogate=surrogate, to_text=None)
    parameters = made.generate_parameters(0)
    made.receive_trial_result(0, parameters, 1.0)
    made.import_data([{"parameter": parameters, "value": 7.0}])
    assert [*surrogate.values.values()] == [1.0]
    made.update_search_space(SPACE)
    assert [*surrogate.values.values()] == [1.0]


def test_the_kept_list_can_be_imported_elsewhere(checkpoint: Path) -> None:
    before, after = FakeSurrogate(), FakeSurrogate()
    first = started(before)
    trials = first.request(3)
    for number in (0, 2):
        first.report(f"job{number}", trials[number]["parameter_id"], float(number))
    kept = json.loads((checkpoint / "prerank_trials.json").read_text("utf-8"))
    tuner(surrogate=after, to_text=None).import_data(kept)
    assert after.values == before.values


@pytest.mark.parametrize("content", ["", "[{", "[5]", '[{"parameter": {}}]', '"x"'])
def test_a_list_that_cannot_be_read_does_not_end_an_experiment(
    content: str, checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (checkpoint / "prerank_trials.json").write_text(content, encoding="utf-8")
    with caplog.at_level("WARNING", "nni.prerank"):
        assert len(resumed(FakeSurrogate(), []).request(2)) == 2
    assert "cannot be read" in caplog.text


def test_a_folder_that_is_gone_does_not_end_an_experiment(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").touch()
    with caplog.at_level("WARNING", "nni.prerank"):
        save(tmp_path / "file", [TrialResult({"x": 1}, 1.0, Origin.TRIAL)])
    assert "could not be written" in caplog.text
