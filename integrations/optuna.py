"""Optuna sampler that ranks a pool of candidates with a regression language model before it proposes one.

``optuna.create_study(sampler=RLMSampler())`` works bare: parameters are read by name and value. With `to_text` the
surrogate reads the candidate itself (a cell, a graph, a kernel); with `problem` it knows what is measured.

One proposal: pool (prior draws and mutations of the best trials) -> texts -> rank, one batch -> the best not yet tried.
How often the best is taken rather than any of the pool is the surrogate's trust: where it knows nothing, the search is
random.
"""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ..surrogate import Problem, Question, RLMSurrogate, rank
from ..surrogate.acquisitions import Acquisition, expected_value

Params = dict[str, Any]
ToText = Callable[[Params], "str | None"]
_MOST_DRAWS = 20  # draws for each place in the pool, where many are invalid or have been tried
_INCUMBENTS = 8
_ENOUGH_TRUST = 0.5  # from here on the best is always taken; a search's own trials rank worse than random ones would


class RLMSampler(BaseSampler):
    """Sampler that asks a regression language model which candidate to try next.

    Example::

        study = optuna.create_study(sampler=RLMSampler(), direction="maximize")
        study.optimize(objective, n_trials=50)

    Args:
        problem: What the objective measures, or one problem for each objective; its direction is the study's.
            None describes the study by its parameters.
        to_text: Parameters -> text of the candidate; None marks an invalid one, which is never proposed. Parameters of
            the relative search space only. Default: ``name=value`` of each parameter.
        surrogate: What predicts; None is the packaged checkpoint. Each study gets a fork of it, which learns from
            the study's trials.
        search_space: Distributions, if known, so that the first trial is ranked too.
        pool_size: Candidates that are ranked for one proposal.
        acquisition: How much each prediction is wanted.
        independent_sampler: Samples what is outside the relative search space, and everything if the
            surrogate fails (which is warned of once).
        seed: Seed of all draws.
    """

    def __init__(
        self,
        *,
        problem: Question | Sequence[Question] | None = None,
        to_text: ToText | None = None,
        surrogate: RLMSurrogate | None = None,
        search_space: Mapping[str, BaseDistribution] | None = None,
        pool_size: int = 512,
        acquisition: Acquisition = expected_value,
        independent_sampler: BaseSampler | None = None,
        seed: int | None = None,
    ) -> None:
        if pool_size < 1:
            raise ValueError(f"pool_size is {pool_size}; at least one candidate must be ranked")
        self._problem = problem
        self._to_text = to_text
        self._surrogate = surrogate
        self._space = dict(search_space) if search_space is not None else None
        self._pool_size = pool_size
        self._acquisition = acquisition
        self._independent = independent_sampler or RandomSampler(seed=seed)
        self._rng = np.random.default_rng(seed)
        self._studies: WeakKeyDictionary[Study, _StudyMemory] = WeakKeyDictionary()
        self._warned = False
        self._lock = threading.Lock()

    def reseed_rng(self) -> None:
        """Draw a new seed, as parallel workers must; the surrogate stays loaded."""
        self._rng = np.random.default_rng()
        self._independent.reseed_rng()

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The given search space, else the parameters that all finished trials share."""
        with self._lock:
            space = self._space if self._space is not None else self._memory(study).intersection.calculate(study)
        return {name: distribution for name, distribution in space.items() if not distribution.single()}

    def sample_relative(self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]) -> Params:
        """The most wanted candidate of a fresh pool."""
        if not search_space:
            return {}
        problems = self._problems(study, search_space)
        try:
            with self._lock:
                return self._propose(study, search_space, problems)
        except Exception as error:  # a study of hours must not die of a surrogate
            if not self._warned:
                warnings.warn(f"the surrogate failed ({error!r}); sampling goes on without it", stacklevel=2)
            self._warned = True
            return {}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """What the independent sampler says."""
        return self._independent.sample_independent(study, trial, param_name, param_distribution)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        """Pass on to the independent sampler."""
        self._independent.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        """Pass on to the independent sampler."""
        self._independent.after_trial(study, trial, state, values)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("_lock", "_studies")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._lock = threading.Lock()
        self._studies = WeakKeyDictionary()

    def _propose(self, study: Study, space: dict[str, BaseDistribution], problems: list[Problem]) -> Params:
        memory = self._memory(study)
        trials = study._get_trials(deepcopy=False, use_cache=True)  # pyright: ignore[reportPrivateUsage]
        known = [(trial, text) for trial in trials if (text := self._read(trial.params, space)) is not None]
        memory.learn(problems, known)
        pool = self._pool(study, space, known)
        if not pool:
            return {}
        return pool[self._choose(memory.surrogate, problems, list(pool))]

    def _choose(self, surrogate: RLMSurrogate, problems: list[Problem], texts: list[str]) -> str:
        """One text of the pool: the best, as often as the surrogate is to be trusted, else any.

        Several objectives are traded off by random weights on the places that a text takes in each ranking.
        """
        trust = min(float(surrogate.predict(problem, texts[:1]).trust[0]) for problem in problems)
        if self._rng.random() >= trust / _ENOUGH_TRUST:
            return texts[self._rng.integers(len(texts))]
        places = dict.fromkeys(texts, 0.0)
        for weight, problem in zip(self._rng.dirichlet(np.ones(len(problems))), problems, strict=True):
            for place, ranked in enumerate(rank(surrogate, problem, texts, str, self._acquisition)):
                places[ranked.candidate] += weight * place
        return min(places, key=lambda text: places[text])

    def _pool(
        self, study: Study, space: dict[str, BaseDistribution], known: list[tuple[FrozenTrial, str]]
    ) -> dict[str, Params]:
        """Texts not tried yet -> parameters: half prior draws, half mutations of the best trials."""
        tried = {text for _, text in known}
        parents = [
            {name: trial.params[name] for name in space} for trial in _best(study, [trial for trial, _ in known])
        ]
        pool: dict[str, Params] = {}
        for _ in range(_MOST_DRAWS):
            draws = _draw(self._rng, space, self._pool_size)
            for number, params in enumerate(draws):
                if parents and number % 2:
                    params = _mutate(self._rng, parents[self._rng.integers(len(parents))], params)
                text = self._read(params, space)
                if text is not None and text not in tried and len(pool) < self._pool_size:
                    pool.setdefault(text, params)
            if len(pool) >= self._pool_size:
                break
        return pool

    def _read(self, params: Params, space: dict[str, BaseDistribution]) -> str | None:
        """Text of the parameters in the search space; None if some are missing or the candidate is invalid."""
        if any(name not in params for name in space):
            return None
        own = {name: params[name] for name in space}
        return self._to_text(own) if self._to_text else _written(own)

    def _problems(self, study: Study, space: dict[str, BaseDistribution]) -> list[Problem]:
        """One problem for each objective, in the study's directions."""
        directions = ["maximize" if d == StudyDirection.MAXIMIZE else "minimize" for d in study.directions]
        if self._problem is None:
            context = f"optuna study\n{' '.join(space)}"
            return [Problem(context, f"objective {number}", way) for number, way in enumerate(directions)]  # type: ignore[arg-type]
        given = list(self._problem) if isinstance(self._problem, Sequence) else [self._problem]
        if len(given) != len(directions):
            raise ValueError(f"problem is {len(given)} of them for {len(directions)} objectives; give one for each")
        return [Problem(p.context, p.metric, way) for p, way in zip(given, directions, strict=True)]  # type: ignore[arg-type]

    def _memory(self, study: Study) -> _StudyMemory:
        if study not in self._studies:
            self._studies[study] = _StudyMemory((self._surrogate or RLMSurrogate.load()).fork())
        return self._studies[study]


