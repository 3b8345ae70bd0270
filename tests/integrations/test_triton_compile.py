"""rlm_prune where torch.compile traces the launch: the graph stays whole and holds the kept configurations."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from prerank.surrogate import Prediction

triton = pytest.importorskip("triton")
import triton.language as tl  # noqa: E402

from prerank.integrations.triton import rlm_prune  # noqa: E402

FLOAT = tl.constexpr(tl.float32)


class Backwards:
    """Wants the last configurations most."""

    def predict(self, problem: Any, texts: list[str]) -> Prediction:
        value = -np.arange(len(texts), dtype=np.float64)[:, None] + 1000
        ones = np.ones(len(texts))
        return Prediction(value, value, ones[:, None], 0 * ones, ones)


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Dynamo takes kernels for kernels only where there is a GPU; tracing them needs none."""
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path))
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    monkeypatch.setattr("torch.utils._triton.has_triton", lambda: True)
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def scale(prune: Any, configs: list[Any] | None = None) -> Any:
    configs = configs or [
        triton.Config({"BLOCK": block}, num_warps=warps) for block in (64, 128, 256) for warps in (2, 4, 8)
    ]

    @triton.autotune(configs, key=["n"], prune_configs_by=prune)
    @triton.jit
    def scale_kernel(x_ptr, y_ptr, n, BLOCK: tl.constexpr, OUT: tl.constexpr = FLOAT, RATE=1.0):  # noqa: N803
        place = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
        tl.store(y_ptr + place, 2 * tl.load(x_ptr + place, mask=place < n), mask=place < n)

    return scale_kernel


def traced(kernel: Any, dynamic: bool = False, by_name: bool = False, kind: Any = tl.float16) -> list[tuple[int, int]]:
    """(block, warps) of the configurations that the compiled graph holds."""
    from torch._higher_order_ops.triton_kernel_wrap import kernel_side_table

    found: list[tuple[int, int]] = []

    def backend(graph: Any, inputs: list[Any]) -> Callable[..., Any]:
        for node in graph.graph.nodes:
            if "kernel_idx" in node.kwargs:
                traced_kernel: Any = kernel_side_table.get_kernel(node.kwargs["kernel_idx"])
                configs = traced_kernel.configs
                found.extend((config.kwargs["BLOCK"], config.num_warps) for config in configs)
        return lambda *_: (torch.zeros(8),)

    def twice(x: torch.Tensor) -> torch.Tensor:
        y = torch.empty_like(x)
        if by_name:
            kernel[(8,)](x, y_ptr=y, n=x.numel(), OUT=kind, RATE=0.5)
        else:
            kernel[(8,)](x, y, x.numel())
        return y

    torch.compile(twice, backend=backend, fullgraph=True, dynamic=dynamic)(torch.zeros(512))
    return found


@pytest.mark.parametrize("dynamic", [False, True])
@pytest.mark.parametrize("form", [lambda prune: prune, dict])
def test_the_graph_is_whole_and_holds_what_is_kept(form: Callable[[Any], Any], dynamic: bool) -> None:
    prune = rlm_prune(surrogate=Backwards(), device="NVIDIA A100", top_k=3)
    assert traced(scale(form(prune)), dynamic) == [(64, 2), (256, 4), (256, 8)]


@pytest.mark.parametrize("form", [lambda prune: prune, dict])
def test_what_heuristics_give_is_no_part_of_a_configuration(form: Callable[[Any], Any], tmp_path: Path) -> None:
    """Dynamo puts it there while it traces; a graph that is guarded by it cannot be kept."""
    inner = scale(form(rlm_prune(top_k=3, device="NVIDIA A100", surrogate=Backwards())))
    inner.fn = triton.heuristics({"RATE": lambda arguments: 0.5})(inner.fn)
    assert len(traced(inner)) == 3
    (file,) = tmp_path.rglob("*.decisions.jsonl")
    decision = json.loads(file.read_text())
    assert (decision["launch"]["kernel"], decision["best"]["BLOCK"]) == ("scale_kernel", 256)
    assert "RATE" not in decision["best"]


class Order(Enum):
    ROW = 1
    COLUMN = 2


@dataclass(frozen=True)
class Tile:
    m: int


@pytest.mark.parametrize(
    ("values", "told"), [(list(Order), True), ([(1, 2), (1, 3)], True), ([Tile(1), Tile(2)], False)]
)
def test_configurations_with_values_of_any_kind_are_traced(values: list[Any], told: bool, tmp_path: Path) -> None:
    configs = [triton.Config({"BLOCK": 64, "RATE": value}) for value in (*values, values[0])]
    tuned = scale(rlm_prune(top_k=3, device="NVIDIA A100", surrogate=Backwards()), configs)
    assert len(traced(tuned)) == (2 if told else 3)  # it is not known whether what Dynamo cannot write is equal
    assert bool(list(tmp_path.rglob("*.decisions.jsonl"))) == told


@pytest.mark.parametrize("dynamic", [False, True])
def test_arguments_by_name_are_read(dynamic: bool, tmp_path: Path) -> None:
    prune = rlm_prune(surrogate=Backwards(), device="NVIDIA A100", top_k=3)
    assert len(traced(scale(prune), dynamic, by_name=True)) == 3
    (file,) = tmp_path.rglob("*.decisions.jsonl")
    entry = json.loads(file.read_text())
    assert set(entry["launch"]["tensors"]) == {"x_ptr", "y_ptr"}
    assert entry["launch"]["scalars"] == {"n": 512, "OUT": "fp16"}


def test_a_launch_with_a_constant_that_cannot_be_read_is_pruned_and_not_settled(tmp_path: Path) -> None:
    prune = rlm_prune(surrogate=Backwards(), device="NVIDIA A100", top_k=3)
    assert len(traced(scale(prune), by_name=True, kind=FLOAT)) == 3
    assert list(tmp_path.rglob("*.decisions.jsonl")) == []


def test_a_users_own_pruner_is_traced_first() -> None:
    def theirs(configs: list[Any], named_args: Any, **kwargs: Any) -> list[Any]:
        return [config for config in configs if config.kwargs["BLOCK"] < 256]

    prune = rlm_prune(surrogate=Backwards(), device="NVIDIA A100", top_k=3) | {"early_config_prune": theirs}
    assert traced(scale(prune)) == [(64, 2), (128, 4), (128, 8)]


def test_a_failing_surrogate_leaves_all() -> None:
    class Broken(Backwards):
        def predict(self, problem: Any, texts: list[str]) -> Prediction:
            raise RuntimeError("out of memory")

    with pytest.warns(UserWarning, match="out of memory"):
        assert len(traced(scale(rlm_prune(surrogate=Broken(), device="NVIDIA A100", top_k=3)))) == 9
