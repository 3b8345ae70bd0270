"""NNI strategy that ranks a pool of models with a regression language model before one of them is trained."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

import nni
import numpy as np
from nni.mutable import SampleValidationError
from nni.nas.execution import ExecutionEngine
from nni.nas.execution.event import FinalMetricEvent, ModelEventType, TrainingEndEvent
from nni.nas.space import ExecutableModelSpace, ModelStatus
from nni.nas.strategy import Strategy
from numpy.random import RandomState

from ..surrogate import Question, RLMSurrogate
from ..surrogate.acquisitions import Acquisition
from .nni_history import INCUMBENTS, MOST_DRAWS, TrialHistory, check_pool
from .nni_question import as_number, question
from .nni_samples import Sample, SampleSpace

_logger = logging.getLogger("nni.prerank")
_ENDS = (ModelStatus.Failed, ModelStatus.Interrupted, ModelStatus.Invalid)


class RLMStrategy(Strategy):
    """Strategy that asks a regression language model which model to train next.

    Example::

        strategy = RLMStrategy(problem=nas_bench_201.problem(), to_text=nas_bench_201_text)
        experiment = NasExperiment(NasBench201(), evaluator, strategy)
        experiment.run()

    Args:
        problem: What the evaluator reports. None describes the space by the labels of its choices.
        to_text: Sample (label -> choice) -> text of the model; None marks an invalid one, which is never trained.
            Default: ``label=value`` of each choice.
        optimize_mode: ``maximize`` or ``minimize``; None: the problem's direction, without one NNI's, which maximises.
        surrogate: What predicts, or the folder of its checkpoint; None is the packaged one. The strategy learns in a
            fork of it.
        pool_size: Models that are ranked for one proposal.
        acquisition: How much each prediction is wanted; None: its mean where the surrogate knew the problem before any
            trial, else the improvement that it lets expect.
        seed: Seed of all draws.

    Raises:
        ValueError: If the pool is empty, or the mode contradicts the problem.
    """

    def __init__(
        self,
        *,
        problem: Question | None = None,
        to_text: Callable[[Sample], str | None] | None = None,
        optimize_mode: str | None = None,
        surrogate: RLMSurrogate | str | Path | None = None,
        pool_size: int = 256,
        acquisition: Acquisition | None = None,
        seed: int | None = None,
    ) -> None:
        super().__init__()
        check_pool(pool_size)
        # A contradiction shows now, not when the experiment starts.
        self._loss_sign = question(problem, optimize_mode, ()).loss_sign
        self._asked = problem, optimize_mode
        self._to_text = to_text
        self._surrogate = surrogate
        self._pool_size = pool_size
        self._acquisition = acquisition
        self._rng = np.random.default_rng(seed)
        rng = self._rng.bit_generator.state
        # What the search begins with; None once there is a space, and a history in its place.
        self._initial_state: dict[str, Any] | None = {"trials": [], "left_out": [], "rng": rng}
        self._running: dict[ExecutableModelSpace, tuple[str, Sample]] = {}
        self._lock = threading.RLock()  # results come in another thread

    def extra_repr(self) -> str:  # pyright: ignore[reportIncompatibleMethodOverride]: NNI's is inferred as always empty
        return f"pool_size={self._pool_size}"

    def list_models(self, sort: bool = True, limit: int | None = None) -> Any:
        """The models that were trained, the best first, also where less is better; without those that have no number.

        Unsorted, all models, as NNI lists them.
        """
        if not sort:
            return super().list_models(sort, limit)
        models = [model for model in super().list_models(sort=False) if model.status == ModelStatus.Trained]
        measured = [(self._loss_sign * as_number(model.metric), model) for model in models if model.metric is not None]
        finite = [pair for pair in measured if np.isfinite(pair[0])]
        return iter([model for _, model in sorted(finite, key=itemgetter(0))][:limit])

    def state_dict(self) -> dict[str, Any]:
        """All that was learnt, as plain values, which every serializer of NNI keeps; models under way are not in it."""
        with self._lock:
            if self._initial_state is not None:
                return dict(self._initial_state)
            trials = [[nni.dump(candidate), value] for candidate, value in self._history.finished.values()]
            return {"trials": trials, "left_out": sorted(self._history.left_out), "rng": self._rng.bit_generator.state}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from a state, or begin with it; its trials count as this search's own, if they have its choices."""
        with self._lock:
            if self._initial_state is not None:
                self._initial_state = dict(state_dict)
                return
            self._rng.bit_generator.state = state_dict["rng"]
            self._history.left_out.update(state_dict["left_out"])
            self._learn((nni.load(dumped), value) for dumped, value in state_dict["trials"])

    def _initialize(self, model_space: ExecutableModelSpace, engine: ExecutionEngine) -> ExecutableModelSpace:
        self._space = SampleSpace(model_space, self._to_text)
        problem = question(*self._asked, self._space.names)
        given = self._surrogate
        surrogate = RLMSurrogate.load(given) if given is None or isinstance(given, (str, Path)) else given
        self._history = TrialHistory[Sample](surrogate, problem, self._acquisition, self._rng)
        engine.register_model_event_callback(ModelEventType.FinalMetric, self._measured)
        engine.register_model_event_callback(ModelEventType.TrainingEnd, self._training_ended)
        state, self._initial_state = self._initial_state, None
        if state is not None:
            self.load_state_dict(state)
        return model_space

    def _run(self) -> None:
        self._recall()
        while self.wait_for_resource():
            model = self._next_model()
            if model is None:
                self._say_why_it_ends()
                break
            self.engine.submit_models(model)
        self.engine.wait_models()

    def _say_why_it_ends(self) -> None:
        if self._history.finished or self._history.pending:
            _logger.info("every model that can be drawn was tried; the search ends")
        else:
            _logger.warning("no model can be tried: to_text says None of all that were drawn, or all break a rule")

    def _cleanup(self) -> None:
        self.engine.unregister_model_event_callback(ModelEventType.FinalMetric, self._measured)
        self.engine.unregister_model_event_callback(ModelEventType.TrainingEnd, self._training_ended)

    def _recall(self) -> None:
        """Learn from models that the engine still knows of a run that ended without saving its state."""
        ended = [model for model in self.engine.list_models() if model.status.completed() and model.metric is not None]
        self._learn((model.sample, as_number(model.metric)) for model in ended if model.sample is not None)

    def _next_model(self) -> ExecutableModelSpace | None:
        """The best model to train next, frozen and noted as under way; None where none is left."""
        while True:
            with self._lock:
                proposal = self._history.propose(self._pool, self._explored)
                if proposal is None:
                    return None
                text, sample = proposal
                try:
                    model = self.model_space.freeze(dict(sample))
                except SampleValidationError as error:
                    _logger.debug("the model space rejects %s: %r", text, error)
                    self._history.abandon(text, forever=True)
                    continue
                self._history.begin(text, sample)
                self._running[model] = proposal
                return model

    def _pool(self) -> dict[str, Sample]:
        return self._history.untried(self._draws(self._history.best(INCUMBENTS)), self._pool_size)

    def _explored(self) -> dict[str, Sample]:
        """One draw; once there is a choice of parents, as often a mutation."""
        parents = self._history.best(INCUMBENTS)
        return self._history.untried(self._draws(parents if len(parents) == INCUMBENTS else ()), 1)

    def _draws(self, parents: Sequence[Sample]) -> Iterator[tuple[str | None, Sample]]:
        """Samples with their texts: half prior draws, half mutations of the parents."""
        rng = RandomState(self._rng.integers(2**32, dtype=np.uint32))
        for _ in range(MOST_DRAWS * self._pool_size):
            sample = self._space.draw(rng, parents if rng.randint(2) else ())
            if sample is not None:
                yield self._space.text(sample), sample

    def _measured(self, event: FinalMetricEvent) -> None:
        with self._lock:
            proposal = self._running.pop(event.model, None)
            if proposal is not None:
                self._history.end(*proposal, as_number(event.metric))

    def _training_ended(self, event: TrainingEndEvent) -> None:
        """Note an end without a metric.

        NNI may exchange the ends of models that began together: a success without a metric is another model's, and
        after a failure the metric may still come, so that the model is kept.
        """
        with self._lock:
            proposal = self._running.get(event.model)
            if proposal is None or proposal[0] not in self._history.pending or event.status not in _ENDS:
                return
            if event.status == ModelStatus.Failed:
                self._history.end(*proposal, np.nan)
            else:  # interrupted: it may run again; rejected by a filter: it may not
                del self._running[event.model]
                self._history.abandon(proposal[0], forever=event.status == ModelStatus.Invalid)

    def _learn(self, trials: Iterable[tuple[Mapping[str, Any], float]]) -> None:
        """Learn of models; not of those that have a choice more or less than the space."""
        others: list[set[str]] = []
        for sample, value in trials:
            labels = self._space.other_labels(sample)
            if labels:
                others.append(labels)
            else:
                self._learn_one(sample, value)
        if others:
            named = ", ".join(sorted(set[str]().union(*others)))
            _logger.warning("%d models are left out: they or the space have no choice %s", len(others), named)

    def _learn_one(self, sample: Mapping[str, Any], value: float) -> None:
        own = self._space.own(sample)
        text = self._space.text(own)
        if text is not None:
            self._history.end(text, own, value)
