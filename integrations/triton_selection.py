"""Which configurations are benchmarked: pure functions of what is predicted."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from itertools import chain, zip_longest
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..surrogate import Prediction
from ..surrogate.acquisitions import pooled
from ..surrogate.ranking import by_score
from .triton_config import Config

Floats = NDArray[np.float64]
Keep = Config | list[Any] | Callable[[Any], bool]

SURE = 0.9
"""Trust from which on no more is kept than a sure surrogate needs."""
UNSURE = 0.3
"""Trust up to which nothing is dropped unless the user says so."""
_INTERVAL = (0.05, 0.95)
_HOPE = 0.1


@dataclass(frozen=True)
class Outlook:
    """What is predicted of the configurations of a launch.

    Args:
        order: Places of those that may run, best first.
        places: Those of them that were read, which are not all of very many.
        prediction: What is predicted of these, in that order.
        trust: How far all this deserves belief, from 0 to 1.
        unit: What the values are: ``x the best`` or ``ms``.
    """

    order: Sequence[int]
    places: Sequence[int]
    prediction: Prediction
    trust: float
    unit: str

    def values(self) -> dict[int, tuple[float, float, float]]:
        """Place -> expected value, and both ends of its central 90 % interval."""
        mean, low, high = self.prediction.mean, *map(self.prediction.quantile, _INTERVAL)
        rows = zip(mean.tolist(), low.tolist(), high.tolist(), strict=True)
        return dict(zip(self.places, rows, strict=True))

    def last(self, places: Collection[int]) -> Outlook:
        """The same, some places behind all others."""
        return replace(self, order=sorted(self.order, key=places.__contains__))


def ranked(prediction: Prediction, slowdown: Prediction | None = None) -> list[int]:
    """Rows, the least expected value first, what is likely to fail last.

    Args:
        prediction: What is expected.
        slowdown: What is expected of the same by weights that have seen no measurement, twice as sure: the values'
            logarithms are weighed 1 to 2. On 70 shapes of each of mm and mixed_mm on A100 and H100, after the nearest
            other shape was tuned, the first one by this product loses .018, by the slowdowns alone .021, by
            milliseconds that were learnt .038; any weight from 1/4 to 1 did.
    """
    if slowdown is None:
        return by_score(-_positive(prediction), prediction.likely_fails)
    score = pooled(_positive(prediction), _positive(slowdown))
    return by_score(-score, prediction.likely_fails | slowdown.likely_fails)


def hopeful(prediction: Prediction) -> list[int]:
    """Rows, the least expected value first, then by how little each may be, what is likely to fail last.

    Of several that are benchmarked the best counts, and those that are not sure may be it. On up to 250 shapes of each
    of mm and mixed_mm on A100 and H100, nothing measured, the best of three loses .0051, that of five .0011; by
    expected values alone .0073 and .0019.
    """
    score, fails = -prediction.quantile(_HOPE), prediction.likely_fails
    score[ranked(prediction)[:1]] = np.inf
    return by_score(score, fails)


def _positive(prediction: Prediction) -> Floats:
    return np.maximum(prediction.mean, np.finfo(np.float64).tiny)


def interleaved(rankings: Sequence[Sequence[int]]) -> list[int]:
    """The first of each, then the second of each, and so on, each place once."""
    rounds = chain.from_iterable(zip_longest(*rankings))
    return list(dict.fromkeys(place for place in rounds if place is not None))


def number_kept(n: int, trust: float) -> int:
    """How many of n are kept if the user does not say: about log2 n if trust is high, all of them if it is low."""
    sure = min(n, max(3, round(math.log2(max(n, 1)))))
    doubt = min(max((SURE - trust) / (SURE - UNSURE), 0.0), 1.0)
    return sure + math.ceil(doubt * (n - sure))


def named(keep: Keep | None, configs: Sequence[Any]) -> set[int]:
    """Places of what the user wants kept before others."""
    if keep is None:
        return set()
    given: Any = keep
    wanted = cast("list[Any]", given if isinstance(keep, list) else [given])
    is_wanted: Callable[[Any], Any] = given if callable(given) else wanted.__contains__
    return {place for place, config in enumerate(configs) if is_wanted(config)}


def select(
    order: Sequence[int],
    defaults: set[int],
    n: int,
    top_k: int | float | None,
    trust: float,
    obstacles: Collection[int] = (),
) -> list[int]:
    """Places that are kept, best first.

    Defaults come first, as many of them as there is place for. With one place to give, it is the predicted best, or the
    default where trust is low and it may run.

    Args:
        order: Places that may run, and defaults, best first.
        defaults: Those that are kept before others.
        n: How many configurations there are.
        top_k: How many are kept, or what share of n if it is a float; None: as many as the trust asks for.
        trust: How far the order deserves belief.
        obstacles: Places of what cannot run; the only one that is kept is launched without having been benchmarked.
    """
    others = [place for place in order if place not in defaults]
    if top_k is None:
        count = len(defaults) + (len(others) if trust <= UNSURE else number_kept(len(others), trust))
    else:
        count = max(1, int(n * top_k) if isinstance(top_k, float) else top_k)
    wanted = [*sorted(defaults), *others]
    if top_k is not None and count == 1:
        first = order if trust > UNSURE else wanted
        wanted = [place for place in first if place not in obstacles] or wanted
    kept = set(wanted[:count])
    return [place for place in order if place in kept]
