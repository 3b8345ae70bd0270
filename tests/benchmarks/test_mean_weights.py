"""The mean of the weights of several checkpoints."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from mean_weights import mean_of

from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.checkpoint import load

TEXTS = ["a=1 b=2", "a=3 b=4"]


def saved(folder: Path, seed: int, texts: list[str] = TEXTS) -> Path:
    RLMSurrogate.untrained(texts, width=32, reader_layers=1, writer_layers=1, seed=seed).save(folder)
    return folder


def test_the_mean_is_saved_and_tells_what_it_is_of(tmp_path: Path) -> None:
    folders = [saved(tmp_path / str(seed), seed) for seed in range(2)]
    mean_of(folders, "cpu").save(tmp_path / "mean")
    one, other, mean = (load(folder, "cpu").model.state_dict() for folder in (*folders, tmp_path / "mean"))
    assert all(torch.allclose(mean[name], (one[name] + other[name]) / 2) for name in mean)
    found = RLMSurrogate.load(tmp_path / "mean")
    assert len(found.provenance["mean of"]) == 2
    assert len(found.predict(Problem("", "m"), TEXTS)) == 2
    alone = mean_of(folders[:1], "cpu")
    assert alone.fingerprint == RLMSurrogate.load(folders[0]).fingerprint


def test_what_the_runs_went_on_from_is_told_once(tmp_path: Path) -> None:
    start = saved(tmp_path / "start", 0)
    for name in ("one", "other"):
        branch = RLMSurrogate.load(start)
        branch.provenance = {"before": {"steps": 5}, "name": name}
        branch.save(tmp_path / name)
    found = mean_of([tmp_path / "one", tmp_path / "other"], "cpu").provenance
    assert found == {"mean of": [{"name": "one"}, {"name": "other"}], "before": {"steps": 5}}


def test_other_models_are_refused(tmp_path: Path) -> None:
    folders = [saved(tmp_path / "one", 0), saved(tmp_path / "other", 0, ["quite another vocabulary"])]
    with pytest.raises(ValueError, match="no trainings of one model"):
        mean_of(folders, "cpu")
