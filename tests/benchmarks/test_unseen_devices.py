"""Devices never read: which candidates are asked, and what others say of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import unseen_devices

TIMES: dict[str, dict[str, float]] = {
    "x=1": {"own": 1.0, "one": 1.0, "two": 10.0},
    "x=2": {"own": 2.0, "one": 2.0},
    "x=3": {"own": 3.0, "two": 40.0},
    "x=4": {"one": 4.0, "two": 50.0},
    "x=5": {"own": 5.0},
}


@pytest.fixture
def case(monkeypatch: pytest.MonkeyPatch) -> unseen_devices.Case:
    rows: list[dict[str, Any]] = [
        {"kernel": "k", "device": device, "problem": "m=1", "config": config, "ms": times.get(device, np.nan)}
        for config, times in TIMES.items()
        for device in ("own", "one", "two", "never")
    ]
    monkeypatch.setattr(unseen_devices, "KERNELS", (("", "k", "own"),))
    monkeypatch.setattr(unseen_devices, "kernel_frame", lambda data: pd.DataFrame(rows))
    (found,) = unseen_devices.kernels(Path())
    return found


def test_what_ran_there_and_on_another_device_is_asked(case: unseen_devices.Case) -> None:
    assert sorted(case.values) == [1, 2, 3]
    assert case.elsewhere.shape == (3, 2)
    assert np.isnan(case.elsewhere).sum() == 2


def test_the_mean_over_others_leaves_out_where_it_failed(case: unseen_devices.Case) -> None:
    mean, elsewhere = unseen_devices.others(case)
    assert np.isfinite(elsewhere).all()
    assert np.allclose(elsewhere.mean(axis=1), mean)
    assert (np.diff(mean[np.argsort(case.values)]) > 0).all()
