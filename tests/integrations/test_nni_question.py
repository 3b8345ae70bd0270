"""What NNI's trials answer, as numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fake_surrogate import FakeSurrogate
from nni_searches import tuner

from prerank.integrations.nni_question import as_number


def test_a_number_beyond_all_floats_counts_as_failed() -> None:
    assert math.isnan(as_number(10**400))


@pytest.mark.parametrize("number", [np.float32(1.5), np.float64(1.5), np.int64(3), 2, 0.5])
def test_every_kind_of_number_is_a_result(number: Any) -> None:
    surrogate = FakeSurrogate()
    made = tuner(surrogate=surrogate)
    made.receive_trial_result(0, made.generate_parameters(0), {"default": number})
    assert [value for _, _, value in surrogate.observed] == [float(number)]
