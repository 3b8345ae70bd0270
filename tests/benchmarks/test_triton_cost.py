"""The launches whose cost is measured."""

from __future__ import annotations

import pytest
import triton_cost


@pytest.mark.parametrize("count", triton_cost.COUNTS)
def test_as_many_different_configurations_as_are_said(count: int) -> None:
    pytest.importorskip("triton")
    configs = triton_cost.configurations(count)
    assert len({str(config) for config in configs}) == count
    blocks = [{config.kwargs[name] for config in configs} for name in ("BLOCK_M", "BLOCK_N", "BLOCK_K")]
    assert all(len(sizes) >= 5 for sizes in blocks)  # not one corner of the space


def test_what_keeps_all_configurations_is_no_measurement(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton")
    monkeypatch.setenv("PRERANK_PRUNE", "0")
    with pytest.raises(RuntimeError, match="100 of 100"):
        triton_cost.pruned(100, 512)
