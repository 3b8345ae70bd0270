"""Networks that nobody measured, beside those that were."""

from __future__ import annotations

import numpy as np
import pytest
from families import FAMILIES
from measured_networks import UNSEEN_FAMILIES, network_rows
from measured_rows import FOLDER, is_test
from taught_networks import taught

from prerank.search_spaces import nas_bench_201
from prerank.surrogate import Row
from prerank.surrogate.metrics import spearman

COUNT = 45


@pytest.fixture(scope="module")
def measured() -> list[Row]:
    return [found.row for found in network_rows(FOLDER, np.random.default_rng(0)) if not found.test]


@pytest.fixture(scope="module")
def rows(measured: list[Row]) -> list[Row]:
    return taught(measured, COUNT)


def test_they_are_not_among_what_is_measured_or_kept_for_tests(measured: list[Row], rows: list[Row]) -> None:
    assert COUNT / 2 < len(rows) <= COUNT
    assert not {row.texts[0] for row in rows} & {row.texts[0] for row in measured}
    assert not any(is_test(row.texts[0]) for row in rows)


def test_all_metrics_of_the_measured_are_expected(measured: list[Row], rows: list[Row]) -> None:
    latency, memory = ([m for m in measured[0].values if m.startswith(word)] for word in ("latency", "memory"))
    values = np.array([[row.values[metric] for metric in (*latency, *memory, "macs")] for row in rows])
    assert np.isfinite(values).all()
    assert len(latency) == len(memory) == 2  # on each processor
    for column in values.T[: len(latency)]:
        assert spearman(column, values[:, -1]) > 0.85


def test_families_that_are_asked_about_are_not_drawn(measured: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(rng: np.random.Generator) -> None:
        raise AssertionError("a family that is asked about was drawn")

    for name in UNSEEN_FAMILIES:
        monkeypatch.setitem(FAMILIES, name, refuse)
    assert taught(measured[::20], 9)


def test_without_networks_there_is_nothing_to_teach() -> None:
    cell = nas_bench_201.sample(np.random.default_rng(0), 1)[0]
    row = Row(nas_bench_201.problem().context, (nas_bench_201.to_text(cell),), {"val_accuracy": 0.5})
    assert taught([row], COUNT) == []
