"""Autotune a matrix product with and without rlm_prune.

python examples/triton_autotune.py            # on a GPU: for real; without one: under Triton's interpreter
python examples/triton_autotune.py --replay   # on the measured table of the tutorial's product, as a plot

The kernel is a plain blocked matrix product. On a GPU, both ways are timed, each with an empty cache of Triton's, and
the chosen configurations compared. The interpreter shows how many are kept; its timings say nothing. The replay feeds
measured times to the real Autotuner: tuning costs the compilation that was measured and 0.125 s a configuration that
runs, the least that Triton benchmarks it.
"""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

from __future__ import annotations

import argparse
import inspect
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

if not torch.cuda.is_available():  # before Triton is imported
    os.environ.setdefault("TRITON_INTERPRET", "1")

import triton
import triton.language as tl

from prerank.integrations.triton import RLMPrune, rlm_prune

TABLE = Path("kernels") / "kernel_configs.csv.gz"
KERNEL = "triton_matmul_tutorial_fp16"
BENCHMARK_SECONDS = 0.125
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
Prune = RLMPrune | None


def main() -> None:
    """Tune as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replay", action="store_true", help="replay the measured table")
    data = os.environ.get("PRERANK_DATA", Path(__file__).parents[2] / "shared" / "data")
    parser.add_argument("--data", type=Path, default=Path(data), help="folder of the measured tables")
    parser.add_argument("--size", type=int, default=2048 if torch.cuda.is_available() else 64, help="of the matrices")
    parser.add_argument("--top-k", type=int, help="configurations to keep; default: as many as rlm_prune likes")
    parser.add_argument("--plot", type=Path, default=Path("triton_autotune.png"))
    arguments = parser.parse_args()
    if arguments.replay and not (arguments.data / TABLE).exists():
        parser.error(f"there is no table {arguments.data / TABLE}; name its folder by --data or PRERANK_DATA")
    if arguments.replay:
        replay(arguments.data / TABLE, arguments.top_k or 10, arguments.plot)
    else:
        tune(arguments.size, rlm_prune(top_k=arguments.top_k) if arguments.top_k else rlm_prune)


def tune(size: int, prune: RLMPrune) -> None:
    """Tune for real, among all configurations and among those that rlm_prune keeps."""
    a, b = (torch.randn(size, size, device=DEVICE, dtype=torch.float16) for _ in range(2))
    prune = prune if DEVICE == "cuda" else prune(device="NVIDIA A100")
    if DEVICE == "cuda":
        triton.runtime.driver.active.get_current_target()  # the driver is compiled once, for both ways
    for name, way in (("all configurations", None), ("rlm_prune", prune)):
        with tempfile.TemporaryDirectory() as cache:  # else the second way loads what the first has compiled
            os.environ["TRITON_CACHE_DIR"] = cache
            tune_one(name, way, a, b)


def tune_one(name: str, way: Prune, a: torch.Tensor, b: torch.Tensor) -> None:
    """Tune in one way, and tell how long it takes and what is chosen."""
    kernel, started = product(choices(), way, None if DEVICE == "cuda" else once), time.perf_counter()
    c = multiply(kernel, a, b)
    seconds, wrong = time.perf_counter() - started, float((c - a.float() @ b.float()).abs().max())
    timed = len(getattr(kernel, "configs_timings", ()))
    print(f"{name}: {timed} configurations timed in {seconds:.1f} s, largest error {wrong:.3f}")
    print(f"{name}: chosen {kernel.best_config}")
    if DEVICE == "cuda":
        milliseconds = triton.testing.do_bench(lambda: multiply(kernel, a, b))
        print(f"{name}: the chosen configuration takes {milliseconds:.4f} ms")


def replay(table: Path, top_k: int, plot: Path) -> None:
    """Tune each size of the table with the real Autotuner; its times stand for a GPU's."""
    import pandas as pd

    frame: Any = pd.read_csv(table, low_memory=False)
    frame = frame[frame["kernel"] == KERNEL]
    ways: dict[str, Prune] = {"all configurations": None, "rlm_prune": rlm_prune(device="NVIDIA A100", top_k=top_k)}
    found: list[dict[str, Any]] = []
    frame = frame.sort_values("config")  # the table is sorted by time, and the first configuration is always kept
    for problem, rows in sorted(frame.groupby("problem"), key=lambda pair: size_of(pair[0])):
        for name, prune in ways.items():
            found.append({"size": size_of(problem), "way": name} | replayed(rows, size_of(problem), prune))
            print("{size}: {way}: {configs} benchmarked, {seconds:,.0f} s, {ms:.4f} ms".format(**found[-1]))
    draw(found, plot)


