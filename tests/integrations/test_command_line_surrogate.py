"""Which surrogate a command opens, on which backend."""

from __future__ import annotations

from pathlib import Path

import pytest
from command_line_calls import FakeSurrogate, call

from prerank.surrogate import RLMSurrogate


@pytest.mark.parametrize("reason", [ModuleNotFoundError("onnxruntime is not installed"), ValueError("a/model")])
def test_what_does_not_run_on_onnxruntime_runs_on_torch_and_says_so(
    reason: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    backends: list[str] = []

    def load(path: Path | None, backend: str = "torch") -> FakeSurrogate:
        backends.append(backend)
        if backend != "torch":
            raise reason
        return FakeSurrogate()

    monkeypatch.setattr(RLMSurrogate, "load", load)
    _, err = call("rank", "nas_bench_201", "--metric", "params", "--sample", "3", "--json")
    assert backends == ["onnxruntime", "torch"]
    assert f"this runs on torch, which starts slower: {reason}" in err
