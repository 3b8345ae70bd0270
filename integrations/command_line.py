"""The ``prerank`` command: rank, predict and measure candidates, and keep a surrogate of one's own.

Exit status 0: fine; 1: an input was broken, which is named, and the others were read; 2: the call makes no sense.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .command_line_evaluation import evaluate
from .command_line_info import info
from .command_line_learning import calibrate, train
from .command_line_measuring import measure
from .command_line_output import fail
from .command_line_ranking import predict, rank


class Commands(TyperGroup):
    """Commands whose errors are one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; what the user can mend ends it with status 2."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader of a pipe has seen enough
            raise
        except ModuleNotFoundError as missing:
            fail(f"{missing}; install it with: pip install 'prerank[cli]'")
        except OSError as wrong:
            fail(f"{wrong.filename}: {wrong.strerror}" if wrong.filename and wrong.strerror else str(wrong))
        except ValueError as wrong:
            fail(str(wrong))
        raise typer.Exit(2)


app = typer.Typer(cls=Commands, no_args_is_help=True, pretty_exceptions_enable=False)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("prerank"))
        raise typer.Exit


@app.callback()
def main(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Rank before you run: predict what candidates cost, measure what they do, and teach the surrogate."""


for command in (rank, predict, measure, calibrate, train, info):
    app.command()(command)
app.command("eval")(evaluate)
