"""What OptunaHub loads is a sampler that passes Optuna's own suites."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import optunahub
import pytest
from optuna.samplers import BaseSampler
from optuna.testing.pytest_samplers import (
    BasicSamplerTestCase,
    MultiObjectiveSamplerTestCase,
    RelativeSamplerTestCase,
)

REGISTRY = Path(__file__).parents[3]


class TestRLMSampler(BasicSamplerTestCase, RelativeSamplerTestCase, MultiObjectiveSamplerTestCase):
    @pytest.fixture
    def sampler(self) -> Callable[[], BaseSampler]:
        module = optunahub.load_local_module("samplers/rlm", registry_root=str(REGISTRY))
        return lambda: module.RLMSampler(seed=0)
