"""NNI: a strategy that searches models and a tuner that searches parameters, both ranked before anything runs.

``NasExperiment(space, evaluator, RLMStrategy())`` and ``config.tuner.name = "RLM"`` work bare: a candidate is read by
the names and values of its choices. With `to_text` the surrogate reads the candidate itself; with `problem` it knows
what is measured.

The door of the host: `RLMStrategy`, `RLMTuner`, the texts of the two cells in NNI's hub, and `REGISTRATION`. NNI's
strategies load torch, so each name is imported on first use.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

try:
    import nni as nni
except ImportError as error:
    raise ImportError(
        f"NNI cannot be imported ({error}); install it with what it forgets: pip install 'prerank[nni]'"
    ) from error

if TYPE_CHECKING:
    from .nni_hub import nas_bench_101_text, nas_bench_201_text
    from .nni_strategy import RLMStrategy
    from .nni_tuner import RLMTuner
    from .nni_validator import RLMClassArgsValidator

__all__ = [
    "REGISTRATION",
    "RLMClassArgsValidator",
    "RLMStrategy",
    "RLMTuner",
    "nas_bench_101_text",
    "nas_bench_201_text",
]

REGISTRATION = Path(__file__).with_name("nni_registration.yml")
"""For ``nnictl algo register --meta_path``; ``python -m prerank.integrations.nni`` prints it."""


def __getattr__(name: str) -> Any:
    if name == "RLMStrategy":
        from .nni_strategy import RLMStrategy

        return RLMStrategy
    if name == "RLMTuner":
        from .nni_tuner import RLMTuner

        return RLMTuner
    if name == "RLMClassArgsValidator":
        from .nni_validator import RLMClassArgsValidator

        return RLMClassArgsValidator
    if name in ("nas_bench_101_text", "nas_bench_201_text"):
        from . import nni_hub

        return getattr(nni_hub, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


if __name__ == "__main__":
    print(REGISTRATION)
