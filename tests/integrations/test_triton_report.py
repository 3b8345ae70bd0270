"""What is said of the configurations of a launch."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("triton")

from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch
from prerank.integrations.triton_report import Verdict, differing, show
from prerank.integrations.triton_selection import Outlook
from prerank.surrogate import Prediction


def test_what_all_configurations_say_is_said_once() -> None:
    alike, names, words = differing([{"M": 64, "num_warps": 4}, {"M": 32, "num_warps": 4, "num_stages": 2}])
    assert alike == "num_warps=4"
    assert names == ["M", "num_stages"]
    assert words == ["64 -", "32 2"]


def test_brackets_are_no_markup(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    ones = np.ones((1, 1))
    prediction = Prediction(ones, ones, ones, np.zeros(1), np.ones(1))
    verdicts = [Verdict({"SPEC": "[dense]"}, True, "not compiled: expected [bold] in [/usr/x.py:3]", True)]
    show(Launch(Kernel("mine"), {}, {}), Outlook([0], [0], prediction, 1.0, "ms"), verdicts)
    told = capsys.readouterr().err
    assert "[dense]" in told
    assert "expected [bold] in [/usr/x.py:3]" in told


def test_what_was_not_read_is_told_as_such(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    ones = np.ones((1, 1))
    prediction = Prediction(ones, ones, ones, np.zeros(1), np.ones(1))
    reasons = (None, None, "1 GB of shared memory")
    verdicts = [Verdict({"N": n}, n == 0, reason, n == 0) for n, reason in enumerate(reasons)]
    show(Launch(Kernel("mine"), {}, {}), Outlook([0, 1], [0], prediction, 1.0, "ms"), verdicts)
    rows = capsys.readouterr().err.splitlines()
    assert ["not read" in row for row in rows if row.startswith(("│ kept", "│ dropped"))] == [False, True, False]


def test_why_a_configuration_comes_last_is_said() -> None:
    assert Verdict({}, False, None, False, spill="256 registers").reason == "comes last: 256 registers"
    assert Verdict({}, True, None, True, spill="256 registers").reason == "default"


def test_what_was_measured_is_told_as_such() -> None:
    def reason(kept: bool, ms: float, default: bool = False, obstacle: str | None = None) -> str:
        return Verdict({}, kept, obstacle, default, ms=ms).reason

    assert reason(True, 0.0123456) == "measured the fastest: 0.0123 ms"
    assert reason(False, 2.0) == "measured slower: 2 ms"
    assert reason(False, 2.0, default=True) == "default, measured slower: 2 ms"
    assert reason(True, 2.0, default=True, obstacle="99 warps") == "default, measured the fastest: 2 ms"
    assert reason(False, float("nan")) == "measured: does not run"


def test_a_default_that_is_not_kept_and_what_is_equal_to_another_are_told() -> None:
    assert Verdict({}, False, None, True).reason == "default, predicted slower"
    assert Verdict({}, False, None, False, is_equal=True).reason == "equal to another"
    assert Verdict({}, True, None, True, is_equal=True).reason == "default"


def test_a_single_configuration_is_said_whole() -> None:
    assert differing([{"M": 64, "num_warps": 4}]) == ("", ["M", "num_warps"], ["64 4"])
