"""Searches in NNI's own engines and calls, in this process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import nni
from fake_surrogate import FakeSurrogate
from nni.mutable import (
    Categorical,
    MutableDict,
)
from nni.nas.evaluator import FunctionalEvaluator
from nni.nas.execution import SequentialExecutionEngine
from nni.nas.space import RawFormatModelSpace

from prerank.integrations.nni import (
    RLMStrategy,
    RLMTuner,
)

SPACE: dict[str, Any] = {
    "word": {"_type": "choice", "_value": ["a", "bb", "ccc", "dddd"]},
    "n": {"_type": "randint", "_value": [1, 5]},
}


def to_text(choices: dict[str, Any]) -> str | None:
    return choices["word"] * choices["n"] if choices["n"] > 1 else None


OPTIONS: dict[str, Any] = {"to_text": to_text, "pool_size": 16, "seed": 0}


def tuner(**options: Any) -> RLMTuner:
    options.setdefault("surrogate", FakeSurrogate())
    made = RLMTuner(**(OPTIONS | options))
    made.update_search_space(SPACE)
    return made


class Choices(RawFormatModelSpace):
    """Models that are no more than what was chosen."""

    def executable_model(self) -> Any:
        return self.sample


def model_space(evaluate: Callable[[Any], Any] | None = None, **mutables: Any) -> Choices:
    word = Categorical(["a", "bb", "ccc", "dddd"], label="word")
    space = mutables or {"word": word, "n": Categorical([1, 2, 3, 4], label="n")}
    return Choices(cast(Any, MutableDict(space)), FunctionalEvaluator(evaluate or report_letters))


def report_letters(model: Any) -> None:
    nni.report_final_result(float(len(model["word"]) * model["n"]))


def strategy(**options: Any) -> RLMStrategy:
    options.setdefault("surrogate", FakeSurrogate())
    return RLMStrategy(**(OPTIONS | options))


def engine(count: int | None = None, **options: Any) -> SequentialExecutionEngine:
    return SequentialExecutionEngine(max_model_count=count, **options)


def samples(run: SequentialExecutionEngine) -> list[Any]:
    return [model.sample for model in run.list_models()]
