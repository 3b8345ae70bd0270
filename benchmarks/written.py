"""What the benchmarks wrote: a list of lines each, as JSON beside them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def written(name: str) -> Any:
    """The results of a benchmark; none if it was not run."""
    file = FOLDER / f"{name}.json"
    return json.loads(file.read_text()) if file.exists() else []


def measurements(line: Mapping[str, Any]) -> int:
    """How many candidates were measured before the prediction."""
    return line.get("samples", line.get("measured", 0))
