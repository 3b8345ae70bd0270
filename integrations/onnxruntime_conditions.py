"""What is measured with ONNX Runtime, and under which conditions: quick to import, for those who ask and do not run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from ..search_spaces.devices import measured_on
from ..surrogate import Problem
from .onnxruntime_machine import machine, processors

METRICS = ("latency_ms", "memory_bytes")
"""What is measured: the shortest run, and the peak of resident memory above the runtime's without a model."""


@dataclass(frozen=True)
class Conditions:
    """What the cost of a model depends on beside the machine.

    Args:
        threads: Processors that compute one run; the process is pinned to as many.
        batch: Length of a first axis that the model leaves open.
        optimise: Let the runtime rewrite the graph, as it does unless told otherwise.
        sizes: Sizes of other open axes, by name; else as `search_spaces.onnx_graph.from_record` has them.

    Raises:
        ValueError: If there are not so many processors, or the batch is none.
    """

    threads: int = 1
    batch: int = 1
    optimise: bool = True
    sizes: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)

    def __post_init__(self) -> None:
        if not 1 <= self.threads <= processors():
            raise ValueError(f"threads is {self.threads}; there are {processors()} processors, give 1 to as many")
        if self.batch < 1:
            raise ValueError(f"batch is {self.batch}; give at least 1")

    @property
    def usual(self) -> bool:
        """Whether a model runs as it does unless told otherwise, whatever the sizes of its axes."""
        return replace(self, sizes={}) == USUAL

    def problem(self, context: str, metric: str = "latency_ms") -> Problem:
        """What `measure` measures of candidates with this context: one of `METRICS`, here and under these conditions.

        Raises:
            ValueError: If the metric is another one.
        """
        if metric not in METRICS:
            raise ValueError(f"metric is {metric!r}; what is measured is {' or '.join(METRICS)}")
        runtime = f"onnxruntime threads={self.threads}{'' if self.optimise else ' unoptimised'}"
        return Problem(context, f"{metric} {measured_on(machine(), self.batch)} {runtime}")


USUAL = Conditions()
"""How a network is run unless the options say otherwise."""
