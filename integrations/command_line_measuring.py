"""``prerank measure``: what candidates cost on this machine, measured with ONNX Runtime."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .command_line_candidates import Broken, Entry, gathered, sizes_of, titled
from .command_line_options import Batch, Candidates, Optimise, Sample, Seed, Size, Sources, Threads, Where
from .command_line_output import complain, say, table, tracked, working
from .command_line_question import asked, assignments, measurable
from .command_line_spaces import SpaceModule, chosen

if TYPE_CHECKING:
    from ..surrogate.measured import Measured
    from .onnxruntime import Network

Out = Annotated[Path, typer.Option(help="Table that lines are added to; what was measured is not measured again.")]
Seconds = Annotated[float, typer.Option(min=0.0, help="How long each one is run.")]
Timeout = Annotated[float, typer.Option(min=0.1, help="Seconds after which one has failed.")]
Memory = Annotated[float, typer.Option(min=0.01, help="GiB that one may map.")]


def measure(
    sources: Sources = None,
    out: Out = Path("measured.jsonl"),
    where: Where = None,
    candidates: Candidates = None,
    sample: Sample = None,
    seed: Seed = 0,
    threads: Threads = 1,
    batch: Batch = 1,
    size: Size = None,
    optimise: Optimise = True,
    seconds: Seconds = 1.0,
    timeout: Timeout = 60.0,
    memory: Memory = 4.0,
) -> None:
    """Run ONNX files or drawn candidates here, and add latency and peak memory of each to a table.

    Interrupt it when you like: the same command goes on where it was.

    prerank measure models/ --out measured.jsonl

    prerank measure nas_bench_201 --sample 10
    """
    from .onnxruntime import Conditions, measure_all

    space = chosen(sources or [])
    if not measurable(space):
        raise ValueError(f"candidates of {sources} cannot be written as ONNX; give files, or a space with to_onnx")
    if out.is_dir():
        raise ValueError(f"--out {out} is a folder; name a file, as in {out / 'measured.jsonl'}")
    if str(out) == "-" or (out.exists() and not out.is_file()):
        raise ValueError(f"--out {out} is no file that can be gone on with; name one, as in measured.jsonl")
    _check({"seconds": seconds, "timeout": timeout, "memory": memory})
    conditions, given = Conditions(threads, batch, optimise, sizes_of(size or [])), assignments(where or [])
    context = asked(space, "latency_ms", None, given).context
    with working("reading candidates"):
        entries, broken = gathered(sources or [], space, candidates, sample, seed, conditions, given)
    networks = [_network(space, entry, context, batch) for entry in entries]
    most = int(memory * 2**30)
    measured = measure_all(networks, out, conditions, seconds=seconds, timeout=timeout, memory_bytes=most)
    rows = _kept(tracked(measured, len(networks), "measuring"), out)
    failed = _report(rows, out)
    _show([lines for lines in rows if lines and "error" not in lines[0].more])
    complain([*broken, *failed])


def _kept(measured: Iterable[list[Measured]], out: Path) -> list[list[Measured]]:
    """All of what is measured; an interruption says what is kept of it."""
    rows: list[list[Measured]] = []
    try:
        rows.extend(measured)
    except KeyboardInterrupt:
        new = sum(bool(lines) for lines in rows)
        say(f"interrupted: {new} measured now are in {out}; the same command goes on")
        raise
    return rows


def _check(limits: Mapping[str, float]) -> None:
    """Refuse what has no end; typer lets it pass as larger than the least."""
    for name, value in limits.items():
        if not math.isfinite(value):
            raise ValueError(f"--{name} is {value}; give a finite number, as in --{name} 60")


def _network(space: SpaceModule, entry: Entry, context: str, batch: int) -> Network:
    from .onnxruntime import Network

    def file(folder: Path) -> Path:
        return _written(space, entry.candidate, batch, folder) if hasattr(space, "to_onnx") else Path(entry.name)

    return Network(entry.name, context, entry.text, file)


def _written(space: Any, candidate: Any, batch: int, folder: Path) -> Path:
    """A candidate as an ONNX file."""
    path = folder / "model.onnx"
    path.write_bytes(space.to_onnx(candidate, batch=batch).SerializeToString())
    return path


def _report(rows: Sequence[Sequence[Measured]], out: Path) -> list[Broken]:
    """Say how many were measured, and give those that failed."""
    new = [lines[0] for lines in rows if lines]
    failed = [Broken(str(line.more["name"]), line.more["error"]) for line in new if "error" in line.more]
    say(f"{len(new) - len(failed)} measured, {len(rows) - len(new)} known already, {len(failed)} failed: {out}")
    return failed


def _show(rows: Sequence[Sequence[Measured]]) -> None:
    """The costs of what was measured now."""
    found = [[titled(lines[0].more["name"], lines[0].candidate), *_costs(lines)] for lines in rows]
    if found:
        table("Measured", ["candidate", "latency ms", "memory MiB"], found)


def _costs(lines: Sequence[Measured]) -> tuple[float, float]:
    """Latency in milliseconds, and memory in MiB, nan where the system does not tell."""
    values = {line.metric.split()[0]: line.value for line in lines}
    return values["latency_ms"], values.get("memory_bytes", math.nan) / 2**20
