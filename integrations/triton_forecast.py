"""What is predicted of a launch's configurations, by the surrogate and by a fork of it that saw measurements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import Any
from uuid import uuid4

from ..search_spaces.problem import Problem
from ..surrogate import Prediction, RLMSurrogate
from .triton_experience import FEWEST, TELLING, Learner, distance, fastest_elsewhere, likeness, nearest, taught
from .triton_launch import Launch, Tuning
from .triton_measurements import Measurement, log_of
from .triton_reading import LaunchReading, reading_like, readings
from .triton_selection import Outlook, hopeful, interleaved, ranked
from .triton_shortlist import shortlisted

_KNOWN = 0.5  # trust from which on what the weights say is weighed with what measurements elsewhere taught

_strangers: dict[int, tuple[Learner, str]] = {}  # they are held, so that no other one gets such an id


class Forecast:
    """Asks a surrogate about launches.

    Args:
        surrogate: What predicts; None: the packaged checkpoint, loaded when first needed. It does not learn.
    """

    def __init__(self, surrogate: Learner | None = None) -> None:
        self._given = surrogate
        self._read: dict[tuple[Any, ...], tuple[LaunchReading, float]] = {}

    def __call__(self, tuning: Tuning, places: Sequence[int], spilled: Collection[int] = ()) -> Outlook:
        """Rank some of the configurations of a launch, after what was measured of its kernel."""
        log = log_of(tuning.launch.kernel)
        outlook = self.after(nearest(tuning.launch, log), tuning, places, spilled)
        closest = nearest(tuning.launch, log, fewest=1)
        return outlook if len(closest) >= FEWEST else _beside(outlook, fastest_elsewhere(closest, tuning.words, places))

    def after(
        self, measured: Sequence[Measurement], tuning: Tuning, places: Sequence[int], spilled: Collection[int] = ()
    ) -> Outlook:
        """Rank some of the configurations of a launch after measurements of one launch of its kernel, or none.

        Args:
            measured: The measurements.
            tuning: The launch and its configurations.
            places: Which of them.
            spilled: Those whose numbers do not fit in registers; they come last unless the measurements say otherwise.
        """
        reading, trust = self._reading(tuning.launch, tuning.words)
        asked = tuning, places, reading, trust
        outlook = self._taught(measured, *asked) if measured else self._untaught(*asked)
        if not spilled:
            return outlook
        fastest = fastest_elsewhere(measured, tuning.words, places)[:1]
        return outlook if {*fastest} & {*spilled} else outlook.last(spilled)

    def _untaught(self, tuning: Tuning, places: Sequence[int], reading: LaunchReading, trust: float) -> Outlook:
        ask = partial(_asked, self._surrogate, reading.problem("slowdown"), _writer(reading, tuning))
        read, prediction, others = shortlisted(tuning.words, places, ask)
        order = [*(read[row] for row in hopeful(prediction)), *others]
        return Outlook(order, read, prediction, trust, "x the best")

    def _taught(
        self,
        measured: Sequence[Measurement],
        tuning: Tuning,
        places: Sequence[int],
        reading: LaunchReading,
        trust: float,
    ) -> Outlook:
        """What was learnt, weighed with the weights' own hopes if they know the kernel, and what was fast, in turn.

        On four sizes of a product that the weights have not read, after ten of another size were measured that
        `rlm_prune` had kept, the best of three lose .02 so; in turn with what was learnt alone, instead of what was
        fast, .21; that of ten .02 and .06.
        """
        student = taught(self._surrogate, tuning.launch.kernel, measured, reading)
        text = _writer(reading, tuning)
        ask = partial(_asked, student, reading.problem("latency_ms"), text)
        read, prediction, others = shortlisted(tuning.words, places, ask)
        if trust > _KNOWN and distance(tuning.launch, measured[0].launch) > 0:
            slowdown = _asked(self._surrogate, reading.problem("slowdown"), text, read)
            rankings = [ranked(prediction, slowdown), hopeful(slowdown)]
        else:
            rankings = [ranked(prediction)]
        fast = fastest_elsewhere(measured, tuning.words, places)
        orders = [*([read[row] for row in ranking] for ranking in rankings), fast[:1] if trust > _KNOWN else fast]
        alike = likeness(tuning.launch, measured[0].launch)
        learnt = alike * float(prediction.trust.mean()) + (1 - alike) * trust
        told = max(learnt, trust) if len(measured) < TELLING else learnt
        order = dict.fromkeys([*interleaved(orders), *others])
        return Outlook([*order], read, prediction, told, "ms")

    @property
    def fingerprint(self) -> str:
        """Tells surrogates apart, with what they observed; one that has no `fingerprint`, in this process alone."""
        own = getattr(self._surrogate, "fingerprint", None)
        if isinstance(own, str):
            return own
        return _strangers.setdefault(id(self._surrogate), (self._surrogate, uuid4().hex))[1]

    @cached_property
    def _surrogate(self) -> Learner:
        return self._given if self._given is not None else RLMSurrogate.load()

    def _reading(self, launch: Launch, words: Sequence[Mapping[str, Any]]) -> tuple[LaunchReading, float]:
        """The way to read the launch that deserves most trust, and that trust.

        It is settled at a kernel's first launch: numbers do not change it; types, names and what varies among the
        configurations do, which decide what ways there are.
        """
        ways = readings(launch, words)
        types = tuple((name, tensor.dtype) for name, tensor in launch.tensors.items())
        kernels = tuple(reading.kernel for reading in ways)
        settled = (launch.kernel, launch.device, types, tuple(launch.scalars), tuple(words[0]), kernels)
        key = (*settled, self.fingerprint)  # a surrogate that has learnt is trusted more
        if key not in self._read:
            self._read[key] = max(((way, self._trust(way, words[0])) for way in ways), key=lambda pair: pair[1])
        like, trust = self._read[key]
        return reading_like(like, launch, words), trust

    def _trust(self, reading: LaunchReading, words: Mapping[str, Any]) -> float:
        prediction = self._surrogate.predict(reading.problem("slowdown"), [reading.to_text(words)])
        return float(prediction.trust[0]) * reading.likeness


def _beside(outlook: Outlook, fast: Sequence[int]) -> Outlook:
    """The same order, in turn with what was fast at another launch of which too few were measured to learn from.

    What was fast is first where little is known. On 60 shapes of mm on A100, of which the nearest other one was tuned
    with `top_k=4`, the best of four loses .0056 instead of .0072, on 50 of H100 .0026 instead of .0028; what was fast
    first, two of them lose .029 and .056 instead of .013 and .026. Told of a kernel that the weights do not know, of
    the same shapes of A100 the best of two loses .103 instead of .571, that of four .083 instead of .105.
    """
    orders = [outlook.order, fast] if outlook.trust > _KNOWN else [fast, outlook.order]
    return replace(outlook, order=interleaved(orders))


def _asked(surrogate: Learner, problem: Problem, text: Callable[[int], str], places: Sequence[int]) -> Prediction:
    """What a surrogate says of some configurations."""
    return surrogate.predict(problem, [text(place) for place in places])


def _writer(reading: LaunchReading, tuning: Tuning) -> Callable[[int], str]:
    """What writes the text of a configuration, once; of a kernel that the weights do not know it tells more.

    That is the grid, and what compilation told.
    """

    @cache
    def text(place: int) -> str:
        words = tuning.words[place]
        if reading.source:
            count = tuning.programs(place)
            words = {**words, **({"programs": count} if count else {}), **tuning.facts.get(place, {})}
        return reading.to_text(words)

    return text
