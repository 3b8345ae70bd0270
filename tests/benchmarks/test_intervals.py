"""What is said of a figure that was measured once, or alike each time."""

from __future__ import annotations

import pytest
from intervals import interval, shown
from ranks import rank, tau


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5, 0.5]])
def test_one_run_or_equal_ones_have_no_interval(values: list[float]) -> None:
    assert shown(interval(values)) == "0.500"


def test_runs_that_differ_have_one() -> None:
    assert shown(interval([0.4, 0.6]), 1) == "0.5 ± 1.3"


def test_a_model_that_says_the_same_of_all_has_no_rank_correlation() -> None:
    assert rank([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) == tau([1.0, 1.0, 1.0], [1.0, 2.0, 3.0]) == 0
    assert rank([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == tau([1.0, 2.0, 3.0], [1.0, 2.0, 3.0]) == pytest.approx(1)
