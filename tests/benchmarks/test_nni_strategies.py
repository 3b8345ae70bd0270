"""The replay of a table in NNI: what is tried, and what is counted."""

from __future__ import annotations

import nni_strategies
import numpy as np
import pytest
from measured_rows import FOLDER

from prerank.search_spaces import nas_bench_201

CELLS = nas_bench_201.sample(np.random.default_rng(0), 2000)
TABLE = {nas_bench_201.to_text(cell): number / len(CELLS) for number, cell in enumerate(CELLS)}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(nni_strategies.strategies(None)))
def test_a_search_tries_models_of_the_table_within_its_budget(name: str) -> None:
    tried = nni_strategies.search(nni_strategies.strategies(None)[name](0), TABLE, 3)
    assert len(tried) == 3
    assert set(tried) <= set(TABLE.values())


@pytest.mark.skipif(not FOLDER.exists(), reason="the measured tables are not part of the repository")
def test_the_table_has_test_rows_alone() -> None:
    rows = nni_strategies.table(FOLDER)
    assert 1000 < len(rows) < 2500
    assert 0.9 < max(rows.values()) < 1


def test_results_become_one_table() -> None:
    one = {"strategy": "Random", "models": 1, "regret": {"mean": 1.234, "half": 0.5, "count": 3}}
    (frame,) = nni_strategies.tables([one, one | {"models": 5}]).values()
    assert frame.to_dict("records") == [{"strategy": "Random", "1": "1.23 ± 0.50", "5": "1.23 ± 0.50"}]
