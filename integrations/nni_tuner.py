"""NNI tuner that ranks a pool of parameters with a regression language model before a trial runs."""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from numbers import Integral
from pathlib import Path
from typing import Any, cast

import nni
import numpy as np
from nni.tuner import Tuner

from ..surrogate import Question, RLMSurrogate
from .nni_history import INCUMBENTS, MOST_DRAWS, TrialHistory
from .nni_parameters import Parameters, ParameterSpace, Point
from .nni_question import as_number, question
from .nni_reading import Reading
from .nni_record import Heard, Source, imported, load, save

_logger = logging.getLogger("nni.prerank")
_DRAWS_OF_FEW = 2  # draws for each place in a pool, where all points can be gone through after them
_NOTHING: tuple[str, Point] = ("", {})
_LEARNT, _KNOWN, _STRANGE = "learnt", "heard of the trials themselves before", "not of this search space"


class RLMTuner(Tuner):
    """Tuner that asks a regression language model which parameters to try next.

    Where the model does not know the problem, NNI's tree-structured Parzen estimator proposes too, the more often the
    less the model's predictions have proved.

    Example::

        config.tuner = CustomAlgorithmConfig(
            class_name="prerank.integrations.nni.RLMTuner", class_args={"optimize_mode": "minimize"}
        )

    All arguments but functions and surrogates can be written in a configuration.

    Args:
        optimize_mode: ``maximize`` or ``minimize``; None: the problem's direction, without one NNI's, which maximises.
        problem: What a trial reports, or its fields by name. None describes the space by its parameters.
        to_text: Parameters, as a trial gets them, -> text; None marks an invalid candidate. Or where to import that
            function from, ``my_module:to_text``. Default: ``name=value`` of each parameter.
        surrogate: What predicts, or the folder of its checkpoint; None is the packaged one. The tuner learns in a fork.
        pool_size: Candidates that are ranked for one proposal.
        seed: Seed of all draws.

    Raises:
        ValueError: If the pool is empty, the mode contradicts the problem, or to_text cannot be imported.
    """

    def __init__(
        self,
        optimize_mode: str | None = None,
        problem: Question | Mapping[str, str] | None = None,
        to_text: Callable[[Parameters], str | None] | str | None = None,
        surrogate: RLMSurrogate | str | Path | None = None,
        pool_size: int = 256,
        seed: int | None = None,
    ) -> None:
        check_pool(pool_size)
        question(problem, optimize_mode, ())  # a contradiction shows now
        self._asked = problem, optimize_mode
        read = _imported(to_text) if isinstance(to_text, str) else to_text
        self._to_text = Reading(read) if read else None
        self._surrogate = surrogate
        self._pool_size = pool_size
        self._rng = np.random.default_rng(seed)
        self._ids: dict[int, tuple[str, Point]] = {}
        self._heard: list[Heard] = []  # of other search spaces too, which may come back
        self._believed: dict[str, Source] = {}  # text -> where its value is from
        self._history: TrialHistory[Point] | None = None
        self._lock = threading.RLock()  # NNI tells of ends of trials in a thread of its own
        self._accept_customized_trials()

    def update_search_space(self, search_space: Mapping[str, Any]) -> None:
        """Search these parameters from now on; of all trials those count that lie within, those under way too.

        Raises:
            FileNotFoundError: If there is no checkpoint in the folder given.
            ValueError: If a parameter has an unknown type or no value to take.
        """
        with self._lock:
            running = self._running()
            self._space = ParameterSpace(search_space)
            self._every = self._space.every(MOST_DRAWS * self._pool_size)
            problem = question(*self._asked, self._space.names)
            # Not sooner: NNI gives up on a tuner that has not connected ten seconds after it was started.
            if self._surrogate is None or isinstance(self._surrogate, (str, Path)):
                self._surrogate = RLMSurrogate.load(self._surrogate)
            self._history = TrialHistory(self._surrogate, problem, None, self._rng)
            self._ids.clear()
            self._believed.clear()
            for heard in self._heard:
                self._learn(heard)
            for number, parameters in running.items():
                self._begin(number, parameters)

    def generate_parameters(self, parameter_id: int, **kwargs: Any) -> Parameters:
        """The most promising parameters.

        Raises:
            nni.NoMoreTrialError: If all that can be drawn was tried.
        """
        with self._lock:
            proposal = self._trials.propose(self._pool, self._suggestion)
            if proposal is None:
                raise nni.NoMoreTrialError("all parameters that can be drawn were tried")
            text, point = proposal
            self._trials.begin(text, point)
            self._ids[parameter_id] = proposal
            return self._space.parameters(point)

    def receive_trial_result(self, parameter_id: int, parameters: Parameters, value: Any, **kwargs: Any) -> None:
        """Learn a trial's final result: a number, or a dict with one as ``default``."""
        with self._lock:
            job = kwargs.get("trial_job_id")
            if parameter_id in self._ids:
                self._end(*self._ids[parameter_id], as_number(value), job)
            else:
                self._hear(Heard(parameters, as_number(value), Source.TRIAL, job))
            self.save_checkpoint()

    def trial_end(self, parameter_id: int, success: bool, **kwargs: Any) -> None:
        """A trial that was no success has failed, unless a result still comes.

        NNI may exchange the ends of trials that began together, so that a success says nothing of this one.
        """
        with self._lock:
            text, point = self._ids.get(parameter_id, _NOTHING)
            if not success and text in self._trials.pending:
                self._end(text, point, math.nan, None)
                self.save_checkpoint()

    def import_data(self, data: Sequence[Any] | str) -> None:
        """Learn from trials of another run: dicts of ``parameter`` and ``value``, or such as JSON.

        What contradicts a result that this tuner was told by the trial itself is not believed.
        """
        trials = cast(Sequence[Any], nni.load(data) if isinstance(data, str) else data)
        whole = [heard for heard in map(imported, trials) if heard is not None]
        with self._lock:
            told = {heard.job for heard in self._heard if heard.source == Source.TRIAL}
            outcomes = Counter(
                _KNOWN if heard.source == Source.JOBS and heard.job in told else self._hear(heard) for heard in whole
            )
            self.save_checkpoint()
        said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        _logger.info("imported %d trials: %s", len(whole), said or "nothing to learn")
        if len(whole) < len(trials):
            _logger.warning("%d trials have no parameter or no value; they are left out", len(trials) - len(whole))

    def save_checkpoint(self) -> None:
        """Keep what was heard in the experiment's folder. NNI never asks for it; it is done at every result."""
        folder = self.get_checkpoint_path()
        if folder is not None:
            with self._lock:  # NNI keeps its own list of jobs
                save(Path(folder), [heard for heard in self._heard if heard.source != Source.JOBS])

    def load_checkpoint(self) -> None:
        """Go on with what was heard before the experiment was resumed; NNI calls this before it says the space."""
        folder = self.get_checkpoint_path()
        kept = load(Path(folder)) if folder is not None else []
        _logger.info("%d results of before the experiment was resumed are in %s", len(kept), folder)
        with self._lock:
            self._heard += kept
            for heard in kept if self._history else ():
                self._learn(heard)

    @property
    def _trials(self) -> TrialHistory[Point]:
        if self._history is None:
            raise RuntimeError("the tuner has no search space; call update_search_space first")
        return self._history

    def _running(self) -> dict[int, Parameters]:
        """Parameters of the trials under way, by their numbers."""
        pending = self._history.pending if self._history else {}
        return {number: self._space.parameters(point) for number, (text, point) in self._ids.items() if text in pending}

    def _begin(self, number: int, parameters: Parameters) -> None:
        """A trial is under way, if it is of this search space."""
        point = self._space.point(parameters)
        text = self._text(point) if point is not None else None
        if point is not None and text is not None:
            self._trials.begin(text, point)
            self._ids[number] = text, point

    def _end(self, text: str, point: Point, value: float, job: str | None) -> None:
        """What a trial under way came to."""
        self._heard.append(Heard(self._space.parameters(point), value, Source.TRIAL, job))
        self._believed[text] = Source.TRIAL
        self._trials.end(text, point, value)

    def _hear(self, heard: Heard) -> str:
        """What another trial came to, and what became of the news."""
        outcome = self._learn(heard)
        self._heard.append(heard)
        return outcome

    def _learn(self, heard: Heard) -> str:
        """Learn one trial, if it is of this search space and nobody knows better, and what became of it."""
        trials, point = self._trials, self._space.point(heard.parameters)
        text = self._text(point) if point is not None else None
        if point is None or text is None:
            return _STRANGE
        if heard.source < self._believed.get(text, heard.source):
            return _KNOWN
        self._believed[text] = heard.source
        trials.end(text, point, heard.value)
        return _LEARNT

    def _text(self, point: Point) -> str | None:
        return self._to_text(self._space.parameters(point)) if self._to_text else self._space.text(point)

    def _pool(self) -> dict[str, Point]:
        return self._trials.untried(self._draws(), self._pool_size)

    def _draws(self) -> Iterator[tuple[str | None, Point]]:
        """Points with their texts: prior draws and mutations of the best, turn about; of few points then the rest."""
        parents = self._trials.best(INCUMBENTS)
        for turn in range((_DRAWS_OF_FEW if self._every else MOST_DRAWS) * self._pool_size):
            if parents and turn % 2:
                point = self._space.mutate(self._rng, parents[self._rng.integers(len(parents))])
            else:
                point = self._space.draw(self._rng)
            yield self._text(point), point
        places: list[int] = self._rng.permutation(len(self._every)).tolist()
        for point in map(self._every.__getitem__, places):
            yield self._text(point), point

    def _suggestion(self) -> dict[str, Point]:
        """A suggestion of TPE that was not tried yet, if it has one; what is under way counts as the best."""
        trials, sign = self._trials, self._trials.problem.loss_sign
        losses = [(point, sign * value) for point, value in trials.finished.values() if not math.isnan(value)]
        lie = min((loss for _, loss in losses), default=0.0)
        losses += [(point, lie) for point in trials.pending.values()]
        suggested = (self._space.suggest(self._rng, losses) for _ in range(MOST_DRAWS))
        return trials.untried(((self._text(point), point) for point in suggested), 1)


def check_pool(size: Any) -> None:
    """Refuse what is no number of candidates.

    Raises:
        ValueError: If it is none.
    """
    if not isinstance(size, Integral) or size < 1:
        raise ValueError(f"pool_size is {size!r}; at least one candidate must be ranked")


def _imported(place: str) -> Callable[[Parameters], str | None]:
    """The function at ``module:name``."""
    module, _, name = place.partition(":")
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"to_text is {place!r} ({error}); give 'module:function' of a module on the path") from error
