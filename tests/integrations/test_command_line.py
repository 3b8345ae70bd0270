"""The prerank command as a whole: what is refused, what is installed, what help says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line_calls import FakeSurrogate, call


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rank"], "nothing to compare"),
        (["rank", "no_such_space"], "no_such_space"),
        (["rank", "fbnet", "ofa"], "fbnet"),
        (["rank", "nas_bench_201", "--metric", "beauty"], "beauty"),
        (["rank", "nas_bench_101", "--device", "pixel 3"], "pixel 3"),
        (["rank", "nas_bench_201", "--where", "dataset"], "dataset"),
        (["rank", "nas_bench_201", "--where", "colour=red"], "colour"),
        (["rank", "fbnet", "--context", "c", "--metric", "m"], "--context"),
        (["rank", "--context", "c"], "--metric"),
        (["rank", "fbnet", "--candidates", "absent.txt"], "absent.txt"),
        (["rank", "nas_bench_201", "--sample", "99999"], "99999"),
        (["rank", "nas_bench_201", "--where", "metric=latency_ms"], "--metric latency_ms"),
        (["rank", "nas_bench_201", "--where", "device=pixel 3"], "--device 'pixel 3'"),
        (["rank", "nas_bench_201", "--device", "pixel 3", "--where", "device=pixel2"], "--device pixel2"),
        (["rank", "kernel_configs", "--device", "NVIDIA A100", "--where", "kernel=conv2d"], "--candidates"),
        (["rank", ".", "--candidates", "list.txt"], "lists candidates of a space"),
        (["measure", ".", "--candidates", "list.txt"], "lists candidates of a space"),
        (["measure", "nas_bench_macro", "--sample", "1", "--out", "out.jsonl.gz"], "out.jsonl.gz"),
        (["rank", "fbnet", "--size", "rows"], "rows"),
        (["rank", "fbnet", "--top", "0"], "--top"),
        (["rank", "fbnet", "--seed", "-1"], "--seed"),
        (["rank", "nas_bench_201", "--where", "dataset=a", "--where", "dataset=b"], "dataset is 'a' and 'b'"),
        (["rank", "absent.onnx"], "there is no file 'absent.onnx'"),
        (["rank", "fbnet", "absent.onnx"], "'fbnet' is a space"),
        (["rank", "--colour"], "colour"),
        (["rank", "nas_bench_201", "--metric", ""], "metric"),
        (["rank", "nas_bench_201", "--device", " "], "--device is empty"),
        (["rank", "nas_bench_201", "--candidates", "-"], "no candidates"),
        (["measure", ".", "--size", "rows=2", "--size", "rows=3"], "rows is 2 and 3"),
        (["measure", ".", "--out", "."], "--out . is a folder"),
        (["measure", "nas_bench_graph"], "nas_bench_graph"),
        (["measure", ".", "--threads", "4096"], "4096"),
        (["measure", ".", "--memory", "inf"], "--memory is inf"),
        (["measure", ".", "--timeout", "inf"], "--timeout is inf"),
        (["measure", ".", "--seconds", "inf"], "--seconds is inf"),
        (["measure", ".", "--seconds", "nan"], "--seconds"),
        (["measure", "nds", "--where", "colour=red"], "colour"),
        (["measure", "nds", "--where", "space=moon"], "moon"),
        (["rank", "fbnet", "--size", "rows=2"], "--size rows=2"),
        (["measure", "fbnet", "--size", "rows=2"], "--size rows=2"),
        (["predict", "--context", "c", "--metric", "m", "--size", "rows=2"], "--size rows=2"),
        (["eval", "absent.jsonl"], "absent.jsonl"),
    ],
)
def test_a_call_that_makes_no_sense_is_explained(fake: FakeSurrogate, arguments: list[str], said: str) -> None:
    out, err = call(*arguments, status=2)
    assert said in err
    assert not out
    assert "Traceback" not in err


def test_info_names_spaces_and_this_machine(fake: FakeSurrogate) -> None:
    found = json.loads(call("info", "--json")[0])
    assert "nas_bench_201" in found["spaces"]
    assert "onnxruntime" in found["this machine"]
    assert found["knowledge"] == fake.knowledge
    assert "0.99" in call("info")[0]


@pytest.mark.parametrize("command", ["rank", "predict", "measure", "calibrate", "train", "eval", "info"])
def test_help_shows_an_example(command: str) -> None:
    assert f"prerank {command}" in call(command, "--help")[0].split("Usage:")[1].split("\n", 1)[1]


def test_without_its_packages_the_command_names_what_to_install() -> None:
    code = "import sys; sys.modules['typer'] = None; from prerank.integrations.command_line_entry import main; main()"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "typer" in run.stderr
    assert "pip install 'prerank[cli]'" in run.stderr
    assert "Traceback" not in run.stderr


def test_the_installed_command_speaks_json_and_loads_no_torch_for_help(folder: Path) -> None:
    command = [Path(sys.executable).with_name("prerank"), "rank", str(folder), "--json"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 1, run.stderr
    assert len(json.loads(run.stdout)) == 3
    assert "broken.onnx" in run.stderr
    code = "import sys; from prerank.integrations.command_line import app; app(['--help'], standalone_mode=False); "
    run = subprocess.run([sys.executable, "-c", f"{code}print('torch' in sys.modules)"], capture_output=True, text=True)
    assert run.stdout.splitlines()[-1] == "False", run.stderr


def test_ranking_loads_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from prerank.integrations.command_line import app;"
        "app(['rank', 'nas_bench_101', '--sample', '5', '--json'], standalone_mode=False);"
        "print('torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "False"
