"""Which trainings count as done."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import ablations
import pytest


def test_a_variant_of_other_steps_is_trained_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def trained(name: str, rows: object, seed: int, steps: int) -> dict[str, Any]:
        asked.append((name, steps))
        return {"minutes": 1.0, "ranks": dict.fromkeys(ablations.LINES, 0.5)}

    monkeypatch.setattr(ablations, "trained", trained)
    monkeypatch.setattr(ablations, "measured", lambda data: [])
    out = tmp_path / "out.json"
    for steps in ("10", "20", "20"):
        monkeypatch.setattr(sys, "argv", ["", "width 64", "joint", "--steps", steps, "--out", str(out)])
        ablations.main()
    assert asked == [("width 64", 10), ("joint", 10), ("width 64", 20), ("joint", 20)]
    frames = ablations.tables(json.loads(out.read_text()))
    assert [list(frame["variant"]) for frame in frames.values()] == [["width 64", "joint"]] * 2
    assert "10 steps" in next(iter(frames))
