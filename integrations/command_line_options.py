"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Sources = Annotated[list[str] | None, typer.Argument(help="ONNX files, folders of them, or the name of one space.")]
Metric = Annotated[str | None, typer.Option(help="What is asked, as in latency_ms. Default: the space's usual one.")]
Device = Annotated[str | None, typer.Option(help="Any device, as in 'pixel 3'. Default: this machine.")]
Where = Annotated[list[str] | None, typer.Option(help="More of the question, as in dataset=cifar100; repeatable.")]
Context = Annotated[str | None, typer.Option(help="A problem of your own: what its candidates share.")]
Candidates = Annotated[Path | None, typer.Option(help="File with a candidate a line; - is the standard input.")]
Size = Annotated[
    list[str] | None, typer.Option(help="Size of an open axis of ONNX files, as in sequence=64; repeatable.")
]
Threads = Annotated[int, typer.Option(min=1, help="Processors of one run on this machine.")]
Batch = Annotated[int, typer.Option(min=1, help="Size of an open first axis on this machine.")]
Optimise = Annotated[bool, typer.Option("--optimise/--no-optimise", help="Whether ONNX Runtime rewrites the graph.")]
Sample = Annotated[int | None, typer.Option(min=1, help="Draw so many. Default: 1,000 of a space, else all.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the draws.")]
Surrogate = Annotated[Path | None, typer.Option(help="Folder of a surrogate. Default: the packaged one.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Tables = Annotated[list[Path], typer.Argument(help="JSON lines of context, metric, candidate, value, as of measure.")]
