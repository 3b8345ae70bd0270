from __future__ import annotations

from typing import Any

import pytest

from prerank.search_spaces import nas_bench_101
from prerank.surrogate import Problem
from prerank.surrogate.problem import Direction, as_problem


def test_a_family_shares_metric_word_and_first_line() -> None:
    here = Problem("matmul\nA100", "latency_ms m 1024")
    assert here.family == Problem("matmul\nH100", "latency_ms m 2048").family
    assert here.family != Problem("conv\nA100", "latency_ms m 1024").family
    assert here.family != Problem("matmul\nA100", "slowdown").family
    assert here.family == Problem("matmul\nA100", "latency_ms m 1024", "maximize").family


def test_the_problem_of_a_space_is_read_by_name() -> None:
    asked = nas_bench_101.problem()
    assert as_problem(asked) == Problem(asked.context, asked.metric, "maximize")


def test_a_misspelt_direction_is_named() -> None:
    with pytest.raises(ValueError, match="'minimise'"):
        Problem("c", "m", "minimise")  # type: ignore[arg-type]


def test_an_empty_metric_is_refused() -> None:
    with pytest.raises(ValueError, match="metric is empty"):
        Problem("c", " ")


@pytest.mark.parametrize(("context", "metric", "said"), [(None, "m", "context is None"), ("c", 3, "metric is 3")])
def test_what_is_no_text_is_named(context: Any, metric: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Problem(context, metric)


def test_what_is_no_problem_is_named() -> None:
    with pytest.raises(ValueError, match="the problem is 'latency_ms'"):
        as_problem("latency_ms")  # type: ignore[arg-type]


def test_blank_lines_and_spaces_around_the_name_do_not_part_a_family() -> None:
    assert Problem("\n  matmul \nA100", "latency_ms  a").family == Problem("matmul", "latency_ms").family


@pytest.mark.parametrize(("direction", "better", "worse"), [("minimize", 1.0, 2.0), ("maximize", 2.0, 1.0)])
def test_the_better_of_two_values_is_the_lesser_loss(direction: Direction, better: float, worse: float) -> None:
    sign = Problem("here", "latency_ms", direction).loss_sign
    assert sign * better < sign * worse


def test_more_blanks_make_no_other_metric() -> None:
    assert Problem("c", " val_accuracy  cifar10 ") == Problem("c", "val_accuracy cifar10")
