"""Sweep our own Triton kernels over shapes and configurations, on the GPU at hand.

python benchmarks/triton_sweep.py [--minutes 10] [--out benchmarks/tables/triton_sweep.csv]

One row a configuration, in the columns of the measured kernel tables; what fails has no time. It stops after so many
minutes, or after a failure that leaves the GPU unusable, and goes on where it stopped. Every kernel is checked against
torch at its first shape. Without a GPU, `--interpret` runs the first configurations of tiny shapes under Triton's
interpreter, whose times say nothing.
"""

from __future__ import annotations

import argparse
import csv
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import torch
from rich.progress import track

COLUMNS: tuple[str, ...] = (
    "source",
    "kernel",
    "device",
    "problem",
    "config",
    "ms",
    "n_rep",
    "ok",
    "compile_time",
    "split",
)
TINY = [(4, 16), (8, 40)]
WARPS = (1, 2, 4, 8, 16)


class Case(NamedTuple):
    """A configuration of a kernel on a shape."""

    swept: Any
    rows: int
    columns: int
    blocks: dict[str, int]
    warps: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Kernel, problem and configuration as the table writes them."""
        config = " ".join(f"{name}={value}" for name, value in self.blocks.items())
        name = self.swept.kernel.__name__
        return name, f"m={self.rows} n={self.columns} dtype=float16", f"{config} num_warps={self.warps}"


def main() -> None:
    """Measure what is missing, row by row."""
    arguments = parse()
    if arguments.interpret:
        os.environ["TRITON_INTERPRET"] = "1"  # before Triton is imported
    until, device = time.monotonic() + 60 * arguments.minutes, name_of(arguments.interpret)
    done = {(row["kernel"], row["problem"], row["config"]) for row in known(arguments.out) if row["device"] == device}
    missing = [case for case in cases(arguments.interpret) if case.key not in done]
    for case in track(missing, f"{len(missing)} configurations"):
        if time.monotonic() > until:
            print("time is up; the same command goes on")
            break
        found = row(case, device, arguments.interpret)
        append(arguments.out, found)
        if not found["ok"] and not arguments.interpret and (error := lasting_error()):
            raise SystemExit(f"{' '.join(case.key)}: the GPU is unusable ({error!r}); the same command goes on")


def parse() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "tables" / "triton_sweep.csv")
    parser.add_argument("--interpret", action="store_true", help="tiny shapes without a GPU")
    return parser.parse_args()


def cases(interpret: bool) -> Iterator[Case]:
    """All configurations, shape by shape; those that only the interpreter can run, if so."""
    from triton_kernels import KERNELS, ROWS

    for swept in KERNELS:
        for rows, columns in TINY if interpret else ROWS:
            choices = swept.choices(rows, columns)[: 2 if interpret else None]
            yield from (
                Case(swept, rows, columns, own, w) for own in choices for w in (WARPS[:1] if interpret else WARPS)
            )


def row(case: Case, device: str, interpret: bool) -> dict[str, Any]:
    """Run one configuration."""
    started = time.perf_counter()
    try:
        ms, seconds = measured(case, "cpu" if interpret else "cuda", started)
    except ArithmeticError:
        raise
    except Exception as error:  # the compiler's and the driver's own: a failure is a row too
        print(f"{' '.join(case.key)}: {type(error).__name__}")
        ms, seconds = None, time.perf_counter() - started
    found = ["own/sweep", case.key[0], device, *case.key[1:], "" if ms is None else f"{ms:.6f}", 1, int(ms is not None)]
    return dict(zip(COLUMNS, [*found, f"{seconds:.4f}", "train"], strict=True))


def measured(case: Case, device: str, started: float) -> tuple[float, float]:
    """Milliseconds, and the seconds until the first launch had ended.

    Raises:
        ArithmeticError: If the kernel computes something else than torch does.
    """
    from triton.testing import do_bench

    inputs = drawn(case, device)
    expected = case.swept.expected(*inputs)
    y = torch.empty(expected.shape, dtype=torch.float32 if expected.dim() == 1 else torch.float16, device=device)
    grid, options = case.swept.grid(case.rows, case.columns, case.blocks), {**case.blocks, "num_warps": case.warps}

    def launch() -> None:
        case.swept.kernel[grid](*inputs, y, case.rows, case.columns, **options)

    launch()
    if not torch.allclose(y.float(), expected.float(), rtol=2e-2, atol=2e-2 * case.columns**0.5):
        raise ArithmeticError(f"{' '.join(case.key)} computes something else than torch does")
    seconds, again = time.perf_counter() - started, time.perf_counter()
    if device == "cuda":
        ms: Any = do_bench(launch, return_mode="median")
        return float(ms), seconds
    launch()
    return 1e3 * (time.perf_counter() - again), seconds


def lasting_error() -> Exception | None:
    """What the driver says after a failure that ended all work of the process, as an illegal access does; else None."""
    try:
        torch.cuda.synchronize()
    except Exception as error:  # torch's own, or the driver's
        return error
    return None


def drawn(case: Case, device: str) -> list[torch.Tensor]:
    """The rows, and weights if there are any; these are so small that what they make is as large as the rows."""
    generator, weights = torch.Generator().manual_seed(0), case.swept.weights
    x = torch.randn(case.rows, case.columns, generator=generator)
    shape = (weights(case.columns), case.columns) if weights else None
    made = [x] if shape is None else [x, torch.randn(shape, generator=generator) * shape[0] ** -0.5]
    return [tensor.half().to(device) for tensor in made]


def name_of(interpret: bool) -> str:
    """The device's name.

    Raises:
        RuntimeError: If there is no GPU, and none is asked for.
    """
    if interpret:
        return "interpreter"
    if not torch.cuda.is_available():
        raise RuntimeError("torch finds no GPU; run this where there is one, or with --interpret")
    return torch.cuda.get_device_name()


def known(file: Path) -> list[dict[str, str]]:
    """Rows that were measured before; a row that was cut short is not one."""
    if not file.exists():
        return []
    with file.open(newline="") as lines:
        return [found for found in csv.DictReader(lines) if found["split"]]


def append(file: Path, found: dict[str, Any]) -> None:
    """Write one row, at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = not file.exists()
    with file.open("a", newline="") as lines:
        writer = csv.DictWriter(lines, COLUMNS)
        if fresh:
            writer.writeheader()
        writer.writerow(found)


if __name__ == "__main__":
    main()
