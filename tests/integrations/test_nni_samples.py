"""Samples of a model space, without its models."""

from __future__ import annotations

from typing import Any, cast

import nni
from nni.mutable import Categorical, CategoricalMultiple, MutableDict, Numerical
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.space import RawFormatModelSpace
from numpy.random import RandomState

from prerank.integrations.nni_samples import SampleSpace


def test_what_was_dumped_and_loaded_can_be_varied_as_before() -> None:
    mutables = {
        "word": Categorical([("a",), ("b", 1), None, "c"], label="word"),
        "some": CategoricalMultiple([(1, 2), (3,), None], n_chosen=2, label="some"),
        "x": Numerical(0, 1, label="x"),
    }
    space = SampleSpace(RawFormatModelSpace(cast(Any, MutableDict(mutables)), FunctionalEvaluator(print)), None)
    rng = RandomState(0)
    drawn = [sample for _ in range(20) if (sample := space.draw(rng)) is not None]
    loaded = [space.own(nni.load(nni.dump(sample))) for sample in drawn]
    assert loaded == drawn
    assert all(space.draw(rng, loaded) is not None for _ in range(50))


def test_choices_that_read_alike_are_told_apart() -> None:
    mutables = {
        "word": Categorical([True, "True", "a b", "a_b"], label="word"),
        "some": CategoricalMultiple(["1", 1, "b"], n_chosen=1, label="some"),
        "usual": Categorical([False, "a b"], label="usual"),
    }
    space = SampleSpace(RawFormatModelSpace(cast(Any, MutableDict(mutables)), FunctionalEvaluator(print)), None)
    rng = RandomState(0)
    drawn = [sample for _ in range(300) if (sample := space.draw(rng)) is not None]
    found = [dict(word.split("=") for word in (space.text(sample) or "").split()) for sample in drawn]
    assert {each["word"] for each in found} == {"True", "'True'", r"'a\x20b'", "'a_b'"}
    assert {each["some"] for each in found} == {"['1']", "[1]", "['b']"}
    assert {each["usual"] for each in found} == {"False", "a_b"}


def test_a_choice_that_the_space_no_longer_has_is_left_as_it_is() -> None:
    mutables = {"word": Categorical(["a", "b"], label="word")}
    space = SampleSpace(RawFormatModelSpace(cast(Any, MutableDict(mutables)), FunctionalEvaluator(print)), None)
    assert space.own({"word": "gone", "rest": 1}) == {"word": "gone", "rest": 1}


def test_mutations_change_two_choices_or_a_few_more() -> None:
    mutables = {f"x{place}": Numerical(0, 1, label=f"x{place}") for place in range(6)}
    space = SampleSpace(RawFormatModelSpace(cast(Any, MutableDict(mutables)), FunctionalEvaluator(print)), None)
    rng = RandomState(0)
    parent = space.draw(rng)
    assert parent is not None
    children = [sample for _ in range(400) if (sample := space.draw(rng, [parent])) is not None]
    changed = [len(child.items() - parent.items()) for child in children]
    assert 0.4 < sum(count == 2 for count in changed) / len(changed) < 0.6
