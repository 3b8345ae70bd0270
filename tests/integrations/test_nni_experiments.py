"""Whole NNI experiments with the packaged weights, two of them with NNI's server and trial processes.

Each runs in a process, on a free port and in a home folder of its own; whatever runs there is ended with the test.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from nni_search_space import SPACE

HARD_LIMIT = 300  # seconds; a run takes less than 60 on an idle core
ATTEMPTS = 4
TOO_BUSY = ("Tuner did not connect in 10 seconds", "_check_rest_server", "EADDRINUSE", "is not idle")
"""NNI's own limits, for its own tuners too, and a port that another process took first."""
WORDS = ("TRIALS ", "LEARNT ", "BEFORE ", "AFTER ")
TUNER = """
import json, sys
from nni.experiment import CustomAlgorithmConfig, Experiment

folder, port = sys.argv[1], int(sys.argv[2])
experiment = Experiment("local")
experiment.config.trial_command = sys.executable + " trial.py"
experiment.config.trial_code_directory = folder
experiment.config.experiment_working_directory = folder + "/experiments"
experiment.config.search_space = json.load(open(folder + "/space.json"))
experiment.config.tuner = CustomAlgorithmConfig(
    class_name="prerank.integrations.nni.RLMTuner",
    code_directory=folder,
    class_args={"optimize_mode": "minimize", "seed": 0, "pool_size": 32},
)
experiment.config.max_trial_number = 3
experiment.config.trial_concurrency = 2
try:
    experiment.run(port)
    jobs = experiment.list_trial_jobs()
    trials = [[job.status, job.hyperParameters[0].parameters, job.finalMetricData[0].data] for job in jobs]
    print("TRIALS", json.dumps(trials))
finally:
    experiment.stop()
"""
TRIAL = """
import nni
parameters = nni.get_next_parameter()
nni.report_final_result({"default": abs(parameters["uniform"]), "other": len(parameters)})
"""
STRATEGY = """
import json, sys
import nni
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.experiment import NasExperiment, NasExperimentConfig
from nni.nas.hub.pytorch import NasBench201
from prerank.integrations.nni import RLMStrategy, nas_bench_201_text
from prerank.search_spaces import nas_bench_201


def parameters(model):
    nni.report_final_result(sum(weights.numel() for weights in model.parameters()))


if __name__ == "__main__":
    folder, port = sys.argv[1], int(sys.argv[2])
    config = NasExperimentConfig("ts", "simplified", "local")
    config.experiment_working_directory = folder + "/experiments"
    config.trial_code_directory = folder
    config.max_trial_number = 2
    config.trial_concurrency = 2
    strategy = RLMStrategy(problem=nas_bench_201.problem("params"), to_text=nas_bench_201_text, seed=0, pool_size=64)
    space = NasBench201(stem_out_channels=4, num_modules_per_stack=1)
    experiment = NasExperiment(space, FunctionalEvaluator(parameters), strategy, config)
    try:
        experiment.run(port)
        print("TRIALS", json.dumps([[m.status, m.sample, m.metric] for m in strategy.list_models(sort=False)]))
        print("LEARNT", json.dumps(sorted(value for _, value in strategy.state_dict()["trials"])))
    finally:
        experiment.stop()
"""
RESUMED = """
import json, sys
import nni
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.experiment import NasExperiment, NasExperimentConfig
from nni.nas.hub.pytorch import NasBench101
from prerank.integrations.nni import RLMStrategy, nas_bench_101_text
from prerank.search_spaces import nas_bench_101


def evaluate(model):
    nni.report_final_result(0.9)


def experiment(count, identity=None):
    config = NasExperimentConfig("sequential", "simplified")
    config.execution_engine.max_model_count = count
    config.experiment_working_directory = sys.argv[1] + "/experiments"
    strategy = RLMStrategy(problem=nas_bench_101.problem(), to_text=nas_bench_101_text, seed=0, pool_size=32)
    space = NasBench101(stem_out_channels=4, num_modules_per_stack=1)
    return NasExperiment(space, FunctionalEvaluator(evaluate), strategy, config, id=identity)


def learnt(experiment):
    trials = experiment.strategy.state_dict()["trials"]
    return json.dumps([nas_bench_101_text(nni.load(sample)) for sample, _ in trials])


first = experiment(2)
first.run()
first.stop()
print("BEFORE", learnt(first))
second = experiment(4, first.id)
second.resume()
second.stop()
print("AFTER", learnt(second))
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end(folder: Path) -> None:
    """Whatever runs with the folder as its home: the script, NNI's server and trials, orphans too."""
    family = [process for process in psutil.process_iter() if home(process) == str(folder)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=10)


