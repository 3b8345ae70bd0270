"""What the shipped checkpoint costs on torch and on onnxruntime, and whether they agree; what 8-bit integers would do.

python benchmarks/backends.py

1. Cold start: a process imports prerank, loads the checkpoint and ranks 100 cells; the fastest of a few.
2. Two thousand cells, once all is loaded, on one thread each; the fastest of a few.
3. Agreement with torch: rank correlation of the two answers, and their largest difference in predicted standard
   deviations. *8-bit integers*: the graphs of onnxruntime with the matrices of all layers quantised dynamically, which
   are made for this comparison alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import torch
from tables import show

from prerank.search_spaces import fbnet, nas_bench_101, nas_bench_201
from prerank.surrogate import Problem, RLMSurrogate
from prerank.surrogate.backends import Backend
from prerank.surrogate.inference import Inference
from prerank.surrogate.metrics import kendall_tau
from prerank.surrogate.onnx_network import GRAPHS, OnnxNetwork, graph_file
from prerank.surrogate.rlm_surrogate import PACKAGED
from prerank.surrogate.source import Source

BACKENDS: tuple[Backend, ...] = ("torch", "onnxruntime")
INTEGERS = "onnxruntime, 8-bit integers"
ROUNDS = 5
START = """
import sys
import numpy as np
from prerank.search_spaces import nas_bench_101
from prerank.surrogate import RLMSurrogate, rank
surrogate = RLMSurrogate.load(sys.argv[1], backend=sys.argv[2])
cells = nas_bench_101.sample(np.random.default_rng(0), 100)
rank(surrogate, nas_bench_101.problem(), cells, nas_bench_101.to_text)
"""


def main() -> None:
    """Measure everything, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, default=PACKAGED)
    parser.add_argument("--out", type=Path, default=Path(__file__).with_suffix(".json"))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        results = measured(arguments.checkpoint, Path(folder))
    show(tables(results))
    arguments.out.write_text(json.dumps(results, indent=1) + "\n")


def measured(path: Path, folder: Path) -> dict[str, Any]:
    """Costs of each way to run a checkpoint, and how near their answers are; the folder is for graphs."""
    surrogates = {name: RLMSurrogate.load(path, backend=name) for name in BACKENDS}
    cells = [nas_bench_101.to_text(cell) for cell in nas_bench_101.sample(np.random.default_rng(0), 2000)]
    many = {name: fastest(surrogate, cells) for name, surrogate in surrogates.items()}  # and the graphs are written
    integers = quantised(path, folder)
    costs = [{"backend": name, "cold start": cold_start(name, path), "many": many[name]} for name in BACKENDS]
    costs.append({"backend": INTEGERS, "many": fastest(integers, cells)})
    others = {"onnxruntime": surrogates["onnxruntime"], INTEGERS: integers}
    return {"seconds": costs, "agreement": list(agreement(surrogates["torch"], others, cells))}


def quantised(path: Path, folder: Path) -> RLMSurrogate:
    """A checkpoint whose graphs for onnxruntime hold matrices of 8-bit integers."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from onnxruntime.quantization.shape_inference import quant_pre_process

    known = RLMSurrogate.load(path)._inference  # pyright: ignore[reportPrivateUsage]
    weights = next(path.glob("model-*.safetensors")).resolve()
    own = folder / weights.name
    for name in GRAPHS:
        plain = folder / f"{name}.onnx"
        onnx.save(onnx.load(graph_file(weights, name)), plain)  # with its weights in it
        quant_pre_process(plain, plain, skip_symbolic_shape=True)  # folds what is transposed
        quantize_dynamic(plain, graph_file(own, name), weight_type=QuantType.QInt8)
    return RLMSurrogate(Source(Inference(OnnxNetwork(own), known.tokenizer, known.knowledge)))


def cold_start(backend: Backend, path: Path) -> float:
    """Seconds of a whole process."""
    command = [sys.executable, "-c", START, str(path), backend]
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


def agreement(
    reference: RLMSurrogate, others: Mapping[str, RLMSurrogate], cells: list[str]
) -> Iterator[dict[str, Any]]:
    """How near the answers of others are, of a few metrics."""
    rng = np.random.default_rng(1)
    asked = {
        nas_bench_101.problem(): cells,
        nas_bench_201.problem("latency_ms", device="pixel 3"): [
            nas_bench_201.to_text(c) for c in nas_bench_201.sample(rng, 500)
        ],
        fbnet.problem(device="a device never seen"): [fbnet.to_text(c) for c in fbnet.sample(rng, 500)],
        Problem("nothing like it", "latency_ms"): [*cells[:20], " ".join(cells[:60]), " ".join(cells[60:120])],
    }
    for problem, texts in asked.items():
        expected = reference.predict(problem, texts)
        for name, other in others.items():
            mean = other.predict(problem, texts).mean
            away = float((np.abs(mean - expected.mean) / expected.std).max())
            yield {
                "backend": name,
                "space": problem.context.partition("\n")[0],
                "metric": problem.metric,
                "tau": kendall_tau(expected.mean, mean),
                "away": away,
            }


def tables(results: dict[str, Any]) -> dict[str, pd.DataFrame]:
    """The results as titled data frames of text."""
    costs = [
        [own["backend"], *(f"{own[name]:.2f}" if name in own else "" for name in ("cold start", "many"))]
        for own in results["seconds"]
    ]
    near = [
        [own["backend"], own["space"], own["metric"], f"{own['tau']:.5f}", f"{own['away']:.1e}"]
        for own in results["agreement"]
    ]
    return {
        "Seconds": pd.DataFrame(costs, columns=["backend", "cold start, 100 cells", "2,000 cells"]),
        "Agreement with torch": pd.DataFrame(
            near, columns=["backend", "space", "metric", "Kendall tau", "difference / std"]
        ),
    }


if __name__ == "__main__":
    main()
