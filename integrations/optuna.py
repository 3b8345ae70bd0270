"""Optuna sampler that ranks candidates, by a language model and by their parameters, before it proposes one.

``optuna.create_study(sampler=RLMSampler())`` works bare: Gaussian processes on the encoded parameters rank the
candidates. With `to_text` the surrogate reads the candidate itself (a cell, a graph, a kernel); with `problem` it knows
what is measured. What it expects and what the parameters expect are averaged, by how sure each is, and it is trusted.

One proposal, for each group of parameters that occur together: pool (draws, mutations and neighbours of the best
trials) -> rank -> the best not yet tried. Trials under way count as if they had turned out as expected.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.samplers._base import _process_constraints_after_trial  # pyright: ignore[reportPrivateUsage]
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ..surrogate import Problem, Question, RLMSurrogate
from ..surrogate.acquisitions import Acquisition
from ..surrogate.once import Once
from .optuna_candidates import Candidates
from .optuna_history import PROMISED, Known, held, history, with_promised
from .optuna_memory import Memory
from .optuna_notes import ATTRIBUTE, note, widened
from .optuna_parameters import Params
from .optuna_proposal import Proposal, by_parameters, by_text, once_more, texts_of
from .optuna_question import check_count, check_functions, check_types, contradiction, posed
from .optuna_reader import Names, Reader, ToText
from .optuna_subject import Subject
from .optuna_texts import Texts

__all__ = ["ATTRIBUTE", "RLMSampler"]

Space = dict[str, BaseDistribution]


class RLMSampler(BaseSampler):
    """Sampler that ranks many candidates and proposes the one most worth a trial.

    Example::

        study = optuna.create_study(sampler=RLMSampler(), direction="maximize")
        study.optimize(objective, n_trials=50)

    Args:
        problem: What the objective measures, or one problem for each objective; its direction is the study's.
            None describes the study by its parameters.
        to_text: Parameters -> text of the candidate; None marks an invalid one, which is never proposed. It gets the
            parameters of the candidate's branch (of `search_space`, if given), as far as trials show what branches
            depend on. Where it fails, the parameters decide. Default: ``name=value`` of each.
        surrogate: What predicts; None is the packaged checkpoint. Each study gets a fork of it, which learns from
            the study's trials. Bare, and without `sources`, there is nothing to know, and none is loaded.
        search_space: Distributions, if known, so that the first trial is ranked too.
        n_startup_trials: Trials that are spread evenly before the parameters say anything.
        pool_size: Candidates that are ranked for one proposal.
        acquisition: How much each prediction of the surrogate is wanted, whatever the parameters say. None: its mean at
            first; once the parameters say something, the improvement that both expect together.
        sources: Earlier studies of the same objectives, of the same space or others. The surrogate observes their
            trials as text, by `to_text`, which must read their parameters, or by name and value.
        independent_sampler: Samples what is outside the relative search space, and what has no candidate left.
        constraints_func: Trial -> constraints, satisfied at 0 or less. Those that a trial sets by itself count too.
        seed: Seed of all draws.

    Raises:
        ValueError: If pool_size or n_startup_trials is too small.
        TypeError: If an argument is of another kind.
    """

    def __init__(
        self,
        *,
        problem: Question | Sequence[Question] | None = None,
        to_text: ToText | None = None,
        surrogate: RLMSurrogate | None = None,
        search_space: Mapping[str, BaseDistribution] | None = None,
        n_startup_trials: int = 6,
        pool_size: int = 512,
        acquisition: Acquisition | None = None,
        sources: Sequence[Study] = (),
        independent_sampler: BaseSampler | None = None,
        constraints_func: Callable[[FrozenTrial], Sequence[float]] | None = None,
        seed: int | None = None,
    ) -> None:
        check_count("pool_size", pool_size, least=1)
        check_count("n_startup_trials", n_startup_trials, least=0)
        check_functions(to_text=to_text, acquisition=acquisition, constraints_func=constraints_func)
        check_types(problem, surrogate, search_space or {}, sources)
        self._problem = problem
        self._to_text = to_text
        self._surrogate = surrogate
        self._space = dict(search_space) if search_space is not None else None
        self._n_startup_trials = n_startup_trials
        self._pool_size = pool_size
        self._acquisition = acquisition
        self._sources = tuple(sources)
        self._independent = independent_sampler or RandomSampler(seed=seed)
        self._constraints_func = constraints_func
        self._rng = np.random.default_rng(seed)
        self._studies: WeakKeyDictionary[Any, dict[int, Memory]] = WeakKeyDictionary()
        self._warn = Once()
        self._lock = threading.Lock()

    def reseed_rng(self) -> None:
        """Draw a new seed, as parallel workers must; the surrogate stays loaded."""
        self._rng = np.random.default_rng()
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> Space:
        """The given search space and all parameters of trials that ended, with their latest distributions."""
        with self._lock:
            space = self._known_space(self._look(study, study.get_trials(deepcopy=False)))
        return {name: distribution for name, distribution in space.items() if not distribution.single()}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: Space) -> Params:
        """The most wanted candidate of a fresh pool."""
        if not search_space:
            return {}
        with self._lock:
            return self._propose(study, trial, search_space)

    def _check(self, study: Study) -> None:
        """What is wrong with the problem is the user's to know."""
        posed(self._problem, study.directions, [])
        if contradicted := contradiction(self._problem, study.directions):
            self._warn("contradiction", contradicted)
        for source in self._sources:
            if source.directions != study.directions:
                raise ValueError(f"{source.study_name!r} has directions {source.directions}, not {study.directions}")

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """What the independent sampler says."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Refuse what contradicts the study, before the first trial runs, and pass on to the independent sampler."""
        self._check(study)
        self._independent.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Store the constraints and what was predicted, and pass on to the independent sampler."""
        if self._constraints_func is not None:
            _process_constraints_after_trial(self._constraints_func, study, trial, state)
        with self._lock:
            proposals = self._memory(study).proposals.pop(trial.number, [])
        note(study, trial, [proposal for proposal in proposals if proposal.params.keys() <= trial.params.keys()])
        self._independent.after_trial(study, trial, state, values)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_lock", "_studies")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.Lock()
        self._studies = WeakKeyDictionary()

    def _propose(self, study: Study, trial: FrozenTrial, space: Space) -> Params:
        """One candidate: its groups of parameters one after the other."""
        trials = study.get_trials(deepcopy=False)
        memory = self._look(study, trials)
        whole = space | self._fixed(study, memory, space)
        known, groups = with_promised(trials, whole), memory.partition(whole, self._together(memory))
        found = widened(self._proposals(study, trial, memory, known, groups), trials, len(study.directions))
        params = {name: value for proposal in found for name, value in proposal.params.items()}
        memory.proposals[trial.number] = found
        study._storage.set_trial_system_attr(trial._trial_id, PROMISED, params)  # pyright: ignore[reportPrivateUsage]
        # Whether a trial takes a branch shows when it has ended; what all trials have can be told now.
        note(study, trial, [one for one in found if memory.shared(one.params) == one.params.keys()])
        return {name: value for name, value in params.items() if name in space}

    def _fixed(self, study: Study, memory: Memory, space: Space) -> Space:
        """What a text is made of, but a sampler around this one decides and does not ask for."""
        together = self._together(memory) if self._reads else Names()
        wanted = _decided(study).keys() & together - space.keys() if together & space.keys() else ()
        return {name: own for name, own in self._known_space(memory).items() if name in wanted and not own.single()}

    def _proposals(
        self, study: Study, trial: FrozenTrial, memory: Memory, known: Sequence[Known], groups: Sequence[Space]
    ) -> list[Proposal]:
        """One candidate of each group: of the first by its text if it can, of the others what suits the first."""
        signs = [-1 if way == StudyDirection.MAXIMIZE else 1 for way in study.directions]
        leading = self._candidates(memory, known, groups[0], signs, _settled(study, trial, groups[0]))
        read, texts = self._read(study, leading, memory, known) if self._reads else (None, None)
        found = [read or self._modelled(study, trial, leading, signs, texts)]
        common = {name: own for name, own in memory.common(groups).items() if name in found[0].params}
        for group in groups[1:]:
            settled = held(found[0].params, common) | _settled(study, trial, group)
            candidates = self._candidates(memory, known, common | group, signs, settled)
            proposal = self._modelled(study, trial, candidates, signs)
            found.append(proposal._replace(params=held(proposal.params, group)))
        return found

    def _modelled(
        self, study: Study, trial: FrozenTrial, candidates: Candidates, signs: Sequence[int], texts: Texts | None = None
    ) -> Proposal:
        """What the parameters say; where all was tried the best of it again, or what the independent sampler says."""
        proposal = by_parameters(candidates, signs, texts) or once_more(candidates, signs)
        return proposal or self._outside(study, trial, candidates.parameters.distributions)

    def _candidates(
        self, memory: Memory, known: Sequence[Known], group: Space, signs: Sequence[int], settled: Params
    ) -> Candidates:
        """What may be proposed of a group, some of which is settled, and what trials say of it."""
        names = frozenset(group)
        parameters = memory.records[names].parameters(group, memory.rules(group))
        past = history(memory.records[names], parameters, known, signs)
        size, startup = self._pool_size, self._n_startup_trials
        whole = memory.space.keys() <= names
        return Candidates(parameters, past, memory.fits[names], self._rng, size, startup, settled, whole)

    def _outside(self, study: Study, trial: FrozenTrial, group: Mapping[str, BaseDistribution]) -> Proposal:
        """What the independent sampler says of a group."""
        params = {name: self.sample_independent(study, trial, name, own) for name, own in group.items()}
        return Proposal(params, {})

    def _read(
        self, study: Study, candidates: Candidates, memory: Memory, known: Sequence[Known]
    ) -> tuple[Proposal | None, Texts | None]:
        """What the surrogate chooses, if it works and has a say; else the parameters decide, of what has such texts."""
        group, texts = candidates.parameters.distributions, None
        problems, subject = posed(self._problem, study.directions, [*group]), self._text_of(group, memory)
        try:
            reader = self._reader(memory, problems)
            texts = texts_of(candidates, reader, problems, known, subject)
            return by_text(candidates, reader, problems, texts, subject.names) if texts else (None, None)
        except Exception as error:  # a study of hours must not die of a surrogate
            self._warn("failed", f"the surrogate failed ({error!r}); the search goes on without it")
            return None, texts

    def _known_space(self, memory: Memory) -> Space:
        """What was given, and what trials had; a given parameter keeps its place and its distribution."""
        given = self._space or {}
        return given | dict(sorted(memory.space.items())) | given

    def _text_of(self, group: Space, memory: Memory) -> Subject:
        """What a text is made of: a group, and what is read together with it but has a single value."""
        together, known = self._together(memory), self._known_space(memory)
        space = {name: own for name, own in known.items() if name in group or (name in together and own.single())}
        return Subject(space, memory.rules(space))

    def _together(self, memory: Memory) -> Names:
        """Parameters that a text is made of: none of a branch of which it is not seen what it depends on.

        By name and value any can be read, and bare none are, so that groups say which belong together.
        """
        if self._space is None:
            return memory.explained(memory.space if self._to_text is not None else {})
        settled = {name for name, own in self._space.items() if own.single()}
        return memory.explained(self._space) | settled if self._reads else Names()

    @property
    def _reads(self) -> bool:
        """Whether there is anything that a surrogate may know."""
        given = (self._surrogate, self._problem, self._to_text, self._sources or None)
        return any(argument is not None for argument in given)

    def _reader(self, memory: Memory, problems: Sequence[Problem]) -> Reader:
        if memory.reader is None:
            surrogate = (self._surrogate or RLMSurrogate.load()).fork()
            reader = Reader(surrogate, self._to_text, self._acquisition)
            for source in self._sources:
                reader.recall(problems, source.get_trials(deepcopy=False))
            memory.reader = reader  # now that it knows all sources: a storage may fail once, and is asked again
        return memory.reader

    def _look(self, study: Study, trials: Sequence[FrozenTrial]) -> Memory:
        """What is remembered of a study, now with all its trials."""
        if self._memory(study).outlives(trials):
            del self._studies[study._storage][study._study_id]  # pyright: ignore[reportPrivateUsage]
        memory = self._memory(study)
        memory.look(trials)
        return memory

    def _memory(self, study: Study) -> Memory:
        studies = self._studies.setdefault(study._storage, {})  # pyright: ignore[reportPrivateUsage]
        return studies.setdefault(study._study_id, Memory())  # pyright: ignore[reportPrivateUsage]


def _settled(study: Study, trial: FrozenTrial, group: Space) -> Params:
    """Values of a group that an enqueued trial brings along, or a sampler around this one decides."""
    return held({**_decided(study), **trial.system_attrs.get("fixed_params", {})}, group)


def _decided(study: Study) -> Params:
    """What a `PartialFixedSampler` around this one decides, which tells nobody."""
    return getattr(study.sampler, "_fixed_params", {})
