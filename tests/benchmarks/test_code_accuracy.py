"""Which sources a model of a fold may have read."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import code_accuracy
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
    assert code_accuracy.family(model) == family


def test_a_family_is_in_one_fold_and_no_outcome_is_in_the_text(tmp_path: Path) -> None:
    names = [f"{family}-{number}" for family in ("ga", "rag", "Net", "Other", "Third") for number in range(8)]
    trial = {"accuracy": 0.123456, "duration": 987654, "uid": "u", "lr": 0.01, "batch": 8, "transform": "norm_32"}
    for name in names:
        folder = tmp_path / "stat" / "train" / f"img-classification_mnist_acc_{name}"
        folder.mkdir(parents=True)
        (folder / "1.json").write_text(json.dumps([trial]))
        (tmp_path / "nn").mkdir(exist_ok=True)
        (tmp_path / "nn" / f"{name}.py").write_text(f"class {name.replace('-', '')}: pass")
    frame = code_accuracy.measured(tmp_path, np.random.default_rng(0), None)
    assert len(frame) == len(names)
    assert frame.groupby("family")["fold"].nunique().max() == 1
    assert frame["text"].iloc[0].startswith("batch=8 lr=0.01 transform=norm_32\nclass")
    assert not frame["text"].str.contains("0.123|987654").any()


def test_a_family_stays_in_its_fold_whatever_else_is_read() -> None:
    assert {code_accuracy.fold_of(name) for name in code_accuracy.LARGE} == set(code_accuracy.LARGE)
    folds = {code_accuracy.fold_of(f"Net{letter}") for letter in "abcdefghijklmnopqrstuvwxyz"}
    assert folds == {f"by hand {number + 1}" for number in range(code_accuracy.BY_HAND)}


def test_a_training_of_other_arguments_is_another_one() -> None:
    arguments = argparse.Namespace(rows=None, candidates=32, steps=800)
    own = code_accuracy.told("rag", "joint", arguments)
    for name in vars(arguments):
        other = argparse.Namespace(**vars(arguments) | {name: 7})
        assert {key for key, _ in own.items() ^ code_accuracy.told("rag", "joint", other).items()} == {name}


def test_the_title_says_how_much_was_measured() -> None:
    line = {"fold": "rag", "model": "m", "long": 0.5, "tasks": {"mnist": {"spearman": 0.5, "models": 20}}}
    (title,) = code_accuracy.tables([line, line | {"fold": "ga"}])
    assert "2 folds:" in title
    (title,) = code_accuracy.tables([line | {"steps": 200}])
    assert "1 folds, 200 steps:" in title


def test_a_package_that_is_not_there_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="pip install --no-deps nn-dataset"):
        code_accuracy.dataset()
