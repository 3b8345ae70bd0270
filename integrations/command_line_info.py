"""``prerank info``: what a surrogate knows, which spaces there are, and what this machine is called."""

from __future__ import annotations

from importlib.metadata import version
from shlex import quote

from ..surrogate import RLMSurrogate
from .command_line_options import Json, Surrogate
from .command_line_output import as_json, say, table, working
from .command_line_spaces import spaces


def info(surrogate: Surrogate = None, json: Json = False) -> None:
    """Say what a surrogate was trained on and how well it ranks that, which spaces there are, and what this machine is.

    prerank info --surrogate mine
    """
    with working("reading the surrogate"):
        model = RLMSurrogate.load(surrogate)
        known = model.knowledge
    from .onnxruntime import Conditions

    here = Conditions().problem("").metric
    if json:
        found = {"version": version("prerank"), "spaces": spaces(), "this machine": here}
        as_json(found | {"knowledge": known, "provenance": model.provenance})
        return
    rows = [[line, *entry] for line, ranks in known.items() for entry in sorted(ranks.items())]
    table("Rank correlation on validation rows", ["space", "metric", "rank"], rows)
    say(f"prerank {version('prerank')}, weights of {model.provenance.get('data', 'unnamed data')}")
    say(f"spaces: {', '.join(spaces())}, ONNX files")
    say(f"latency here is asked as: --metric {quote(here)}")
