"""How far an answer of the model deserves belief, from what the model knows: its trust, its error, what is new to it.

Shapes: N candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .knowledge import Knowledge, Space
from .problem import Problem, first_line
from .wording import context_names, newness, similarity

_NEW_METRIC = 0.85  # rank correlation on devices of which no metric was known, over that of those that stand in
_UNPROVEN = 0.2
_NEW_NAME = 0.8  # rank correlation on devices that were left out, over that on known ones
_STRANGER = 0.9  # rank correlation of a mean over all devices, over that of the most similar one
_SCALED = frozenset({"latency_ms", "energy_mj", "throughput", "train_seconds", "memory_bytes"})  # by a device
_SCALE_ERROR = 0.5  # of their logarithm on devices that were left out; 0.3 over 51 of known kinds, the worst 0.6
_STRANGE_SCALE_ERROR = 1.0  # the same where all devices of a kind were left out (GPUs, CPUs, phones); 0.95 over 43
_STRANGE_SPACE_ERROR = 1.0  # of any metric where a space was left out: 1.65, 1.28, 0.44, 0.34 and 0.19 over five
_OTHER_DATA_ERROR = 0.25  # of the logarithm of an accuracy on other data: that of CIFAR-10 over that of CIFAR-100
_SLOWDOWN_ERROR = 0.25  # of the logarithm of slowdowns of kernels that were left out; 0.23 and 0.14 of two


def trust(knowledge: Knowledge, problem: Problem) -> float:
    """How far the model alone deserves belief on a problem: its validated rank correlation on the same metric.

    That of the most similar metrics where it is unknown, and less; less again where the context names something
    new, a device say, or where a similar first line stands in; 0 for an unknown space.
    """
    space, line = knowledge.space(problem.context), first_line(problem.context)
    if problem.metric in space.metrics:
        rank = space.metrics[problem.metric].rank
    else:
        others = knowledge.stand_ins(problem).items()
        rank = sum(share * space.metrics[metric].rank for metric, share in others) * _NEW_METRIC
        rank *= _STRANGER if knowledge.strange(problem) else 1.0
    alike = similarity(set(line.split()), set(knowledge.line(line).split()))
    new = 1.0 if context_names(problem.context) <= space.names else _NEW_NAME
    return float(np.clip(np.nan_to_num(rank), 0, 1)) * alike * new


def claim(knowledge: Knowledge, problem: Problem, texts: Sequence[str] = ()) -> float:
    """Weight of the model against observations, in [0, 1]: `trust`, little of a metric that was not validated.

    Less where the observed texts have other words than the space's: they may be those of another space whose name
    is similar.
    """
    known = knowledge.spaces.get(first_line(problem.context), Space()).metrics
    read = 1 - float(novelty(knowledge, problem, texts).mean()) if texts else 1.0
    trusted = trust(knowledge, problem) * read
    return trusted if problem.metric in known else min(trusted, _UNPROVEN)


def error(knowledge: Knowledge, problem: Problem) -> float:
    """Standard deviation of the logarithm by which values may be off, beyond what the model says.

    `factor_error` where there is one; else, of slowdowns of a kernel that is not known, what kernels showed that
    were left out; else the scatter that validation rows showed.
    """
    space, word = knowledge.space(problem.context), problem.metric.split()[0]
    known = space.metrics.get(problem.metric)
    strange = word == "slowdown" and first_line(problem.context) not in knowledge.spaces
    scatter = 0.0 if known is None else _SLOWDOWN_ERROR if strange else known.error
    return factor_error(knowledge, problem) or scatter


def factor_error(knowledge: Knowledge, problem: Problem) -> float:
    """Standard deviation of the logarithm of one factor by which all values may be off.

    On a device, of a kernel or of data never read there may be one, a larger one on a kind of device or in a space
    never read.
    """
    space, read = knowledge.space(problem.context), first_line(problem.context) in knowledge.spaces
    if not space.metrics:
        return 0.0 if read or not knowledge.spaces else _STRANGE_SPACE_ERROR
    known = problem.metric in space.metrics and read and context_names(problem.context) <= space.names
    if known:
        return 0.0
    if not of_a_device(problem):
        return _OTHER_DATA_ERROR if problem.metric not in space.metrics and knowledge.alike(problem) else 0.0
    return _STRANGE_SCALE_ERROR if knowledge.strange(problem) else _SCALE_ERROR


def of_a_device(problem: Problem) -> bool:
    """Whether what follows the metric's word names a device, which scales it, and no other thing that is measured."""
    return problem.metric.split()[0] in _SCALED


def novelty(knowledge: Knowledge, problem: Problem, texts: Sequence[str]) -> NDArray[np.float64]:
    """Share of each text's words that no text of its space had, (N,); 0 where the space's words are not known.

    A text without a word is all new.
    """
    return newness(texts, knowledge.space(problem.context).vocabulary)


def words(knowledge: Knowledge, problems: Sequence[Problem]) -> frozenset[str] | None:
    """What occurs in candidates that were read of the spaces of problems; None: anything, in a language of its own."""
    spaces = [knowledge.space(problem.context) for problem in problems]
    unlisted = any(space.metrics and not space.vocabulary for space in spaces)
    return None if unlisted else frozenset[str]().union(*(space.vocabulary for space in spaces))
