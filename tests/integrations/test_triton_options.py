"""Options of rlm_prune, alone and merged with a user's own pruner."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from prerank.surrogate import Prediction

triton = pytest.importorskip("triton")
from pruned_launches import HERE, Bench, FakeSurrogate, choices, kernel, launch, pruned, quiet  # noqa: E402

from prerank.integrations import triton as host  # noqa: E402
from prerank.integrations.triton import export, rlm_prune  # noqa: E402
from prerank.integrations.triton_launch import read_tuning  # noqa: E402

pytestmark = pytest.mark.usefixtures("interpreted")


def theirs(configs: Sequence[Any], named_args: Any, **kwargs: Any) -> list[Any]:
    return [config for config in configs if config.num_warps == 8]


@pytest.mark.parametrize(
    ("prune", "kept"),
    [
        (lambda: quiet(top_k=5), 5),
        (lambda: dict(quiet(top_k=5)), 5),
        (lambda: {**quiet(top_k=5)}, 5),
        (lambda: quiet(top_k=0.25), 6),
        (lambda: quiet(top_k=100), 24),
        (lambda: quiet(top_k=1), 1),
        (lambda: quiet(), 6),
        (lambda: quiet(surrogate=FakeSurrogate(0.0)), 24),
        (lambda: quiet(top_k=5)(top_k=3), 3),
    ],
)
@pytest.mark.filterwarnings("ignore:rlm_prune is not sure")
def test_every_form_keeps_as_many_as_it_says(prune: Callable[[], Any], kept: int) -> None:
    assert len(pruned(kernel(prune()))) == kept


@pytest.mark.parametrize(
    "prune",
    [
        lambda: {"early_config_prune": theirs} | quiet(top_k=5),
        lambda: quiet(top_k=5) | {"early_config_prune": theirs},
        lambda: quiet(top_k=5, early_config_prune=theirs),
        lambda: {**quiet(top_k=5), "early_config_prune": theirs},
        lambda: dict(quiet(top_k=5)) | {"early_config_prune": theirs},
    ],
)
def test_a_users_own_pruner_comes_first(prune: Callable[[], Any]) -> None:
    found = pruned(kernel(prune()))
    assert len(found) == 5
    assert {config.num_warps for config in found} == {8}


@pytest.mark.parametrize("keep", ["one", "several", "a function"])
def test_what_is_named_is_always_kept(keep: str) -> None:
    configs = choices()
    last = configs[-1]
    named: Any = {"one": last, "several": [last], "a function": lambda config: config is last}[keep]
    found = pruned(kernel(quiet(top_k=2, keep=named), configs=configs))
    assert any(config is last for config in found)
    assert not any(config is configs[0] for config in found)


def test_a_name_of_nothing_is_told() -> None:
    absent = choices((5,))[0]
    with pytest.warns(UserWarning, match="names none of the 24 configurations"):
        found = pruned(kernel(quiet(top_k=2, keep=absent)))
    assert len(found) == 2


@pytest.mark.parametrize(("trust", "warns"), [(0.0, True), (0.4, False)])
@pytest.mark.parametrize(("top_k", "kept"), [(5, 5), (0.25, 6), (1, 1), (24, 24)])
def test_what_is_kept_blindly_since_it_was_asked_for_is_said(
    trust: float, warns: bool, top_k: float, kept: int
) -> None:
    tuned = kernel(quiet(surrogate=FakeSurrogate(trust), top_k=top_k))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [len(pruned(tuned, size)) for size in (64, 128)] == [kept, kept]
    told = [str(own.message) for own in caught]
    assert len(told) == (warns and kept < 24)
    assert all(f"(trust 0.00): {kept} of 24 configurations are kept, as top_k asks" in text for text in told)


def test_a_share_of_all_stays_all_after_it_was_measured() -> None:
    surrogate = FakeSurrogate()
    with rlm_prune.record():
        launch(kernel(quiet(device=HERE, top_k=1.0, surrogate=surrogate), Bench()))
    assert len(pruned(kernel(quiet(device=HERE, top_k=1.0, surrogate=surrogate)))) == 24


class TestUsersPrunerInADict:
    """``dict(rlm_prune(top_k=8)) | {"early_config_prune": mine}``: Triton asks ``perf_model``."""

    def dict_of(self, prune: Any, theirs: Any = theirs) -> Any:
        return dict(prune) | {"early_config_prune": theirs}

    def test_a_failing_surrogate_leaves_all(self) -> None:
        class Broken(FakeSurrogate):
            def predict(self, problem: Any, texts: Sequence[str]) -> Prediction:
                raise RuntimeError("out of memory")

        configs = choices()
        with pytest.warns(UserWarning, match="out of memory") as caught:
            found = pruned(kernel(self.dict_of(quiet(top_k=5, surrogate=Broken())), configs=configs))
        assert found == [config for config in configs if config.num_warps == 8]
        assert len(caught) == 1

    def test_what_was_measured_or_is_shipped_settles_a_launch(self, tmp_path: Path) -> None:
        surrogate = FakeSurrogate()
        with rlm_prune.record():
            best = launch(kernel(self.dict_of(quiet(device=HERE, surrogate=surrogate)), Bench()))
        (table,) = export(tmp_path / "table.json")
        for options in {"surrogate": surrogate}, {"table": table, "surrogate": FakeSurrogate(0.0)}:
            bench = Bench()
            found = launch(kernel(self.dict_of(quiet(device=HERE, **options)), bench))
            assert (found.kwargs["BLOCK_SIZE_M"], found.num_warps) == (best.kwargs["BLOCK_SIZE_M"], best.num_warps)
            assert bench.measured == []

    def test_one_is_kept_without_a_benchmark(self) -> None:
        bench = Bench()
        best = launch(kernel(self.dict_of(quiet(top_k=1)), bench))
        assert (best.kwargs["BLOCK_SIZE_M"], best.num_warps, bench.measured) == (32, 8, [])
        launch(kernel(self.dict_of(quiet(top_k=2)), bench))
        assert len(bench.measured) == 2

    def test_configurations_that_it_makes_are_ranked(self) -> None:
        made = [triton.Config({**config.kwargs, "BLOCK_SIZE_K": 16}, num_warps=2) for config in choices((2,))[::2]]
        found = pruned(kernel(self.dict_of(quiet(top_k=2), lambda *_, **__: made)))
        sums = [sum(config.kwargs.values()) for config in made]
        assert found == [made[sums.index(min(sums))], made[0]]

    def test_each_configuration_has_its_own_place_and_a_launch_is_read_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def made(**options: int) -> Any:
            return triton.Config({"BLOCK_SIZE_M": 64, "BLOCK_SIZE_N": 64, "BLOCK_SIZE_K": 64}, **options)

        def reading(*told: Any) -> Any:
            read.append(told)
            return read_tuning(*told)

        read: list[Any] = []
        configs = [made(), made(num_warps=8), made(), made(maxnreg=32)]
        configs[0].kwargs["BLOCK_SIZE_K"] = 32
        monkeypatch.setattr(host, "read_tuning", reading)
        tuned = kernel(self.dict_of(quiet(top_k=3), lambda configs, *_, **__: configs), configs=configs)
        for size in (1024, 2048):
            assert pruned(tuned, size) == [configs[0], configs[2], configs[1]]
        assert len(read) == 2

    def test_it_is_explained(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        monkeypatch.setenv("PRERANK_EXPLAIN", "1")
        monkeypatch.setenv("COLUMNS", "200")
        assert len(pruned(kernel(self.dict_of(quiet(top_k=5))))) == 5
        assert capsys.readouterr().err.count("matmul_kernel on NVIDIA A100: 5 of 12 configs kept") == 1

    def test_it_can_be_switched_off(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PRERANK_PRUNE", "0")
        assert len(pruned(kernel(self.dict_of(quiet(top_k=5))))) == 12

    @pytest.mark.parametrize("trust", [1.0, 0.6, 0.0])
    @pytest.mark.filterwarnings("ignore:rlm_prune is not sure")
    def test_without_a_top_k_as_many_are_kept_as_trust_asks_for(self, trust: float) -> None:
        mine = [config for config in choices() if config.num_warps == 8]
        alone = pruned(kernel(quiet(surrogate=FakeSurrogate(trust=trust)), configs=mine))
        tuned = kernel(self.dict_of(quiet(surrogate=FakeSurrogate(trust=trust))))
        assert {str(config) for config in pruned(tuned)} == {str(config) for config in alone}
        assert tuned.perf_model._ranking is None  # it would hold the arguments, which are tensors

    def test_a_small_share_of_few_is_one(self) -> None:
        assert len(pruned(kernel(self.dict_of(quiet(top_k=0.01))))) == 1


def test_unusable_options_are_named() -> None:
    with pytest.raises(ValueError, match="top_k is 0"):
        rlm_prune(top_k=0)
    with pytest.raises(ValueError, match=r"the table tuned\.json cannot be read"):
        rlm_prune(table="tuned.json")
    with pytest.raises(ValueError, match=r"top_k is 1\.5"):
        rlm_prune(top_k=1.5)
    with pytest.raises(TypeError, match="topk"):
        rlm_prune(topk=3)
    with pytest.raises(ValueError, match=r"early_config_prune and top_k from a dict, and was given \['perf_model'\]"):
        _ = rlm_prune | {"early_config_prune": theirs, "perf_model": lambda **_: 0.0}
    with pytest.raises(ValueError, match="top_k is 0"):
        _ = rlm_prune | {"top_k": 0}
    with pytest.raises(ValueError, match="top_k is nan"):
        rlm_prune(top_k=float("nan"))
    for wrong in {"top_k": "8"}, {"top_k": True}, {"keep": (1, 2)}, {"keep": []}, {"surrogate": 3}:
        with pytest.raises(TypeError, match=f"{next(iter(wrong))} is "):
            rlm_prune(**wrong)
    for own in lambda wrong: rlm_prune(**wrong), rlm_prune.__or__:
        with pytest.raises(TypeError, match="early_config_prune is 3; give a function"):
            own({"early_config_prune": 3})


def test_it_shows_the_options_that_were_given() -> None:
    assert repr(rlm_prune) == "rlm_prune"
    assert repr(rlm_prune(top_k=3)) == repr(rlm_prune(top_k=3, keep=None)) == "rlm_prune(top_k=3)"
    told = rlm_prune(top_k=1.0, device="NVIDIA A100", compile=True)
    assert repr(told) == "rlm_prune(top_k=1.0, device='NVIDIA A100', compile=True)"
    assert repr(told(top_k=None, compile=False)) == "rlm_prune(device='NVIDIA A100')"


@pytest.mark.parametrize(("said", "kept"), [("off", 24), ("False", 24), (" NO ", 24), ("1", 5), ("", 5)])
def test_it_is_switched_off_by_any_such_word(monkeypatch: pytest.MonkeyPatch, said: str, kept: int) -> None:
    monkeypatch.setenv("PRERANK_PRUNE", said)
    assert len(pruned(kernel(quiet(top_k=5)))) == kept


def test_options_may_be_of_other_kinds_of_the_same() -> None:
    configs = choices()
    assert len(pruned(kernel(quiet(top_k=np.float32(0.25))))) == 6
    assert len(pruned(kernel(quiet(top_k=np.int64(5))))) == 5
    assert {configs[3], configs[7]} <= set(
        pruned(kernel(quiet(keep=(configs[3], configs[7]), top_k=3), configs=configs))
    )
    with pytest.raises(FileNotFoundError, match="no checkpoint"):
        rlm_prune(surrogate="nowhere")


def test_a_dict_gives_its_top_k_too_unless_the_right_side_has_one() -> None:
    given = {"early_config_prune": theirs, "top_k": 4}
    kept = [len(pruned(kernel(prune))) for prune in (quiet() | given, given | quiet(), quiet(top_k=5) | given)]
    assert kept == [4, 4, 4]
    assert len(pruned(kernel(given | quiet(top_k=5)))) == 5
    assert len(pruned(kernel(quiet() | {"top_k": 3}))) == 3
