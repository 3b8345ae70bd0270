"""Which trainings are told apart, and what a table is called."""

from __future__ import annotations

import argparse

import code_accuracy


def test_a_training_of_other_arguments_is_another_one() -> None:
    arguments = argparse.Namespace(rows=None, candidates=32, steps=800)
    own = code_accuracy.told("rag", "joint", arguments)
    for name in vars(arguments):
        other = argparse.Namespace(**vars(arguments) | {name: 7})
        assert {key for key, _ in own.items() ^ code_accuracy.told("rag", "joint", other).items()} == {name}


def test_the_title_says_how_much_was_measured() -> None:
    line = {"fold": "rag", "model": "m", "long": 0.5, "tasks": {"mnist": {"spearman": 0.5, "models": 20}}}
    (title,) = code_accuracy.tables([line, line | {"fold": "ga"}])
    assert "2 folds:" in title
    (title,) = code_accuracy.tables([line | {"steps": 200}])
    assert "1 folds, 200 steps:" in title
