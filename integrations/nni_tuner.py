"""NNI tuner that ranks a pool of parameters with a regression language model before a trial runs."""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import nni
import numpy as np
from nni.tuner import Tuner

from ..surrogate import Question, RLMSurrogate
from .nni_history import INCUMBENTS, MOST_DRAWS, TrialHistory, check_pool
from .nni_parameters import Parameters, ParameterSpace, Point
from .nni_question import as_number, question
from .nni_record import Origin, TrialResult, imported, load, save
from .nni_text_function import TextFunction, load_function

_logger = logging.getLogger("nni.prerank")
_DRAWS_OF_FEW = 2  # draws for each place in a pool, where all points can be gone through after them
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
        function = load_function(to_text) if isinstance(to_text, str) else to_text
        self._to_text = TextFunction(function) if function else None
        self._surrogate = surrogate
        self._pool_size = pool_size
        self._rng = np.random.default_rng(seed)
        self._proposed: dict[int, tuple[str, Point]] = {}
        self._results: list[TrialResult] = []  # of other search spaces too, which may come back
        self._believed: dict[str, Origin] = {}  # text -> where its value is from
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
            self._proposed.clear()
            self._believed.clear()
            for result in self._results:
                self._learn(result)
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
            self._proposed[parameter_id] = proposal
            return self._space.parameters(point)

    def receive_trial_result(
        self, parameter_id: int, parameters: Parameters, value: Any, trial_job_id: str | None = None, **kwargs: Any
    ) -> None:
        """Learn a trial's final result: a number, or a dict with one as ``default``."""
        with self._lock:
            if parameter_id in self._proposed:
                self._end(*self._proposed[parameter_id], as_number(value), trial_job_id)
            else:
                self._add(TrialResult(parameters, as_number(value), Origin.TRIAL, trial_job_id))
            self.save_checkpoint()

    def trial_end(self, parameter_id: int, success: bool, **kwargs: Any) -> None:
        """A trial that was no success has failed, unless a result still comes.

        NNI may exchange the ends of trials that began together, so that a success says nothing of this one.
        """
        with self._lock:
            candidate = self._proposed.get(parameter_id)
            if not success and candidate is not None and candidate[0] in self._trials.pending:
                self._end(*candidate, math.nan, None)
                self.save_checkpoint()

    def import_data(self, data: Sequence[Any] | str) -> None:
        """Learn from trials of another run: dicts of ``parameter`` and ``value``, or such as JSON.

        What contradicts a result that this tuner was told by the trial itself is not believed.
        """
        trials = cast(Sequence[Any], nni.load(data) if isinstance(data, str) else data)
        whole = [result for result in map(imported, trials) if result is not None]
        with self._lock:
            reported = {result.job for result in self._results if result.origin == Origin.TRIAL}
            outcomes = Counter(
                _KNOWN if result.origin == Origin.JOBS and result.job in reported else self._add(result)
                for result in whole
            )
            self.save_checkpoint()
        said = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items())
        _logger.info("imported %d trials: %s", len(whole), said or "nothing to learn")
        if len(whole) < len(trials):
            _logger.warning("%d trials have no parameter or no value; they are left out", len(trials) - len(whole))

    def save_checkpoint(self) -> None:
        """Keep the results in the experiment's folder. NNI never asks for it; it is done at every result."""
        folder = self.get_checkpoint_path()
        if folder is not None:
            with self._lock:  # NNI keeps its own list of jobs
                save(Path(folder), [result for result in self._results if result.origin != Origin.JOBS])

    def load_checkpoint(self) -> None:
        """Go on with the results from before the experiment was resumed; NNI calls this before it says the space."""
        folder = self.get_checkpoint_path()
        kept = load(Path(folder)) if folder is not None else []
        _logger.info("%d results of before the experiment was resumed are in %s", len(kept), folder)
        with self._lock:
            self._results += kept
            for result in kept if self._history else ():
                self._learn(result)

    @property
    def _trials(self) -> TrialHistory[Point]:
        if self._history is None:
            raise RuntimeError("the tuner has no search space; call update_search_space first")
        return self._history

    def _running(self) -> dict[int, Parameters]:
        """Parameters of the trials under way, by their numbers."""
        pending = self._history.pending if self._history else {}
        running = {number: point for number, (text, point) in self._proposed.items() if text in pending}
        return {number: self._space.parameters(point) for number, point in running.items()}

    def _begin(self, number: int, parameters: Parameters) -> None:
        """A trial is under way, if it is of this search space."""
        candidate = self._candidate(parameters)
        if candidate is not None:
            self._trials.begin(*candidate)
            self._proposed[number] = candidate

    def _end(self, text: str, point: Point, value: float, job: str | None) -> None:
        """What a trial under way came to."""
        self._results.append(TrialResult(self._space.parameters(point), value, Origin.TRIAL, job))
        self._believed[text] = Origin.TRIAL
        self._trials.end(text, point, value)

    def _add(self, result: TrialResult) -> str:
        """Learn the result of a trial that was not proposed here; returns what `_learn` says."""
        outcome = self._learn(result)
        self._results.append(result)
        return outcome

    def _learn(self, result: TrialResult) -> str:
        """Learn a result of this search space, unless a better origin told of the candidate; returns what was done."""
        trials = self._trials  # refuses what comes before there is a search space
        candidate = self._candidate(result.parameters)
        if candidate is None:
            return _STRANGE
        text, point = candidate
        if result.origin < self._believed.get(text, result.origin):
            return _KNOWN
        self._believed[text] = result.origin
        trials.end(text, point, result.value)
        return _LEARNT

    def _candidate(self, parameters: Mapping[str, Any]) -> tuple[str, Point] | None:
        """Text and point of some parameters; None if they are not of this search space, or no valid candidate."""
        point = self._space.point(parameters)
        text = self._text(point) if point is not None else None
        return (text, point) if point is not None and text is not None else None

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