def home(process: psutil.Process) -> str | None:
    try:
        return process.environ().get("HOME")
    except psutil.Error:
        return None


def run(script: str, folder: Path) -> dict[str, Any]:
    """Lines of the script's output that begin with a word in capitals, word -> value."""
    (folder / "experiment.py").write_text(script, encoding="utf-8")
    said = failure = ""
    for attempt in range(ATTEMPTS):
        said, failure = output(folder)
        logs = "".join(log.read_text("utf-8") for log in folder.glob("experiments/*/log/nnimanager.log"))
        if not any(words in said + logs for words in TOO_BUSY):
            break
        if attempt < ATTEMPTS - 1:
            shutil.rmtree(folder / "experiments", ignore_errors=True)
    if failure:
        pytest.fail(f"{failure}\n{said[-5000:]}")
    words = [line.partition(" ") for line in said.splitlines() if line.startswith(WORDS)]
    return {word: json.loads(value) for word, _, value in words}


def output(folder: Path) -> tuple[str, str]:
    """What the experiment prints, and how it failed; it is ended after the hard limit, whatever hangs."""
    command = [sys.executable, "-W", "ignore", "experiment.py", str(folder), str(free_port())]
    environment = os.environ | {"HOME": str(folder), "USERPROFILE": str(folder), "OMP_NUM_THREADS": "1"}
    printed, failure = folder / "output", ""
    try:
        with printed.open("w", encoding="utf-8") as sink:
            subprocess.run(
                command, cwd=folder, env=environment, stdout=sink, stderr=sink, timeout=HARD_LIMIT, check=True
            )
    except subprocess.SubprocessError as error:
        failure = str(error)
    finally:
        end(folder)
    return printed.read_text("utf-8"), failure


@pytest.mark.slow
def test_a_local_experiment_runs_the_tuner(tmp_path: Path) -> None:
    (tmp_path / "space.json").write_text(json.dumps(SPACE), encoding="utf-8")
    (tmp_path / "trial.py").write_text(TRIAL, encoding="utf-8")
    trials = run(TUNER, tmp_path)["TRIALS"]
    assert [status for status, _, _ in trials] == ["SUCCEEDED"] * 3
    # NNI's list of jobs may exchange the parameters of trials that began together, so compare them as sets.
    results = sorted(result["default"] for _, _, result in trials)
    assert results == pytest.approx(sorted(abs(parameters["uniform"]) for _, parameters, _ in trials))
    assert all(parameters.keys() == SPACE.keys() for _, parameters, _ in trials)
    assert {result["other"] for _, _, result in trials} == {len(SPACE)}


@pytest.mark.slow
def test_a_local_experiment_runs_the_strategy(tmp_path: Path) -> None:
    said = run(STRATEGY, tmp_path)
    trials = said["TRIALS"]
    assert [status for status, _, _ in trials] == ["trained"] * 2
    assert len({json.dumps(sample, sort_keys=True) for _, sample, _ in trials}) == 2
    assert said["LEARNT"] == sorted(metric for _, _, metric in trials)


@pytest.mark.slow
def test_an_experiment_is_resumed(tmp_path: Path) -> None:
    """On NAS-Bench-101's cells, half of whose draws break a rule."""
    said = run(RESUMED, tmp_path)
    assert (len(said["BEFORE"]), len(said["AFTER"])) == (2, 4)
    assert set(said["BEFORE"]) < set(said["AFTER"])
