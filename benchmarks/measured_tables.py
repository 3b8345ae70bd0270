"""The measured tables as rows: read from a folder, written as the spaces write them.

The tables and their licences are named in the model card of the packaged checkpoint. A row that the protocols keep for
tests is marked so; where a table has no ``split`` column, one row in ten is, by the hash of its architecture.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from measured_networks import network_rows
from measured_rows import FOLDER, Measured, is_test, table_file

from prerank.search_spaces import (
    accel_nasbench,
    fbnet,
    kernel_configs,
    nas_bench_101,
    nas_bench_201,
    nas_bench_graph,
    nas_bench_macro,
    ofa,
)
from prerank.surrogate import Row

UNSEEN_DEVICES = ("fpga", "raspi4", "eyeriss", "pixel2", "gold_6226", "titan_rtx")
"""Test devices of the HELP protocols; no shipped checkpoint has read a row that was measured on them."""
_LATENCY = "latency_ms_"
_LEAST_MS = 0.01  # cells without operations are at zero on some devices, where the logarithm has no meaning
_ORDERS = 4  # equivalent texts of a candidate that training may draw
_FEW_PROBLEMS = 64  # of a kernel; where there are more, configurations of one problem are a group, else of one text


def read(folder: Path = FOLDER, seed: int = 0) -> Iterator[Measured]:
    """All rows of all tables.

    Raises:
        FileNotFoundError: If a table is missing.
    """
    rng = np.random.default_rng(seed)
    for table in TABLES:
        yield from table(folder, rng)


def nas_bench_101_rows(folder: Path, rng: np.random.Generator) -> Iterator[Measured]:
    """NAS-Bench-101: four accuracies, parameters, seconds of training."""
    for record in _json_lines(table_file(folder, "nas/nas_bench_101.jsonl.gz")):
        cell = nas_bench_101.from_record(record)
        values = {
            nas_bench_101.problem(epochs=epochs).metric: record[f"val_acc_{epochs}"] for epochs in (4, 12, 36, 108)
        }
        values[nas_bench_101.problem("params").metric] = record["params"]
        values[nas_bench_101.problem("train_seconds").metric] = record["train_seconds_108"]
        row = Row(nas_bench_101.problem().context, _texts(nas_bench_101, cell, rng), values)
        yield Measured(row, record["split"] == "test")


def nas_bench_101_test_cells(folder: Path, count: int | None = None) -> tuple[list[str], list[float]]:
    """The first test cells of NAS-Bench-101, or all, and their final accuracies."""
    records = [r for r in _json_lines(table_file(folder, "nas/nas_bench_101.jsonl.gz")) if r["split"] == "test"][:count]
    return [nas_bench_101.to_text(nas_bench_101.from_record(r)) for r in records], [r["val_acc_108"] for r in records]


def nas_bench_201_rows(folder: Path, rng: np.random.Generator) -> Iterator[Measured]:
    """NAS-Bench-201: accuracies, latencies, parameters. A cell with the text of a test cell is a test cell too."""
    frame: Any = pd.read_csv(table_file(folder, "nas/nas_bench_201.csv.gz"))
    cells = [nas_bench_201.from_record(arch) for arch in frame["arch"]]
    texts = [nas_bench_201.to_text(cell) for cell in cells]
    test = [is_test(str(number)) for number in frame["unique_idx"]]
    kept = {text for text, own in zip(texts, test, strict=True) if own}
    groups = twins(texts, frame["unique_idx"])
    metrics = {
        nas_bench_201.problem(epochs=200).metric: frame["c10_valid_200ep"] / 100,
        **{
            nas_bench_201.problem(dataset=name, epochs=12).metric: frame[f"{column}_val_12ep"] / 100
            for name, column in (("cifar10", "cifar10"), ("cifar100", "cifar100"), ("imagenet16-120", "imagenet"))
        },
        nas_bench_201.problem("params").metric: frame["params_M"] * 1e6,
        **_latencies(frame, nas_bench_201.problem),
    }
    for cell, text, values in zip(cells, texts, _records(metrics), strict=True):
        row = Row(nas_bench_201.problem().context, _texts(nas_bench_201, cell, rng), values)
        yield Measured(row, text in kept, groups[text])


def twins(texts: Sequence[str], numbers: Iterable[int]) -> dict[str, str]:
    """Text -> a name that cells share if they have one text or one number, or each of them one with a third."""
    found = nx.connected_components(nx.Graph(zip(texts, numbers, strict=True)))
    return {word: f"twins {place}" for place, part in enumerate(found) for word in part if isinstance(word, str)}


def fbnet_rows(folder: Path, rng: np.random.Generator) -> Iterator[Measured]:
    """FBNet: latencies."""
    return _latency_rows(pd.read_csv(table_file(folder, "nas/fbnet.csv.gz")), fbnet, rng)


def ofa_rows(folder: Path, rng: np.random.Generator) -> Iterator[Measured]:
    """Once-for-all MobileNetV3: latencies."""
    return _latency_rows(pd.read_csv(table_file(folder, "nas/ofa_mobilenetv3.csv.gz")), ofa, rng)


def accel_nasbench_rows(folder: Path, rng: np.random.Generator) -> Iterator[Measured]:
    """Accel-NASBench: accuracy, seconds of training, size, throughputs and a latency."""
    for record in _json_lines(table_file(folder, "nas/accel_nasbench.jsonl.gz")):
        network = accel_nasbench.from_record(record["architecture"])
        values = {
            accel_nasbench.problem("val_accuracy").metric: record["metrics"]["val_top1"] / 100,
            accel_nasbench.problem("train_seconds").metric: record["metrics"]["train_time"],
            accel_nasbench.problem("params").metric: record["model_info"]["params"] * 1e6,
            accel_nasbench.problem("macs").metric: record["model_info"]["macs"] * 1e6,
        }
        for name, found in record["platform_perf"].items():
            metric, device = name.split("_")
            word = "latency_ms" if metric == "latency" else metric
            if found[f"{metric}_mean"] is not None:
                values[accel_nasbench.problem(word, device).metric] = found[f"{metric}_mean"]
        test = is_test(json.dumps(record["architecture"], separators=(",", ":")))
        yield Measured(Row(accel_nasbench.problem().context, _texts(accel_nasbench, network, rng), values), test)


def nas_bench_macro_rows(folder: Path, rng: np.random.Generator) -> Iterator[Measured]:
    """NAS-Bench-Macro: accuracy, parameters, multiply-accumulates."""
    for record in _json_lines(table_file(folder, "nas/nas_bench_macro.jsonl.gz")):
        network = nas_bench_macro.from_record(record["arch"])
        values = {
            nas_bench_macro.problem("val_accuracy").metric: record["mean_acc"] / 100,
            nas_bench_macro.problem("params").metric: record["params"],
            nas_bench_macro.problem("macs").metric: record["flops"],
        }
        row = Row(nas_bench_macro.problem().context, _texts(nas_bench_macro, network, rng), values)
        yield Measured(row, is_test(record["arch"]))


def nas_bench_graph_rows(folder: Path, rng: np.random.Generator) -> Iterator[Measured]:
    """NAS-Bench-Graph, from its package: accuracy, latency and parameters on nine data sets."""
    values: dict[nas_bench_graph.Architecture, dict[str, float]] = {}
    for dataset in nas_bench_graph.DATASETS:
        for architecture, found in nas_bench_graph.read_table(dataset):
            own = values.setdefault(architecture, {})
            own |= {
                nas_bench_graph.problem(metric, dataset).metric: found[metric]
                for metric in ("val_accuracy", "latency_ms", "params")
            }
    context = nas_bench_graph.problem().context
    for architecture, own in values.items():
        texts = _texts(nas_bench_graph, architecture, rng)
        yield Measured(Row(context, texts, own), is_test(texts[0]))


def kernel_rows(folder: Path, rng: np.random.Generator) -> Iterator[Measured]:
    """Kernel configurations: milliseconds, and slowdown over the best of the problem; what failed has neither."""
    frame = kernel_frame(folder)
    best = frame.groupby(["source", "kernel", "device", "problem"])["ms"].transform("min")
    configs = {text: kernel_configs.from_record(text) for text in frame["config"].unique()}
    texts = {text: _texts(kernel_configs, config, rng) for text, config in configs.items()}
    keys = zip(frame["kernel"], frame["device"], frame["problem"], strict=True)
    contexts = {key: kernel_configs.problem(*key).context for key in dict.fromkeys(keys)}
    problems: Any = frame.groupby("kernel")["problem"].transform("nunique")
    groups = frame["problem"].where(problems > _FEW_PROBLEMS, frame["config"])
    columns = [frame["kernel"], frame["device"], frame["problem"], frame["config"], frame["ms"], frame["ms"] / best]
    for kernel, device, problem, config, ms, slowdown, split, group in zip(
        *columns, frame["split"], groups, strict=True
    ):
        values = {"latency_ms": float(ms), "slowdown": float(slowdown)}
        row = Row(contexts[kernel, device, problem], texts[config], values)
        yield Measured(row, split == "test" or device == "NVIDIA TITAN RTX", group)


def kernel_frame(folder: Path = FOLDER) -> Any:
    """The table of kernel configurations; ms is nan where the configuration failed."""
    frame: Any = pd.read_csv(table_file(folder, "kernels/kernel_configs.csv.gz"), low_memory=False)
    times: Any = pd.to_numeric(frame["ms"], errors="coerce")
    return frame.assign(ms=times.where(frame["ok"] == 1))


def ran(frame: Any, kernel: str, device: str) -> Any:
    """Rows of a kernel on a device that did not fail, with their slowdown over the best of the problem."""
    rows = frame[(frame["kernel"] == kernel) & (frame["device"] == device) & frame["ms"].notna()]
    return rows.assign(slowdown=rows["ms"] / rows.groupby("problem")["ms"].transform("min"))


TABLES: tuple[Callable[[Path, np.random.Generator], Iterator[Measured]], ...] = (
    nas_bench_101_rows,
    nas_bench_201_rows,
    fbnet_rows,
    ofa_rows,
    accel_nasbench_rows,
    nas_bench_macro_rows,
    nas_bench_graph_rows,
    kernel_rows,
    network_rows,
)


def _latency_rows(frame: Any, space: Any, rng: np.random.Generator) -> Iterator[Measured]:
    """Rows of a table of architectures and latencies."""
    context = space.problem().context
    for arch, values in zip(frame["arch"], _records(_latencies(frame, space.problem)), strict=True):
        yield Measured(Row(context, _texts(space, space.from_record(arch), rng), values), is_test(arch))


def _latencies(frame: Any, problem: Any) -> dict[str, Any]:
    """Metric -> latencies of the devices that may be trained on."""
    devices = [str(column).removeprefix(_LATENCY) for column in frame if str(column).startswith(_LATENCY)]
    return {
        problem("latency_ms", device=device).metric: frame[_LATENCY + device].clip(lower=_LEAST_MS)
        for device in devices
        if not device.startswith(UNSEEN_DEVICES)
    }


def _records(metrics: dict[str, Any]) -> Iterator[dict[str, float]]:
    """Values row by row, those that were not measured left out."""
    for values in zip(*(column.tolist() for column in metrics.values()), strict=True):
        yield {name: value for name, value in zip(metrics, values, strict=True) if not math.isnan(value)}


def _texts(space: Any, candidate: Any, rng: np.random.Generator) -> tuple[str, ...]:
    """The canonical text, then some equivalent ones."""
    others = (space.to_text(candidate, rng) for _ in range(_ORDERS))
    return tuple(dict.fromkeys([space.to_text(candidate), *others]))


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)
