"""Two processes that train one model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from prerank.surrogate.processes import Processes

SCRIPT = """
import sys
from pathlib import Path
import torch
from prerank.surrogate import RLMSurrogate, Row, Training
from prerank.surrogate.processes import Processes
from prerank.surrogate.table import Table

processes, folder = Processes.launched(), Path(sys.argv[1])
drawn, draw = [], Table.draw
def noted(self, *arguments):
    batch = draw(self, *arguments)
    drawn.append(batch.tokens[:, 0].tolist())
    return batch
Table.draw = noted
surrogate = RLMSurrogate.untrained(["a b m"], vocabulary=270, width=16, heads=2, reader_layers=1, writer_layers=1)
rows = [Row("c", ("a " * n + "b " * (n % 3),), {"m": n + 1.0}) for n in range(30)]
surrogate.fit(rows, Training(int(sys.argv[2]), candidates=8, validate_every=2, folder=folder, processes=processes))
weights = torch.cat([p.detach().flatten() for p in surrogate._inference.model.parameters()])
torch.save({"count": processes.count, "drawn": drawn, "weights": weights}, folder / f"{processes.index}.pt")
"""


def test_alone_it_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    alone, layer = Processes.launched(), nn.Linear(2, 1)
    layer.weight.grad = torch.ones(1, 2)
    alone.average_gradients(layer.parameters())
    assert (alone, alone.main, alone.mean(3.5)) == (Processes(), True, 3.5)
    assert layer.bias.grad is None


@pytest.mark.slow
def test_two_processes_train_one_model_on_draws_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    found = launched(tmp_path, 4)
    assert [process["count"] for process in found] == [2, 2]
    assert torch.equal(found[0]["weights"], found[1]["weights"])
    assert all(one != other for one, other in zip(found[0]["drawn"], found[1]["drawn"], strict=True))
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["step"] for entry in log] == [2, 4]
    again = launched(tmp_path, 4)
    assert again[0]["drawn"] == again[1]["drawn"] == []
    assert torch.equal(again[1]["weights"], found[0]["weights"])


def launched(folder: Path, steps: int) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    done = subprocess.run([*command, "script.py", str(folder), str(steps)], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[:6000]
    return [torch.load(folder / f"{index}.pt") for index in range(2)]
