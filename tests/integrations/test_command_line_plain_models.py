"""The plain models that a surrogate is compared with."""

from __future__ import annotations

import math

import numpy as np
import pytest

from prerank.integrations.command_line_plain_models import LEARNERS, totals


@pytest.mark.parametrize("name", LEARNERS)
def test_plain_models_learn_from_what_did_not_fail(name: str) -> None:
    texts = [f"net width={n}" for n in range(1, 41)]
    values = np.array([math.nan if n % 7 == 0 else float(n**2) for n in range(1, 41)])
    asked = ["net width=2", "net width=12", "net width=35"]
    small, middle, large = LEARNERS[name](texts, values, asked)
    assert small < middle < large
    assert not LEARNERS[name](texts[:2], values[:2], asked).any()  # two values teach nothing


def test_totals_are_known_where_all_texts_name_them() -> None:
    texts = ["params_m=0.5 macs_m=3 conv", "macs_m=2e3 params=7"]
    assert {name: sizes.tolist() for name, sizes in totals(texts).items()} == {
        "parameters": [0.5, 7],
        "MACs": [3, 2000],
    }
    assert list(totals(["params_m=1 macs=1", "macs=2"])) == ["MACs"]
    assert totals(["params_m=2E-05", "params=.5e+3"])["parameters"].tolist() == [2e-05, 500]
