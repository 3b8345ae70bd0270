"""Trust beside what it stands for."""

from __future__ import annotations

from typing import Any

import calibration
import pytest


def test_benchmarks_note_measurements_each_in_their_way(monkeypatch: pytest.MonkeyPatch) -> None:
    rated = {"trust": {"mean": 0.5}, "spearman": {"mean": 0.6}}
    results: dict[str, list[dict[str, Any]]] = {
        "unseen_shapes": [{"model": "random", "spearman": {"mean": 0.0}}, rated],
        "unseen_families": [rated | {"measured": 10}, rated | {"measured": 0}],
        "help_latency": [rated | {"samples": 3}],
    }
    monkeypatch.setattr(calibration, "written", lambda name: results.get(name, []))
    lines = [(line["benchmark"], line["measured"], line["cases"]) for line in calibration.trusts()]
    assert lines == [
        ("help_latency", "3", "1"),
        ("unseen_shapes", "0", "1"),
        ("unseen_families", "0", "1"),
        ("unseen_families", "10", "1"),
    ]
