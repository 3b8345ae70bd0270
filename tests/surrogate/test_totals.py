"""What one total says alone."""

from __future__ import annotations

import numpy as np
import pytest

from prerank.surrogate.gaussian_processes import GaussianProcesses
from prerank.surrogate.reading import Reading
from prerank.surrogate.totals import Totals, totals


def texts(count: int, seed: int = 0) -> list[str]:
    draws = 2 ** np.random.default_rng(seed).uniform(0, 8, size=(count, 3))
    return [
        f"params_m={a:.4g} macs_m={b:.4g} conv3x3_macs_m={b:.4g} peak_mb={c:.4g} conv3x3c64@28" for a, b, c in draws
    ]


def reading(own: list[str]) -> Reading:
    ones = np.ones(len(own))
    return Reading(own, ones, ones, 0 * ones, ones[:, None], ones[:, None])


@pytest.mark.parametrize("name", ["params_m=", "macs_m=", "peak_mb="])
def test_the_total_that_a_cost_follows_from_is_found_by_five(name: str) -> None:
    own, others = texts(5), texts(30, seed=1)
    cost, truth = (np.array([np.log(totals(text)[name]) for text in some]) for some in (own, others))
    compared = Totals(own)
    process = GaussianProcesses(compared, (cost - cost.mean()) / cost.std(), compared.kernels)
    assert np.corrcoef(process(reading(others))[0], truth)[0, 1] > 0.95


@pytest.mark.parametrize(
    "text", ["block_m=128 block_n=64 warps=4", "lr=0.1 layers=3", "conv3x3_macs_m=7", "input conv3x3<0 output<1"]
)
def test_other_numbers_are_no_totals(text: str) -> None:
    assert not totals(text)
    assert not Totals([text, text + " warps=8"]).kernels
