from __future__ import annotations

import re
from typing import Any

import pytest
import results


def test_the_page_says_what_the_benchmarks_wrote(monkeypatch: pytest.MonkeyPatch) -> None:
    def drawn(name: str, *_: Any) -> str:
        return f"![{name}](plots/{name}.png)\n"

    monkeypatch.setattr(results, "drawn", drawn)
    assert results.text() == results.RESULTS.read_text()
    named = [name for name in results.BENCHMARKS if f"(plots/{name}.png)" in results.text()]
    assert sorted(file.stem for file in (results.FOLDER / "plots").iterdir()) == sorted(named)


def test_the_page_says_what_make_does_not_run() -> None:
    makefile = (results.FOLDER.parent / "Makefile").read_text()
    listed = re.findall(r"^(?:BENCHMARKS|TIMED) := ((?:.*\\\n)*.*)$", makefile, re.M)
    assert {*results.BENCHMARKS, "results"} - set(results.APART) == set(" ".join(listed).replace("\\", "").split())
