"""What Gaussian processes, trees and the prior expect together.

Shapes: n observations, m candidates, E experts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .contents import KERNELS, Contents
from .features import Features
from .field_process import FieldProcess
from .forest import Forest
from .gaussian_processes import GaussianProcesses
from .kernel import kernels
from .prior_line import PriorLine
from .reading import Reading
from .scores import means_of_others
from .totals import Totals

Floats = NDArray[np.float64]

_FEWEST_OF_PLAIN = 8  # observations that a model of texts alone needs, unless nothing else is known
# Optimism: how much larger errors are than they look in leaving one out (Efron 1986).
_OF_KERNELS = 1.2  # of processes whose kernels were chosen by the very scores that they expect
_OF_TOTALS = 3.0  # of those where one total was chosen of many
_OF_TREES = 0.9  # out of the bag: only a third of the trees did not see an observation, and all of them err less
_OF_LENGTHS = 16.0  # over the observations, and 1 more: where lengths were fitted to all of them
_CAUTION, _SOME_TRUST = 7.0, 0.05  # at so many observations a prior of some trust counts as one of full trust
_USELESS = 0.8  # of the precision of a mean; what is no more precise counts nothing
_LEAST_SHARE, _LEAST_ERROR = 1e-6, 1e-9
_WIDENED = 30.0  # over the square of the observations: few errors say little of their spread


class Expert(Protocol):
    """What has learnt from observations."""

    @property
    def left_out(self) -> Floats:
        """What it expects of the score of each observation from the others, (n,)."""
        ...

    def __call__(self, reading: Reading) -> tuple[Floats, Floats]:
        """Means and variances of the scores of new candidates, (m,) each."""
        ...


class Average:
    """Experts, each of which counts by how much more precisely than a mean it expects each observation from the others.

    The prior counts by its trust as well, and by how few were measured; where it deserves none it has no share.

    Args:
        features: Features of the observed candidates.
        reading: The observed candidates.
        y: Scores of their values, (n,).
        trust: How far the prior deserves belief, in [0, 1].
    """

    def __init__(self, features: Features, reading: Reading, y: Floats, trust: float) -> None:
        self.line = PriorLine(features, y)
        experts = [(self.line, 1.0), *_experts(features, reading, y, trust)]
        self.experts: list[Expert] = [expert for expert, _ in experts]
        expected = np.array([expert.left_out for expert in self.experts])
        errors = np.array([_error(own, y) for own in expected])
        self.shares: Floats = shares(errors * [optimism for _, optimism in experts], y, trust)
        self.left_out: Floats = self.shares @ expected
        together = _error(self.left_out, y) / (self.shares @ errors)
        self._certainty = together * (1 + _WIDENED / len(y) ** 2)

    def __call__(self, reading: Reading) -> tuple[Floats, Floats]:
        """Means and variances of the scores of new candidates, (m,) each."""
        means, variances = zip(*(expert(reading) for expert in self.experts), strict=True)
        return self.shares @ np.array(means), self._certainty * (self.shares @ np.array(variances))


def _experts(features: Features, reading: Reading, y: Floats, trust: float) -> Iterator[tuple[Expert, float]]:
    """Those beside the prior, and their optimism."""
    if trust:
        yield GaussianProcesses(features, y, kernels(trust)), _OF_KERNELS
    enough = len(y) >= _FEWEST_OF_PLAIN or not trust
    if enough:
        yield GaussianProcesses(Contents(reading.texts), y, KERNELS), _OF_KERNELS
    totals = Totals(reading.texts)
    if totals.kernels:
        yield GaussianProcesses(totals, y, totals.kernels), _OF_TOTALS
    if enough:
        yield Forest(features.fields, reading.texts, y), _OF_TREES
        if FieldProcess.suits(features.fields, reading.texts):
            yield FieldProcess(features.fields, reading.texts, y), 1 + _OF_LENGTHS / len(y)


def shares(errors: Floats, y: Floats, trust: float) -> Floats:
    """Shares of the experts, the prior first, by their errors, (E,)."""
    weights = np.maximum(1 / errors - _USELESS / _error(means_of_others(y), y), _LEAST_SHARE)
    weights[0] *= trust + min(trust / _SOME_TRUST, 1) * (_CAUTION / len(y)) ** 4
    return weights / weights.sum()


def _error(expected: Floats, y: Floats) -> float:
    """Mean squared error."""
    return float(((expected - y) ** 2).mean()) + _LEAST_ERROR
