"""Sources of PyTorch models and their measured accuracies, from nn-dataset (Ignatov et al., MIT licence)."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pandas as pd
from rich.progress import track

LARGE = ("ga", "alt", "ast", "rag", "FractalNet", "rl")
"""Families of generated models. ast mutates AlexNet, so that they are one."""
BY_HAND = 4
"""Folds of the families written by hand, of a few models each."""
SETTINGS = ("lr", "momentum", "batch", "dropout", "transform")
"""Columns of their own, which plain models see; the text has all settings."""
_NO_SETTING = {"accuracy", "duration", "uid", "epoch"}


def dataset() -> Path:
    """Folder of nn-dataset, without importing it."""
    found = importlib.util.find_spec("ab")
    folders = list(found.submodule_search_locations or []) if found else []
    for folder in folders:
        if (Path(folder) / "nn" / "stat" / "train").is_dir():
            return Path(folder) / "nn"
    raise SystemExit("nn-dataset is not installed: pip install --no-deps nn-dataset==2.1.2 (103 MB)")


def measured(folder: Path, rng: np.random.Generator, most: int | None) -> Any:
    """One measured setting of each model and data set: family, task, text, settings, accuracy, fold."""
    found = sorted(folder.glob("stat/train/img-classification_*_acc_*/1.json"))
    kept = rng.permutation(len(found))[:most].tolist()
    records = [record for number in track(kept, "reading") for record in one(folder, found[number], rng)]
    frame = pd.DataFrame(records)
    return frame.assign(fold=[fold_of(name) for name in frame["family"]])


def one(folder: Path, file: Path, rng: np.random.Generator) -> list[dict[str, Any]]:
    """A model on a data set, with one of its settings; none if there is no measurement."""
    _, task, _, model = file.parent.name.split("_", 3)
    source, trials = folder / "nn" / f"{model}.py", json.loads(file.read_text())
    if not trials or not source.exists():
        return []
    trial = trials[int(rng.integers(len(trials)))]
    settings = {name: value for name, value in sorted(trial.items()) if name not in _NO_SETTING}
    code = source.read_text("utf-8", errors="replace")
    text = f"{' '.join(f'{name}={short(value)}' for name, value in settings.items())}\n{code}"
    record = {"task": task, "family": family(model), "code": code, "text": text, "accuracy": trial["accuracy"]}
    return [record | {name: settings.get(name) for name in SETTINGS}]


def short(value: object) -> str:
    """A setting's value, with three digits."""
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def family(model: str) -> str:
    """What a model's name begins with, less a version, as DPN in DPN131; those mutated from AlexNet belong to it."""
    name = model.split("-")[0]
    versionless = re.sub(r"[vV]?\d+D?$", "", name) or name
    return "ast" if versionless == "AlexNet" else versionless


def fold_of(name: str) -> str:
    """A large family is a fold of its own; the others stay in theirs whatever rows are read."""
    return name if name in LARGE else f"by hand {crc32(name.encode()) % BY_HAND + 1}"
