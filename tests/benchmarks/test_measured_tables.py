"""What a checkpoint may read of the measured tables."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import measured_tables
import numpy as np
import pandas as pd
import pytest
import train_checkpoint
from measured_networks import NETWORKS, PRECISIONS, UNSEEN_FAMILIES, network_name, network_rows
from measured_rows import FOLDER, Measured

from prerank.search_spaces import nas_bench_201
from prerank.surrogate import Row
from prerank.surrogate.measured import read as lines
from prerank.surrogate.problem import first_line


@pytest.fixture(scope="module")
def rows() -> list[Measured]:
    if not (FOLDER / "nas" / "fbnet.csv.gz").exists():
        pytest.skip(f"no measured tables at {FOLDER}; name their folder in PRERANK_DATA")
    tables = (measured_tables.nas_bench_201_rows, measured_tables.fbnet_rows, measured_tables.ofa_rows)
    return [row for table in tables for row in table(FOLDER, np.random.default_rng(0))]


def test_unseen_devices_stay_unseen(rows: list[Measured]) -> None:
    metrics = {metric for measured in rows for metric in measured.row.values}
    for device in ("fpga", "raspi4", "eyeriss", "pixel2", "gold_6226", "titan_rtx_1", "titan_rtx_32", "titan_rtx_256"):
        assert nas_bench_201.problem("latency_ms", device=device).metric not in metrics
    assert nas_bench_201.problem("latency_ms", device="1080ti_1").metric in metrics


def test_no_text_is_both_for_training_and_for_tests(rows: list[Measured]) -> None:
    read = {(first_line(m.row.context), m.row.texts[0]) for m in rows if not m.test}
    kept = {(first_line(m.row.context), m.row.texts[0]) for m in rows if m.test}
    assert not read & kept
    assert 0.05 < len(kept) / len(read) < 0.2


def test_whole_groups_choose_the_weights() -> None:
    rows = [
        Measured(Row(f"kernel\n{device}\n{n // 10}", (f"t{n}",), {"slowdown": n + 1.0}), False, str(n // 10))
        for n in range(2000)
        for device in ("a", "b")
    ]
    rows += [Measured(Row("space\nfacts", (f"a{n}",), {"m": n + 1.0}), False) for n in range(1000)]
    train, validation = train_checkpoint.divided(rows, np.random.default_rng(0))
    assert len(train) + len(validation) == 5000
    problems = Counter(row.context for row in validation if first_line(row.context) == "kernel")
    assert set(problems.values()) == {10}
    assert problems.total() == train_checkpoint.VALIDATED * train_checkpoint.VALIDATED_CONTEXTS
    sizes = {context.rsplit("\n", 1)[1] for context in problems}
    assert not sizes & {row.context.rsplit("\n", 1)[1] for row in train if first_line(row.context) == "kernel"}
    assert sum(first_line(row.context) == "space" for row in validation) == train_checkpoint.VALIDATED


def test_a_large_group_does_not_choose_the_weights() -> None:
    rows = [
        Measured(Row("space\nfacts", (f"a{n}",), {"m": n + 1.0}), False, "zero" if n < 400 else "") for n in range(800)
    ]
    train, validation = train_checkpoint.divided(rows, np.random.default_rng(0))
    assert len(validation) == train_checkpoint.VALIDATED
    assert {row.texts[0] for row in train} >= {f"a{n}" for n in range(400)}


def test_cells_of_one_text_or_one_number_are_twins() -> None:
    found = measured_tables.twins(["a", "a", "b", "c", "d"], [1, 2, 2, 3, 4])
    assert found["a"] == found["b"]
    assert len({found[text] for text in "acd"}) == 3


def test_a_cell_and_its_twin_are_on_one_side(rows: list[Measured]) -> None:
    cells = [row for row in rows if row.row.context == nas_bench_201.problem().context and not row.test]
    group = {row.row.texts[0]: row.group for row in cells}
    train, validation = ({group[row.texts[0]] for row in part} for part in
                         train_checkpoint.divided(cells, np.random.default_rng(0)))  # fmt: skip
    assert not train & validation
    assert len(validation) > 30


def kernel(problems: int) -> Any:
    return pd.DataFrame([
        {"source": "s", "kernel": "triton_mm", "device": device, "problem": f"m={n}", "config": f"BLOCK_M={size}",
         "ms": 1.0 + size, "split": "train"}
        for n in range(1, problems + 1)
        for device in ("NVIDIA A100", "NVIDIA H100")
        for size in (16, 32)
    ])  # fmt: skip


@pytest.mark.parametrize(("problems", "groups"), [(5, 2), (80, 80)])
def test_a_shape_or_a_configuration_is_a_group_on_all_devices(
    problems: int, groups: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measured_tables, "kernel_frame", lambda folder: kernel(problems))
    found = list(measured_tables.kernel_rows(Path(), np.random.default_rng(0)))
    assert len({row.group for row in found}) == groups
    assert set(Counter(row.group for row in found).values()) == {len(found) // groups}


def test_families_and_conditions_of_networks_stay_unseen() -> None:
    rows = list(network_rows(FOLDER, np.random.default_rng(0)))
    measured = [line for file in (NETWORKS, PRECISIONS) for line in lines(file)]
    family = {line.candidate: line.more["name"]["family"] for line in measured}
    unseen = {row.row.texts[0] for row in rows if family[row.row.texts[0]] in UNSEEN_FAMILIES}
    assert unseen <= {row.row.texts[0] for row in rows if row.test}
    assert 0.05 < sum(row.test for row in rows if row.row.texts[0] not in unseen) / (len(rows) - len(unseen)) < 0.2
    metrics = {metric for row in rows for metric in row.row.values}
    assert {metric.split()[0] for metric in metrics} == {"latency_ms", "memory_bytes", "params", "macs"}
    assert not any("threads=2" in metric or "unoptimised" in metric for metric in metrics)


def test_a_network_is_kept_for_tests_in_all_number_formats() -> None:
    rows = list(network_rows(FOLDER, np.random.default_rng(0)))
    test, group = ({row.row.texts[0]: own for row, own in zip(rows, owns, strict=True)} for owns in (
        [row.test for row in rows], [row.group for row in rows]
    ))  # fmt: skip
    made: dict[str, set[str]] = {}
    for line in lines(PRECISIONS):
        made.setdefault(network_name(line)[0], set()).add(line.candidate)
    several = [texts for texts in made.values() if len(texts) > 1]
    assert several
    for texts in several:
        assert len({test[text] for text in texts}) == len({group[text] for text in texts}) == 1


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nas_bench_101"):
        next(measured_tables.read(tmp_path))


def test_a_run_goes_on_only_as_it_began(tmp_path: Path) -> None:
    begun = ["--run", str(tmp_path / "run"), "--steps", "10"]
    own, elsewhere, other = (
        train_checkpoint.told(train_checkpoint.parse([*begun, *more]))
        for more in ([], ["--out", str(tmp_path / "elsewhere")], ["--leave-out", "fbnet"])
    )
    assert own == elsewhere
    assert {name for name, _ in own.items() ^ other.items()} == {"leave_out"}
