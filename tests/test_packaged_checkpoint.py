"""The weights that are shipped, end to end."""

from __future__ import annotations

import csv
import gzip
import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from prerank.integrations.optuna import RLMSampler
from prerank.search_spaces import fbnet, kernel_configs, nas_bench_101
from prerank.search_spaces.nas_bench_101 import Cell
from prerank.surrogate import RLMSurrogate, rank
from prerank.surrogate.metrics import coverage, kendall_tau, spearman
from prerank.surrogate.rlm_surrogate import PACKAGED

ROOT = Path(__file__).parents[1]
FOLDER = Path(os.environ.get("PRERANK_DATA", ROOT.parent / "shared" / "data"))
TABLE = FOLDER / "nas" / "nas_bench_101.jsonl.gz"


@pytest.fixture(scope="module")
def surrogate() -> RLMSurrogate:
    return RLMSurrogate.load()


@pytest.fixture(scope="module")
def test_rows() -> list[dict[str, Any]]:
    if not TABLE.exists():
        pytest.skip(f"no measured table at {TABLE}; name its folder in PRERANK_DATA")
    with gzip.open(TABLE, "rt") as lines:
        return [row for row in map(json.loads, lines) if row["split"] == "test"]


def test_it_is_small_and_says_where_it_comes_from(surrogate: RLMSurrogate) -> None:
    assert sum(file.stat().st_size for file in PACKAGED.iterdir()) < 15e6
    assert "NAS-Bench-101" in surrogate.provenance["data"]
    assert (PACKAGED / "MODEL_CARD.md").exists()


def test_it_knows_good_cells_from_bad_ones(surrogate: RLMSurrogate) -> None:
    chain = Cell(((0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1), (0, 0, 0, 0)), ("input", "conv3x3", "conv3x3", "output"))
    pooling = Cell(chain.adjacency, ("input", "maxpool3x3", "maxpool3x3", "output"))
    ranked = rank(surrogate, nas_bench_101.problem(), [pooling, chain], nas_bench_101.to_text)
    assert [entry.candidate for entry in ranked] == [chain, pooling]


@pytest.mark.parametrize(
    ("space", "problem"),
    [
        (nas_bench_101, nas_bench_101.problem()),
        (nas_bench_101, nas_bench_101.problem("params")),
        (fbnet, fbnet.problem(device="eyeriss")),
        (fbnet, fbnet.problem(device="a device that nobody knows")),
    ],
    ids=lambda value: getattr(value, "metric", "space"),
)
def test_onnxruntime_ranks_as_torch_does(surrogate: RLMSurrogate, space: Any, problem: Any) -> None:
    texts = [space.to_text(candidate) for candidate in space.sample(np.random.default_rng(2), 200)]
    other = RLMSurrogate.load(backend="onnxruntime").predict(problem, texts)
    assert kendall_tau(surrogate.predict(problem, texts).mean, other.mean) >= 0.995


