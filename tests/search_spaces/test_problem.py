from __future__ import annotations

from typing import Any

import numpy as np
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


@pytest.mark.parametrize("space", [nas_bench_101, nas_bench_201, nas_bench_macro, nas_bench_graph, accel_nasbench, nds])
@pytest.mark.parametrize("name", ["", "  ", None])
def test_a_data_set_without_a_name_is_refused(space: Any, name: Any) -> None:
    with pytest.raises(ValueError, match=f"dataset is {name!r}"):
        space.problem("val_accuracy", dataset=name)


@pytest.mark.parametrize("space", [nas_bench_101, nas_bench_201, nds])
def test_epochs_are_whole(space: Any) -> None:
    for epochs in (200.0, np.int64(200), np.float32(200), "200"):
        assert space.problem("val_accuracy", epochs=epochs) == space.problem("val_accuracy", epochs=200)
    for epochs in (0.5, float("nan"), None, "many", "0.5"):
        with pytest.raises(ValueError, match=f"epochs is {epochs!r}"):
            space.problem("val_accuracy", epochs=epochs)
