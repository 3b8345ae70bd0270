"""What the language model makes of a study: its candidates as texts, its trials as observations."""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from ..surrogate import Prediction, Problem, RLMSurrogate, rank
from ..surrogate.acquisitions import Acquisition, expected_value
from ..surrogate.assignments import alike, words
from ..surrogate.once import Once
from ..surrogate.ranking import ENOUGH_TRUST, text_or_none
from .optuna_branches import Branches
from .optuna_improvement import scalarised
from .optuna_opinion import Opinion
from .optuna_parameters import Params
from .optuna_subject import Subject
from .optuna_texts import UnreadableError, left_out

Floats = NDArray[np.float64]
Names = frozenset[str]
ToText = Callable[[Params], "str | None"]
_ENOUGH = 32  # texts that cannot be made, after which none is expected to be


class Choice(NamedTuple):
    """A text chosen, and what is predicted of it: one prediction for each objective."""

    text: str
    predictions: list[Prediction]


class Pool(NamedTuple):
    """Candidates that may be proposed, as rows, as long as nothing that `drawn_after` names has changed."""

    drawn_after: tuple[Sequence[int], Names]
    rows: Floats


class Reader:
    """A surrogate with what one study has taught it; all of it is in the study's storage and can be read again.

    Args:
        surrogate: What predicts; it observes.
        to_text: Parameters -> text of the candidate, None for an invalid one.
        acquisition: How much each prediction is wanted, whatever the parameters say; None: they have a say.
    """

    def __init__(self, surrogate: RLMSurrogate, to_text: ToText | None, acquisition: Acquisition | None) -> None:
        self._surrogate, self._acquisition = surrogate, acquisition or expected_value
        self._alone = acquisition is not None
        self._to_text = to_text
        self._learnt: dict[tuple[Problem, ...], dict[str, Floats]] = {}
        self._failed, self._made = Counter[Names](), set[Names]()
        self._left_out: dict[Names, Names] = {}
        self._texts: dict[tuple[int, Names], str | None] = {}
        self._ranked: dict[Problem, dict[str, int]] = {}
        self._said: dict[tuple[Problem, ...], tuple[dict[str, int], Opinion]] = {}
        self._warn = Once()
        self.pool: Pool | None = None

    def read(self, params: Mapping[str, Any], subject: Subject) -> str | None:
        """Text of a candidate; None if it is invalid, or `to_text` would lack something of its branch.

        Raises:
            UnreadableError: If `to_text` fails.
        """
        known, complete = subject.of(params)
        enough = complete if self._to_text else bool(known)
        return self._text(known, subject) if enough else None

    def read_trial(self, trial: FrozenTrial, params: Mapping[str, Any], subject: Subject) -> str | None:
        """The same of a trial, read once when it has ended; None, too, where `to_text` fails."""
        key = trial.number, Names(subject.of(params)[0])
        if key not in self._texts:
            text = self._read_or_none(params, subject)
            if not trial.state.is_finished():
                return text
            self._texts[key] = text
        return self._texts[key]

    def left_out(self, parameters: Branches, subject: Subject) -> Names:
        """Parameters that no text shows, once one was made; by name and value each is shown."""
        if self._to_text is None or subject.names not in self._made:
            return Names()
        if subject.names not in self._left_out:
            self._left_out[subject.names] = left_out(parameters, lambda params: self.read(params, subject))
        return self._left_out[subject.names]

    def learn(
        self,
        problems: Sequence[Problem],
        known: Sequence[tuple[FrozenTrial, str]],
        losses: Mapping[int, Floats],
        *,
        best: bool = False,
    ) -> None:
        """Observe what became of each text, unless it was observed before.

        Args:
            problems: One for each objective.
            known: Trials of the study with their texts.
            losses: Trial number -> its losses, (M,), less is better; nan where it failed. Those of a pruned
                trial may change as others complete.
            best: Whether of trials of one text the best counts, as where something is tuned beside it, not the latest.
        """
        found = _outcomes(known, losses, best=best)
        learnt = self._learnt.setdefault((*problems,), {})  # another group of parameters is another problem
        new = [text for text, own in found.items() if not _same(own, learnt.get(text))]
        for number, problem in enumerate(problems):
            if new:
                self._surrogate.observe(problem, new, [problem.loss_sign * float(found[text][number]) for text in new])
        learnt.update((text, found[text]) for text in new)
        if new:
            self._ranked.clear()
            self._said.clear()

    def recall(self, problems: Sequence[Problem], trials: Sequence[FrozenTrial]) -> None:
        """Observe the complete trials of another study, whose space may be another: all their parameters as text."""
        done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
        texts = [self._read_or_none(trial.params, Subject(trial.distributions, {})) for trial in done]
        known = [(trial, text) for trial, text in zip(done, texts, strict=True) if text is not None]
        for number, problem in enumerate(problems):
            values = [trial.values[number] for trial, _ in known]
            self._surrogate.observe(problem, [text for _, text in known], values)

    def choose(
        self, problems: Sequence[Problem], texts: Sequence[str], rng: np.random.Generator, share: float
    ) -> Choice | None:
        """The best text of a pool, as often as the surrogate is to be trusted, else None.

        Of a pool of which only a share has texts it is chosen the less often, so that the others are tried, too.
        Several objectives are traded off by random weights on the places that a text takes in each ranking.
        """
        with _one_thread():
            if rng.random() >= min(1.0, min(self._trust(problems)) / ENOUGH_TRUST) * share:
                return None
            weights = rng.dirichlet(np.ones(len(problems)))
            places = np.stack([self._places(problem, texts) for problem in problems], axis=1)
            best = texts[int(np.argmin(scalarised(places, weights)))]  # the least sum lies at an end of a concave front
            return Choice(best, [self._surrogate.predict(problem, [best]) for problem in problems])

    def has_opinion(self, problems: Sequence[Problem]) -> bool:
        """Whether anything that is said is to be trusted, and goes together with what the parameters say."""
        return not self._alone and any(self._trust(problems))

    def opinion(self, problems: Sequence[Problem], texts: Sequence[str]) -> Opinion:
        """What the surrogate says of a pool of texts; asks of a burst share one."""
        key = (*problems,)
        if key not in self._said or not self._said[key][0].keys() >= {*texts}:
            self._said[key] = {text: row for row, text in enumerate(texts)}, self._opinion(problems, texts)
        rows, opinion = self._said[key]
        return opinion[np.array([rows[text] for text in texts], dtype=np.intp)]

    def _opinion(self, problems: Sequence[Problem], texts: Sequence[str]) -> Opinion:
        with _one_thread():
            predictions = [self._surrogate.predict(problem, texts) for problem in problems]
        return Opinion(predictions, [problem.loss_sign for problem in problems], self._trust(problems))

    def _trust(self, problems: Sequence[Problem]) -> list[float]:
        with _one_thread():
            return [self._surrogate.trust(problem) for problem in problems]

    def _places(self, problem: Problem, texts: Sequence[str]) -> Floats:
        """Place of each text in the ranking, the best first, (m,); asks of a burst share one."""
        place = self._ranked.get(problem, {})
        if not place.keys() >= set(texts):
            ranked = rank(self._surrogate, problem, texts, str, self._acquisition)
            place = self._ranked[problem] = {entry.candidate: place for place, entry in enumerate(ranked)}
        return np.array([place[text] for text in texts], dtype=np.float64)

    def unreadable(self, subject: Subject) -> bool:
        """Whether `to_text` failed with many candidates, and has never made a text of any."""
        return self._failed[subject.names] >= _ENOUGH and subject.names not in self._made

    def tells_nothing_new(self) -> None:
        """Warn, once, that there is no text that was not tried."""
        why = "all were tried, it says None of the others, or it leaves out what tells candidates apart"
        they = "to_text makes" if self._to_text else "values make"
        self._warn("nothing new", f"{they} no new text: {why}; the parameters decide")

    def _read_or_none(self, params: Mapping[str, Any], subject: Subject) -> str | None:
        try:
            return self.read(params, subject)
        except UnreadableError:
            return None

    def _text(self, params: Params, subject: Subject) -> str | None:
        """Text of a candidate: a study of hours must not die of one of which none can be made."""
        try:
            text = text_or_none(self._to_text(params)) if self._to_text else written(params, subject.space)
        except Exception as error:
            self._warn("failed", f"to_text failed ({error!r}) of {params!r}; of such candidates the parameters decide")
            self._failed[subject.names] += 1
            raise UnreadableError from error
        if text is not None:
            self._made.add(subject.names)
        return text