def replayed(rows: Any, size: int, prune: Prune) -> dict[str, Any]:
    """What tuning one size costs, and the time of what it chooses."""
    times = Times(rows)
    configs = [triton.Config(fields, num_warps=w, num_stages=s) for fields, w, s in map(parsed, rows["config"])]
    kernel = product(configs, prune, times)
    a, b, c = (torch.zeros(size, size, device=DEVICE, dtype=torch.float16) for _ in range(3))
    started = time.perf_counter()
    kernel[(1,)](a, b, c, size, size, size, *a.stride(), *b.stride(), *c.stride())  # one tile of the chosen one
    choosing = time.perf_counter() - started if prune else 0.0
    return {"configs": times.asked, "seconds": times.seconds + choosing, "ms": times.milliseconds(kernel.best_config)}


class Times:
    """Takes the place of Triton's benchmark: the table's time of the configuration that is asked.

    Args:
        rows: The table's rows of one size.
    """

    def __init__(self, rows: Any) -> None:
        measured = zip(rows["ms"].where(rows["ok"] == 1), rows["compile_time"], strict=True)
        self._known = dict(zip(map(key_of, map(parsed, rows["config"])), measured, strict=True))
        self.seconds, self.asked = 0.0, 0

    def milliseconds(self, config: Any) -> float:
        """The measured time of a configuration; infinite: it did not run."""
        ms = float(self._known[key_of((config.kwargs, config.num_warps, config.num_stages))][0])
        return ms if ms == ms else float("inf")

    def __call__(self, kernel_call: Callable[[], None], quantiles: Sequence[float]) -> list[float]:
        config = inspect.getclosurevars(kernel_call).nonlocals["config"]
        ms = self.milliseconds(config)
        compilation = self._known[key_of((config.kwargs, config.num_warps, config.num_stages))][1]
        self.seconds += compilation + (BENCHMARK_SECONDS if ms < float("inf") else 0.0)
        self.asked += 1
        return [ms] * 3


def size_of(problem: str) -> int:
    """1024 of ``M=N=K=1024``."""
    return int(problem.rpartition("=")[2])


def parsed(config: str) -> tuple[dict[str, int], int, int]:
    """Fields, warps and stages of ``BLOCK_SIZE_M=128 ... num_warps=4 num_stages=3``."""
    fields = {name: int(value) for name, value in (word.split("=") for word in config.split())}
    return fields, fields.pop("num_warps"), fields.pop("num_stages")


def key_of(config: tuple[dict[str, int], int, int]) -> tuple[Any, ...]:
    """What a configuration is looked up by."""
    return tuple(sorted(config[0].items())), *config[1:]