class _StudyMemory:
    """What one study has taught; all of it is read from the study's storage and can be read again."""

    def __init__(self, surrogate: RLMSurrogate) -> None:
        self.surrogate = surrogate
        self.intersection = IntersectionSearchSpace()
        self._learnt: set[tuple[int, str]] = set()

    def learn(self, problems: Sequence[Problem], known: list[tuple[FrozenTrial, str]]) -> None:
        """Observe the trials that finished since the last time; what only ever failed is a failure of all metrics."""
        done = {text for trial, text in known if trial.state == TrialState.COMPLETE}
        wanted = {text: TrialState.COMPLETE if text in done else TrialState.FAIL for _, text in known}
        new = [(t, text) for t, text in known if t.state == wanted[text] and (t.number, text) not in self._learnt]
        for number, problem in enumerate(problems):
            values = [trial.values[number] if trial.values else np.nan for trial, _ in new]
            if new:
                self.surrogate.observe(problem, [text for _, text in new], values)
        self._learnt.update((trial.number, text) for trial, text in new)


def _written(params: Params) -> str:
    """Parameters by name and value; floats to four digits, since no model reads sixteen."""
    values = {name: f"{value:.4g}" if isinstance(value, float) else value for name, value in params.items()}
    return " ".join(f"{name}={value}" for name, value in values.items())


def _best(study: Study, trials: list[FrozenTrial]) -> list[FrozenTrial]:
    """The best completed trials of one objective, the first front's of several, at most `_INCUMBENTS`."""
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    if len(study.directions) > 1:
        front = {trial.number for trial in study.best_trials}
        return [trial for trial in done if trial.number in front][:_INCUMBENTS]
    done.sort(key=lambda trial: trial.values[0], reverse=study.direction == StudyDirection.MAXIMIZE)
    return done[:_INCUMBENTS]


def _mutate(rng: np.random.Generator, parent: Params, draw: Params) -> Params:
    """The parent with one or more parameters of the draw."""
    names = list(parent)
    changed = set(rng.choice(len(names), size=min(len(names), 1 + rng.geometric(0.5)), replace=False).tolist())
    return {name: draw[name] if number in changed else parent[name] for number, name in enumerate(names)}


def _draw(rng: np.random.Generator, space: Mapping[str, BaseDistribution], count: int) -> list[Params]:
    """Draws of all parameters from their distributions."""
    columns = {name: _column(rng, distribution, count) for name, distribution in space.items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _column(rng: np.random.Generator, distribution: BaseDistribution, count: int) -> list[Any]:
    """Draws of one parameter, as Python's own numbers within range and on the steps."""
    if isinstance(distribution, CategoricalDistribution):
        return [distribution.choices[index] for index in rng.integers(len(distribution.choices), size=count)]
    assert isinstance(distribution, (FloatDistribution, IntDistribution))
    low, high, step = distribution.low, distribution.high, distribution.step
    if step is not None and not distribution.log:
        steps = rng.integers(round((high - low) / step) + 1, size=count)
        values = [low + step * index for index in steps.tolist()]
    else:
        half = 0.5 if isinstance(distribution, IntDistribution) else 0.0
        ends = np.log([low - half, high + half]) if distribution.log else [low, high]
        uniform = rng.uniform(*ends, size=count)
        values = (np.exp(uniform) if distribution.log else uniform).tolist()
    if isinstance(distribution, IntDistribution):
        return [int(np.clip(round(value), low, high)) for value in values]
    return [float(np.clip(value, low, high)) for value in values]
