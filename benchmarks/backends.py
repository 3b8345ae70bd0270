"""What torch and onnxruntime cost to run the shipped checkpoint, and whether they agree.

python benchmarks/backends.py

1. Cold start: a process imports prerank, loads the checkpoint and ranks 100 cells; the fastest of a few.
2. Two thousand cells, once all is loaded, on one thread each; the fastest of a few.
3. Agreement: rank correlation of the two answers, and their largest difference in predicted standard deviations.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tables import show

from prerank.search_spaces import fbnet, nas_bench_101, nas_bench_201
from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.backends import Backend
from prerank.surrogate.metrics import kendall_tau

BACKENDS: tuple[Backend, ...] = ("torch", "onnxruntime")
ROUNDS = 5
START = """
import sys
import numpy as np
from prerank.search_spaces import nas_bench_101
from prerank.surrogate import RLMSurrogate, rank
surrogate = RLMSurrogate.load(sys.argv[1] or None, backend=sys.argv[2])
cells = nas_bench_101.sample(np.random.default_rng(0), 100)
rank(surrogate, nas_bench_101.problem(), cells, nas_bench_101.to_text)
"""


def main() -> None:
    """Measure everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, help="default: the packaged one")
    path = parser.parse_args().checkpoint
    torch.set_num_threads(1)
    surrogates: dict[Backend, RLMSurrogate] = {
        backend: RLMSurrogate.load(path, backend=backend) for backend in BACKENDS
    }
    cells = [nas_bench_101.to_text(cell) for cell in nas_bench_101.sample(np.random.default_rng(0), 2000)]
    many = {name: fastest(surrogate, cells) for name, surrogate in surrogates.items()}  # and the graphs are written
    rows = [[name, f"{cold_start(name, path):.2f}", f"{many[name]:.2f}"] for name in BACKENDS]
    show({
        "Seconds": pd.DataFrame(rows, columns=["backend", "cold start, 100 cells", "2,000 cells"]),
        "Agreement": pd.DataFrame(agreement(surrogates, cells), columns=["metric", "Kendall tau", "difference / std"]),
    })  # fmt: skip


def cold_start(backend: Backend, path: Path | None) -> float:
    """Seconds of a whole process."""
    command = [sys.executable, "-c", START, str(path or ""), backend]
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subprocess.run(command, check=True)
        times.append(time.perf_counter() - start)
    return min(times)


def fastest(surrogate: RLMSurrogate, texts: list[str]) -> float:
    """Seconds to predict texts."""
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        surrogate.predict(nas_bench_101.problem(), texts)
        times.append(time.perf_counter() - start)
    return min(times)


def agreement(surrogates: dict[Backend, RLMSurrogate], cells: list[str]) -> list[list[str]]:
    """How near the two answers are, of a few metrics."""
    rng = np.random.default_rng(1)
    asked = {
        nas_bench_101.problem(): cells,
        nas_bench_201.problem("latency_ms", device="pixel 3"): [
            nas_bench_201.to_text(c) for c in nas_bench_201.sample(rng, 500)
        ],
        fbnet.problem(device="a device never seen"): [fbnet.to_text(c) for c in fbnet.sample(rng, 500)],
        Problem("nothing like it", "latency_ms"): [*cells[:20], " ".join(cells[:60]), " ".join(cells[60:120])],
    }
    rows: list[list[str]] = []
    for problem, texts in asked.items():
        one, other = (surrogate.predict(problem, texts) for surrogate in surrogates.values())
        away = (np.abs(one.mean - other.mean) / one.std).max()
        rows.append([problem.metric, f"{kendall_tau(one.mean, other.mean):.5f}", f"{away:.1e}"])
    return rows


if __name__ == "__main__":
    main()
