from __future__ import annotations

from typing import Any

import pytest

from prerank.search_spaces import (
    accel_nasbench,
    nas_bench_101,
    nas_bench_201,
    nas_bench_graph,
    nas_bench_macro,
    nds,
)


@pytest.mark.parametrize(
    ("space", "name", "spelled"),
    [
        (nas_bench_101, "CIFAR-10", "cifar10"),
        (nas_bench_201, "ImageNet16-120", "imagenet16-120"),
        (nas_bench_201, "cifar_100", "cifar100"),
        (nas_bench_macro, "CIFAR10", "cifar10"),
        (nas_bench_graph, "Cora", "cora"),
        (accel_nasbench, "ImageNet", "imagenet"),
        (nds, "ImageNet", "imagenet"),
    ],
)
def test_data_sets_are_named_as_their_authors_do(space: Any, name: str, spelled: str) -> None:
    asked = space.problem("val_accuracy", dataset=name)
    assert asked == space.problem("val_accuracy", dataset=spelled)
    assert f" {spelled}" in asked.metric
