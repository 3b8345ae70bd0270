"""What is said of the configurations of a launch."""

from __future__ import annotations

import pytest

pytest.importorskip("triton")

from prerank.integrations.triton_report import differing


def test_what_all_configurations_say_is_said_once() -> None:
    alike, names, words = differing([{"M": 64, "num_warps": 4}, {"M": 32, "num_warps": 4, "num_stages": 2}])
    assert alike == "num_warps=4"
    assert names == ["M", "num_stages"]
    assert words == ["64 -", "32 2"]


def test_a_single_configuration_is_said_whole() -> None:
    assert differing([{"M": 64, "num_warps": 4}]) == ("", ["M", "num_warps"], ["64 4"])
