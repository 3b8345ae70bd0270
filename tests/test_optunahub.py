"""The package for OptunaHub's registry: it loads offline, and says what a registry asks for."""

from __future__ import annotations

import inspect
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import optuna
import optunahub

from prerank.integrations.optuna import RLMSampler

REGISTRY = Path(__file__).parents[1] / "optunahub" / "package"
PACKAGE = REGISTRY / "samplers" / "rlm"


def packaged_tests() -> ModuleType:
    """The tests that the registry runs; collected where they are, their folder would hide the library optunahub."""
    spec = spec_from_file_location("packaged_tests", PACKAGE / "tests" / "test_sampler.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TestRLMSampler = packaged_tests().TestRLMSampler


def test_it_loads_and_samples() -> None:
    module = optunahub.load_local_module("samplers/rlm", registry_root=str(REGISTRY))
    study = optuna.create_study(sampler=module.RLMSampler(seed=0))
    study.optimize(lambda trial: (trial.suggest_float("x", -5, 5) - 2) ** 2, n_trials=12)
    assert study.best_value < 0.1


def test_front_matter_and_files_are_what_the_registry_asks_for() -> None:
    lines = (PACKAGE / "README.md").read_text("utf-8").split("---")[1].strip().splitlines()
    front = dict(line.split(": ", 1) for line in lines)
    assert set(front) == {"author", "title", "description", "tags", "optuna_versions", "license"}
    assert front["license"] == "MIT License"
    assert "sampler" in front["tags"]
    assert (PACKAGE / "LICENSE").read_text("utf-8").startswith(front["license"])
    assert {"__init__.py", "example.py", "requirements.txt"} <= {path.name for path in PACKAGE.iterdir()}


def test_the_readme_has_the_signature_of_the_sampler() -> None:
    given = inspect.signature(RLMSampler).parameters.values()
    defaults = {one.name: getattr(one.default, "__name__", repr(one.default)) for one in given}
    signature = ", ".join(f"{name}={default}" for name, default in defaults.items())
    assert f"`RLMSampler(*, {signature})`" in (PACKAGE / "README.md").read_text("utf-8")