def written(params: Params, space: Mapping[str, BaseDistribution]) -> str:
    """Parameters by name and value; of floats as many digits as their range needs, since no model reads sixteen."""
    return " ".join(word for name, value in params.items() for word in _words(name, value, space[name]))


def _words(name: str, value: Any, own: BaseDistribution) -> Iterator[str]:
    if isinstance(own, CategoricalDistribution):
        return words(name, value, exact=alike(own.choices))
    return words(name, value, own.high - own.low if isinstance(own, FloatDistribution) and not own.log else None)


def _outcomes(
    known: Sequence[tuple[FrozenTrial, str]], losses: Mapping[int, Floats], *, best: bool
) -> dict[str, Floats]:
    """Text -> losses of its trials that ended: the latest measured, else the latest of a pruned one, else nan.

    With best it is the one of the least first loss.
    """
    ended = [(trial, losses[trial.number], text) for trial, text in known if trial.number in losses]
    if best:
        ended.sort(key=lambda end: -np.nan_to_num(end[1][0], nan=np.inf))
    ended.sort(key=lambda end: (bool(np.isfinite(end[1]).all()), end[0].state == TrialState.COMPLETE))
    return {text: own for _, own, text in ended}


def _same(losses: Floats, before: Floats | None) -> bool:
    return before is not None and np.array_equal(losses, before, equal_nan=True)


@contextmanager
def _one_thread() -> Generator[None]:
    """One thread of torch, as before afterwards: more gain little on such a model and fight with other workers.

    The number is left as it is beside other threads: one that begins to use torch meanwhile would keep it for good.
    """
    if "torch" not in sys.modules or threading.enumerate() != [threading.current_thread()]:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
