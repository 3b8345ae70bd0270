"""Samples of a model space: drawn, mutated, checked and written without building a model.

A sample maps the labels of the space's mutables to what was chosen. Drawing from the mutables costs microseconds;
``model_space.random`` builds the model each time, which costs up to a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

import nni
import numpy as np
from nni.mutable import (
    Categorical,
    CategoricalMultiple,
    LabeledMutable,
    MutableAnnotation,
    Numerical,
    SampleValidationError,
)
from nni.nas.space import ExecutableModelSpace
from numpy.random import RandomState

from ..surrogate.assignments import alike, words
from .nni_text_function import TextFunction

Sample = dict[str, Any]


class SampleSpace:
    """The mutables of a model space.

    Args:
        model_space: The space that a strategy explores.
        to_text: Sample -> text; None marks an invalid one, an exception too. Default: ``label=value`` of each choice.
    """

    def __init__(self, model_space: ExecutableModelSpace, to_text: Callable[[Sample], str | None] | None) -> None:
        mutables = model_space.simplify()
        annotations = [label for label, mutable in mutables.items() if isinstance(mutable, MutableAnnotation)]
        self._rules = [mutables.pop(label) for label in annotations]
        self._mutables = mutables
        self._alike = {label for label, mutable in mutables.items() if alike(_values(mutable))}
        self._spans = {label: _span(mutable) for label, mutable in mutables.items()}
        self._logs = {label for label, mutable in mutables.items() if getattr(mutable, "log_distributed", False)}
        self._to_text = TextFunction(to_text) if to_text else None

    @property
    def names(self) -> list[str]:
        """Labels of the choices."""
        return list(self._mutables)

    def draw(self, rng: RandomState, parents: Sequence[Sample] = ()) -> Sample | None:
        """A draw from the distributions, or a mutation of one of some parents; None if it breaks a rule."""
        parent = parents[rng.randint(len(parents))] if parents else {}
        kept = self._kept(rng) if parents else ()
        sample: Sample = {label: parent[label] for label in kept if label in parent}
        try:
            for mutable in self._mutables.values():
                mutable.random(sample, rng)
        except SampleValidationError:
            return None
        return {label: sample[label] for label in self._mutables} if self._valid(sample) else None

    def text(self, sample: Mapping[str, Any]) -> str | None:
        """What the surrogate reads; None marks an invalid candidate."""
        own = {label: sample[label] for label in self._mutables}
        if self._to_text:
            return self._to_text(own)
        written = (
            words(label, choice, self._spans[label], log=label in self._logs, exact=label in self._alike)
            for label, choice in own.items()
        )
        return " ".join(word for found in written for word in found)

    def other_labels(self, sample: Mapping[str, Any]) -> set[str]:
        """Labels that either the sample or the space does not have."""
        return set(sample) ^ set(self._mutables)

    def own(self, sample: Mapping[str, Any]) -> Sample:
        """A sample that was dumped and loaded, with the space's own choices: a tuple comes back as a list."""
        return {label: self._own(label, choice) for label, choice in sample.items()}

    def _own(self, label: str, choice: Any) -> Any:
        choices = self._choices.get(label, {})
        several = isinstance(self._mutables.get(label), CategoricalMultiple)
        return [choices.get(nni.dump(one), one) for one in choice] if several else choices.get(nni.dump(choice), choice)

    @cached_property
    def _choices(self) -> dict[str, dict[str, Any]]:
        """Label -> what each choice is dumped as -> the choice; numbers have none."""
        return {
            label: {nni.dump(choice): choice for choice in cast(Sequence[Any], mutable.values)}
            for label, mutable in self._mutables.items()
            if isinstance(mutable, (Categorical, CategoricalMultiple))
        }

    def _kept(self, rng: RandomState) -> list[str]:
        """All labels but two or a few more."""
        labels = list(self._mutables)
        changed = min(len(labels), 1 + rng.geometric(0.5))
        return [labels[place] for place in rng.permutation(len(labels))[changed:]]

    def _valid(self, sample: Sample) -> bool:
        """Whether the sample keeps the space's rules; they may note something in what they check, so in a copy."""
        try:
            return all(rule.check_contains(dict(sample)) is None for rule in self._rules)
        except SampleValidationError:
            return False


def _values(mutable: LabeledMutable) -> list[Any]:
    """Choices as a sample has them, those of which several are chosen in a list; of a number none."""
    if isinstance(mutable, CategoricalMultiple):
        return [[one] for one in cast(Sequence[Any], mutable.values)]
    return cast(list[Any], mutable.values) if isinstance(mutable, Categorical) else []


def _span(mutable: LabeledMutable) -> float | None:
    """Width of a number's range."""
    if not isinstance(mutable, Numerical) or mutable.log_distributed:
        return None
    if mutable.sigma is not None:
        return mutable.sigma
    width = mutable.high - mutable.low
    return width if np.isfinite(width) else None
