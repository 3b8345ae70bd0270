"""Tables and remarks as they are printed."""

from __future__ import annotations

from typing import Any

import pytest

from prerank.integrations.command_line_output import say, table


def test_a_narrow_table_folds_texts_and_keeps_numbers(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    table("title", ["space", "metric", "rank"], [["nas_bench_201", "latency_ms " + "gpu " * 30, 0.98765]])
    printed = capsys.readouterr().out
    assert "nas_bench_201" in printed
    assert "0.9877" in printed
    assert printed.count("gpu") == 30


def test_texts_are_printed_as_they_are(capsys: Any) -> None:
    table("a:x:b", ["tile:100:2"], [["a:x:b"], ["[bold]"]])
    say("root:x:0")
    printed = capsys.readouterr()
    assert printed.out.count(":x:") == 2
    assert "tile:100:2" in printed.out
    assert "[bold]" in printed.out
    assert printed.err.strip() == "root:x:0"
