"""Families and folds of PyTorch sources, and what their texts say."""

from __future__ import annotations

import json
from pathlib import Path

import nn_dataset
import numpy as np
import pytest


@pytest.mark.parametrize(
    ("model", "family"),
    [
        ("ga-mut-1306", "ga"),
        ("alt-nn1-0dd8fbb1", "alt"),
        ("ast-dimension-AlexNet-1627e2b5", "ast"),
        ("AlexNet-355f849c", "ast"),
        ("DPN131-42be581b", "DPN"),
        ("MobileNetV2", "MobileNet"),
        ("MoEv9-AlexNetv1", "MoE"),
        ("UNet2D-5c9cad65", "UNet"),
        ("RegNet", "RegNet"),
    ],
)
def test_versions_and_mutations_are_of_one_family(model: str, family: str) -> None:
    assert nn_dataset.family(model) == family


def test_a_family_is_in_one_fold_and_no_outcome_is_in_the_text(tmp_path: Path) -> None:
    names = [f"{family}-{number}" for family in ("ga", "rag", "Net", "Other", "Third") for number in range(8)]
    trial = {"accuracy": 0.123456, "duration": 987654, "uid": "u", "lr": 0.01, "batch": 8, "transform": "norm_32"}
    for name in names:
        folder = tmp_path / "stat" / "train" / f"img-classification_mnist_acc_{name}"
        folder.mkdir(parents=True)
        (folder / "1.json").write_text(json.dumps([trial]))
        (tmp_path / "nn").mkdir(exist_ok=True)
        (tmp_path / "nn" / f"{name}.py").write_text(f"class {name.replace('-', '')}: pass")
    frame = nn_dataset.measured(tmp_path, np.random.default_rng(0), None)
    assert len(frame) == len(names)
    assert frame.groupby("family")["fold"].nunique().max() == 1
    assert frame["text"].iloc[0].startswith("batch=8 lr=0.01 transform=norm_32\nclass")
    assert not frame["text"].str.contains("0.123|987654").any()


def test_a_family_stays_in_its_fold_whatever_else_is_read() -> None:
    assert {nn_dataset.fold_of(name) for name in nn_dataset.LARGE} == set(nn_dataset.LARGE)
    folds = {nn_dataset.fold_of(f"Net{letter}") for letter in "abcdefghijklmnopqrstuvwxyz"}
    assert folds == {f"by hand {number + 1}" for number in range(nn_dataset.BY_HAND)}


def test_a_package_that_is_not_there_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install --no-deps nn-dataset"):
        nn_dataset.dataset()