def test_it_ranks_on_onnxruntime_without_torch(tmp_path: Path) -> None:
    assert len(list(PACKAGED.glob("*.onnx"))) == 5, "the first prediction with backend='onnxruntime' writes them"
    code = (
        "import sys; from prerank.surrogate import RLMSurrogate; from prerank.search_spaces import nas_bench_101;"
        "RLMSurrogate.load(backend='onnxruntime').predict(nas_bench_101.problem(), ['input conv3x3<0 output<1']);"
        "print(*{'torch', 'transformers', 'onnx'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_quality_on_cells_that_it_never_saw(surrogate: RLMSurrogate, test_rows: list[dict[str, Any]]) -> None:
    texts = [nas_bench_101.to_text(nas_bench_101.from_record(row)) for row in test_rows]
    prediction = surrogate.predict(nas_bench_101.problem(), texts)
    accuracy = [row["val_acc_108"] for row in test_rows]
    assert spearman(prediction.mean, accuracy) > 0.975
    assert kendall_tau(prediction.mean, accuracy) > 0.87
    assert 0.8 < coverage(prediction, accuracy, 0.9) < 1
    params = surrogate.predict(nas_bench_101.problem("params"), texts).mean
    assert spearman(params, [row["params"] for row in test_rows]) > 0.99


@pytest.mark.parametrize("kernel", ["triton_mm", "triton_matmul_tutorial_fp16"])
def test_it_knows_slow_configurations_of_a_shape_it_never_saw(surrogate: RLMSurrogate, kernel: str) -> None:
    problem = kernel_configs.problem(
        kernel, "NVIDIA A100", "m=3000 n=3000 k=3000 mat1_dtype=float16 mat2_dtype=float16"
    )
    good = {"BLOCK_M": 128, "BLOCK_N": 128, "BLOCK_K": 32, "num_stages": 4, "num_warps": 4}
    poor = good | {"BLOCK_M": 16, "BLOCK_N": 16, "num_warps": 8}
    texts = [kernel_configs.to_text(kernel_configs.from_record(config)) for config in (good, poor)]
    fast, slow = surrogate.predict(problem, texts).mean
    assert 1 <= fast < slow


def test_ten_measurements_on_an_unseen_device_teach_it() -> None:
    table = FOLDER / "nas" / "fbnet.csv.gz"
    if not table.exists():
        pytest.skip(f"no measured table at {table}; name its folder in PRERANK_DATA")
    with gzip.open(table, "rt") as lines:
        rows = [row for row, _ in zip(csv.DictReader(lines), range(300), strict=False)]
    texts = [fbnet.to_text(fbnet.from_record(row["arch"])) for row in rows]
    latency = np.array([float(row["latency_ms_eyeriss"]) for row in rows])
    learner, problem = RLMSurrogate.load(), fbnet.problem(device="eyeriss")
    learner.observe(problem, texts[:10], latency[:10])
    prediction = learner.predict(problem, texts[10:])
    assert spearman(prediction.mean, latency[10:]) > 0.85
    assert coverage(prediction, latency[10:], 0.9) > 0.8


def test_one_shape_of_a_kernel_tells_of_the_level_of_the_next(surrogate: RLMSurrogate) -> None:
    sizes = ("m=256 n=256 k=256", "m=8192 n=4096 k=2048")
    small, large = (kernel_configs.problem("triton_mm", "NVIDIA A100", size, "latency_ms") for size in sizes)
    sides, rest = itertools.product((32, 64, 128), (32, 64, 128), (2, 4, 8)), "BLOCK_K=32 num_stages=3"
    configs = [f"BLOCK_M={m} BLOCK_N={n} {rest} num_warps={warps}" for m, n, warps in sides]
    texts = [kernel_configs.to_text(kernel_configs.from_record(config)) for config in configs]
    learner, microseconds = surrogate.fork(), 1000 * surrogate.predict(small, texts).mean
    learner.observe(small, texts[::2], microseconds[::2])
    expected, after = 1000 * surrogate.predict(large, texts).mean, learner.predict(large, texts)
    assert np.median(expected) > 20 * np.median(microseconds)
    assert np.abs(np.log(after.mean / expected)).max() < 0.5
    assert spearman(after.mean, expected) > 0.9


def test_the_ranking_is_the_same_in_any_order_and_batch(surrogate: RLMSurrogate) -> None:
    problem = nas_bench_101.problem()
    cells = nas_bench_101.sample(np.random.default_rng(0), 300)
    whole = surrogate.predict(problem, [nas_bench_101.to_text(cell) for cell in cells]).mean
    alone = [surrogate.predict(problem, [nas_bench_101.to_text(cell)]).mean[0] for cell in cells[:40]]
    assert np.abs(whole[:40] - alone).max() < 1e-5
    forward = rank(surrogate, problem, cells, nas_bench_101.to_text)
    assert forward == rank(surrogate, problem, cells[::-1], nas_bench_101.to_text)


@pytest.mark.slow
def test_a_new_process_gives_the_same_bits(surrogate: RLMSurrogate) -> None:
    texts = [nas_bench_101.to_text(cell) for cell in nas_bench_101.sample(np.random.default_rng(1), 20)]
    code = (
        "import sys, json; from prerank.surrogate import RLMSurrogate; from prerank.search_spaces import nas_bench_101;"
        "mean = RLMSurrogate.load().predict(nas_bench_101.problem(), json.load(sys.stdin)).mean;"
        "print(json.dumps(mean.tolist()))"
    )
    done = subprocess.run([sys.executable, "-c", code], input=json.dumps(texts), capture_output=True, text=True)
    assert json.loads(done.stdout) == surrogate.predict(nas_bench_101.problem(), texts).mean.tolist()


def test_a_bare_study_runs() -> None:
    study = optuna.create_study(sampler=RLMSampler(seed=0, pool_size=32))
    study.optimize(lambda trial: (trial.suggest_float("x", -5, 5) - 2) ** 2, n_trials=8)
    assert study.best_value < 10


def test_a_study_of_cells_starts_with_a_good_one(surrogate: RLMSurrogate) -> None:
    def to_text(params: dict[str, Any]) -> str | None:
        cell = nas_bench_101.from_params(params)
        return None if cell is None else nas_bench_101.to_text(cell)

    space = {name: optuna.distributions.CategoricalDistribution(c) for name, c in nas_bench_101.PARAMETERS.items()}
    sampler = RLMSampler(problem=nas_bench_101.problem(), to_text=to_text, search_space=space, pool_size=64, seed=0)
    first = optuna.create_study(sampler=sampler, direction="maximize").ask(dict(space))
    others = [nas_bench_101.to_text(cell) for cell in nas_bench_101.sample(np.random.default_rng(0), 64)]
    predicted = surrogate.predict(nas_bench_101.problem(), [to_text(first.params) or "", *others]).mean
    assert predicted[0] > np.quantile(predicted, 0.75)
