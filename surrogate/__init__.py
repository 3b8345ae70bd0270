"""Text of a candidate in, distribution of its metric out.

The door of the core: `Problem`, `Prediction`, `RLMSurrogate`, `rank`, and `Row` and `Training` for `RLMSurrogate.fit`.
Opening it loads no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .prediction import Prediction
from .problem import Problem, Question
from .ranking import Ranked, rank
from .rlm_surrogate import RLMSurrogate

if TYPE_CHECKING:
    from .table import Row
    from .training import Training

__all__ = ["Prediction", "Problem", "Question", "RLMSurrogate", "Ranked", "Row", "Training", "rank"]


def __getattr__(name: str) -> Any:
    """Import what needs torch on first use."""
    if name == "Row":
        from .table import Row

        return Row
    if name == "Training":
        from .training import Training

        return Training
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