def draw(found: Sequence[dict[str, Any]], file: Path) -> None:
    """Time of tuning and of the chosen configuration, by size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for way in dict.fromkeys(row["way"] for row in found):
        own = [row for row in found if row["way"] == way]
        sizes = [str(row["size"]) for row in own]
        left.plot(sizes, [row["seconds"] for row in own], marker="o", label=way)
        right.plot(sizes, [row["ms"] for row in own], marker="o", label=way)
    left.set(yscale="log", xlabel="size", ylabel="time of tuning, s", title="Tuning the tutorial's product, A100")
    right.set(yscale="log", xlabel="size", ylabel="time of the chosen configuration, ms")
    left.legend()
    figure.savefig(file, dpi=90)
    print(f"drew {file}")


def choices() -> list[Any]:
    """Configurations as in Triton's tutorials, and more."""
    return [
        triton.Config(
            {"BLOCK_SIZE_M": m, "BLOCK_SIZE_N": n, "BLOCK_SIZE_K": k, "GROUP_SIZE_M": 8}, num_stages=s, num_warps=w
        )
        for m, n in ((64, 64), (64, 128), (128, 64), (128, 128), (128, 256), (256, 128), (32, 64), (64, 32))
        for k in (32, 64)
        for s in (3, 4, 5)
        for w in (4, 8)
    ]


def once(kernel_call: Callable[[], None], quantiles: Sequence[float]) -> list[float]:
    """Run the kernel once and tell the time, where nothing more makes sense."""
    started = time.perf_counter()
    kernel_call()
    return [1e3 * (time.perf_counter() - started)] * 3


def multiply(kernel: Any, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """The product, in 32 bits."""
    m, k, n = *a.shape, b.shape[1]
    c = torch.empty(m, n, device=a.device, dtype=torch.float32)

    def grid(meta: dict[str, Any]) -> tuple[int]:
        return (-(-m // meta["BLOCK_SIZE_M"]) * -(-n // meta["BLOCK_SIZE_N"]),)

    kernel[grid](a, b, c, m, n, k, *a.stride(), *b.stride(), *c.stride())
    return c


def product(configs: list[Any], prune: Prune, bench: Callable[..., list[float]] | None = None) -> Any:
    """The kernel with its configurations."""

    @triton.autotune(configs, key=["M", "N", "K"], prune_configs_by=prune, do_bench=bench)
    @triton.jit
    def matmul_kernel(
        a_ptr,
        b_ptr,
        c_ptr,
        M,  # noqa: N803
        N,  # noqa: N803
        K,  # noqa: N803
        stride_am,
        stride_ak,
        stride_bk,
        stride_bn,
        stride_cm,
        stride_cn,
        BLOCK_SIZE_M: tl.constexpr,  # noqa: N803
        BLOCK_SIZE_N: tl.constexpr,  # noqa: N803
        BLOCK_SIZE_K: tl.constexpr,  # noqa: N803
        GROUP_SIZE_M: tl.constexpr,  # noqa: N803
    ):
        # Programs go down GROUP_SIZE_M tiles before they go right, so that tiles of b stay in the cache.
        columns = tl.cdiv(N, BLOCK_SIZE_N)
        program, in_group = tl.program_id(0), GROUP_SIZE_M * columns
        first = program // in_group * GROUP_SIZE_M
        height = min(tl.cdiv(M, BLOCK_SIZE_M) - first, GROUP_SIZE_M)
        row = (first + program % in_group % height) * BLOCK_SIZE_M + tl.arange(0, BLOCK_SIZE_M)
        column = program % in_group // height * BLOCK_SIZE_N + tl.arange(0, BLOCK_SIZE_N)
        total = tl.zeros((BLOCK_SIZE_M, BLOCK_SIZE_N), dtype=tl.float32)
        for start in range(0, K, BLOCK_SIZE_K):
            depth = start + tl.arange(0, BLOCK_SIZE_K)
            a_places = a_ptr + row[:, None] * stride_am + depth[None, :] * stride_ak
            b_places = b_ptr + depth[:, None] * stride_bk + column[None, :] * stride_bn
            a = tl.load(a_places, mask=(row[:, None] < M) & (depth[None, :] < K), other=0.0)
            b = tl.load(b_places, mask=(depth[:, None] < K) & (column[None, :] < N), other=0.0)
            total += tl.dot(a, b)
        c_places = c_ptr + row[:, None] * stride_cm + column[None, :] * stride_cn
        tl.store(c_places, total, mask=(row[:, None] < M) & (column[None, :] < N))

    return matmul_kernel


if __name__ == "__main__":
    main()
