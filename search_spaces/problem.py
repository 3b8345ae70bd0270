"""The question that a space asks of a surrogate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Problem:
    """What all candidates share, the metric, and which way is better.

    Spaces import no model code: the surrogate reads these three fields by name, as it does its own `Problem`'s.
    """

    context: str
    metric: str
    direction: Literal["minimize", "maximize"] = "minimize"
