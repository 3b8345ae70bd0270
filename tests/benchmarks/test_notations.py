"""All notations say the same."""

from __future__ import annotations

import pytest
from notations import NOTATIONS

from prerank.surrogate.fields import numbers


@pytest.mark.parametrize("notation", NOTATIONS)
def test_every_notation_states_the_same_numbers(notation: str) -> None:
    stated = numbers(NOTATIONS[notation]({"rate": 5e-4, "activation": "relu", "units": 64}))
    assert [*stated.values()] == [5e-4, 64]
