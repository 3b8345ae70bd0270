"""rlm_prune inside the real Autotuner, under the interpreter or without launching at all."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prerank.surrogate import Prediction

triton = pytest.importorskip("triton")
import triton.language as tl  # noqa: E402

from prerank.integrations import triton as host  # noqa: E402
from prerank.integrations import triton_perf_model, triton_pruning  # noqa: E402
from prerank.integrations.triton import RLMPrune, export, rlm_prune  # noqa: E402
from prerank.integrations.triton_decisions import Decisions  # noqa: E402
from prerank.integrations.triton_launch import read_tuning  # noqa: E402

A100 = "NVIDIA A100"
HERE = "interpreter"  # what runs the kernels of these tests


class FakeSurrogate:
    """Predicts the sum of the numbers in a text, or the opposite of what it observed; trusts itself as told."""

    def __init__(self, trust: float = 1.0) -> None:
        self.trust, self.provenance = trust, {"fake": trust}
        self.asked: list[Sequence[str]] = []
        self.observed: list[tuple[Any, Sequence[str], Sequence[float]]] = []

    def fork(self) -> FakeSurrogate:
        return self

    def predict(self, problem: Any, texts: Sequence[str]) -> Prediction:
        self.asked.append(texts)
        value = np.array([[float(sum(map(int, "".join(c if c.isdigit() else " " for c in t).split())))] for t in texts])
        value, ones = value.reshape(-1, 1), np.ones(len(texts))
        return Prediction(value, value, ones[:, None], 0 * ones, self.trust * ones)

    def observe(self, problem: Any, texts: Sequence[str], values: Any) -> None:
        self.observed.append((problem, texts, list(values)))


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    for name in ("PRERANK_PRUNE", "PRERANK_EXPLAIN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(triton_pruning, "_decisions", Decisions())


def choices(stages: Sequence[int] = (2, 3)) -> list[Any]:
    return [
        triton.Config({"BLOCK_SIZE_M": m, "BLOCK_SIZE_N": n, "BLOCK_SIZE_K": 32}, num_warps=w, num_stages=s)
        for m in (64, 32, 128)
        for n in (64, 32)
        for s in stages
        for w in (4, 8)
    ]


class Bench:
    """Takes the place of Triton's benchmark: the larger m, the faster; notes what was measured."""

    def __init__(self) -> None:
        self.measured: list[Any] = []

    def __call__(self, kernel_call: Callable[[], None], quantiles: Sequence[float]) -> list[float]:
        config = inspect.getclosurevars(kernel_call).nonlocals["config"]
        self.measured.append(config)
        return [1.0 / config.kwargs["BLOCK_SIZE_M"] + config.num_warps / 1e5] * 3


def kernel(prune: Any, bench: Bench | None = None, configs: list[Any] | None = None) -> Any:
    @triton.autotune(configs or choices(), key=["M", "N", "K"], prune_configs_by=prune, do_bench=bench or Bench())
    @triton.jit
    def matmul_kernel(
        a_ptr,
        b_ptr,
        c_ptr,
        M,  # noqa: N803
        N,  # noqa: N803
        K,  # noqa: N803
        BLOCK_SIZE_M: tl.constexpr,  # noqa: N803
        BLOCK_SIZE_N: tl.constexpr,  # noqa: N803
        BLOCK_SIZE_K: tl.constexpr,  # noqa: N803
    ):
        for start in range(K, 0, BLOCK_SIZE_K):  # no round, but what has no such loop in its source is not bounded
            tl.dot(tl.load(a_ptr + start), tl.load(b_ptr + start))
        tl.store(c_ptr, 1.0)

    return matmul_kernel


def launch(kernel: Any, size: int = 1024) -> Any:
    matrix = torch.zeros(4, 4, dtype=torch.float16)
    kernel[(1,)](matrix, matrix, matrix, size, size, size)
    return kernel.best_config


def pruned(kernel: Any, size: int = 1024) -> list[Any]:
    matrix = torch.zeros(4, 4, dtype=torch.float16)
    kernel.nargs = dict(zip(kernel.arg_names, [matrix, matrix, matrix, size, size, size], strict=False))
    return kernel.prune_configs({"grid": (1,), "warmup": False})


def quiet(**options: Any) -> RLMPrune:
    return rlm_prune(**({"device": A100, "surrogate": FakeSurrogate()} | options))


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


@given(st.integers(1, 24), st.floats(0, 1), st.integers(0, 23), st.randoms())
@settings(max_examples=30)
def test_what_is_kept_is_a_stable_subset_with_the_default(top_k: int, trust: float, default: int, random: Any) -> None:
    configs = choices()
    random.shuffle(configs)
    surrogate = FakeSurrogate(trust)
    found = pruned(kernel(quiet(top_k=top_k, surrogate=surrogate, keep=configs[default]), configs=configs))
    places = [next(n for n, own in enumerate(configs) if own is config) for config in found]  # the same objects
    assert places == sorted(set(places))
    assert len(found) == top_k
    assert default in places or (top_k == 1 and trust > 0.3)


def test_the_best_predicted_are_kept_beside_the_default() -> None:
    configs = choices()
    found = pruned(kernel(quiet(top_k=3), configs=configs))
    by_sum = sorted(configs[1:], key=lambda c: sum(c.kwargs.values()) + c.num_warps + c.num_stages)
    assert {id(config) for config in found} == {id(config) for config in [configs[0], *by_sum[:2]]}


@pytest.mark.parametrize("keep", ["one", "several", "a function"])
def test_what_is_named_is_always_kept(keep: str) -> None:
    configs = choices()
    last = configs[-1]
    named: Any = {"one": last, "several": [last], "a function": lambda config: config is last}[keep]
    found = pruned(kernel(quiet(top_k=2, keep=named), configs=configs))
    assert any(config is last for config in found)
    assert not any(config is configs[0] for config in found)


def test_one_batched_question_a_key_then_none() -> None:
    surrogate = FakeSurrogate()
    tuned, bench = None, Bench()
    tuned = kernel(quiet(top_k=5, surrogate=surrogate), bench)
    launch(tuned)
    assert [len(texts) for texts in surrogate.asked if len(texts) > 1] == [24]
    launch(tuned)
    launch(kernel(quiet(top_k=5, surrogate=surrogate), bench))  # a new process reads the decision
    assert [len(texts) for texts in surrogate.asked if len(texts) > 1] == [24]
    launch(tuned, 2048)
    assert [len(texts) for texts in surrogate.asked if len(texts) > 1] == [24, 24]
    assert len(bench.measured) == 15


@pytest.mark.parametrize("key", [["n"], []])
def test_whole_numbers_that_are_no_key_tell_no_launches_apart(key: list[str]) -> None:
    def dropout(seed: int, n: int = 64) -> None:
        @triton.autotune(configs, key=key, prune_configs_by=quiet(surrogate=surrogate, top_k=2), do_bench=Bench())
        @triton.jit
        def dropout_kernel(y_ptr, n, seed, BLOCK_SIZE_M: tl.constexpr):  # noqa: N803
            tl.store(y_ptr, 1.0)

        dropout_kernel[(1,)](torch.zeros(4), n, seed)

    surrogate, configs = FakeSurrogate(), [triton.Config({"BLOCK_SIZE_M": m}) for m in (16, 32, 64, 128, 256, 512)]
    with rlm_prune.record():
        dropout(7)
    asked = len(surrogate.asked)
    dropout(8)
    assert (len(surrogate.asked) == asked) == (key == ["n"])
    asked = len(surrogate.asked)
    dropout(8, 128)
    assert len(surrogate.asked) > asked


def test_top_k_1_launches_nothing_for_a_benchmark() -> None:
    bench = Bench()
    tuned = kernel(quiet(top_k=1), bench)
    best = launch(tuned)
    assert bench.measured == []
    assert (best.kwargs["BLOCK_SIZE_M"], best.num_warps) == (32, 4)
    launch(kernel(quiet(top_k=2), bench))
    assert len(bench.measured) == 2


def test_what_cannot_run_is_dropped_before_anything_is_asked_of_it() -> None:
    configs = choices((2, 60))
    assert {config.num_stages for config in pruned(kernel(quiet(top_k=12), configs=configs))} == {2}
    assert len(pruned(kernel(quiet(top_k=13), configs=configs))) == 12
    assert len(pruned(kernel(quiet(top_k=3, keep=lambda c: c.num_stages == 60), configs=configs))) == 3
    assert len(pruned(kernel(quiet(top_k=3), configs=choices((60, 61))))) == 3  # a bound that leaves nothing is wrong
    assert 60 not in {c.num_stages for c in pruned(kernel(quiet(surrogate=FakeSurrogate(0.0)), configs=configs))}


def test_a_current_device_that_is_not_listed_is_bounded_as_its_driver_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "device_name", lambda: "NVIDIA L20")
    monkeypatch.setattr(triton_pruning, "shared_memory", lambda: 99 * 1024)
    monkeypatch.setattr(triton_pruning, "current_family", lambda: "ada")
    configs, surrogate = choices((2, 60)), FakeSurrogate()
    found = pruned(kernel(quiet(device=None, surrogate=surrogate, top_k=24), configs=configs))
    assert {config.num_stages for config in found} == {2}


def test_a_device_that_nothing_is_compiled_for_is_named_once() -> None:
    tuned = kernel(quiet(device="Frobnicator 9", compile=True))
    with pytest.warns(UserWarning, match="compiles nothing for Frobnicator 9") as caught:
        assert [len(pruned(tuned, size)) for size in (64, 128)] == [6, 6]
    assert len(caught) == 1


def test_what_runs_at_sizes_that_are_no_multiple_of_16_is_kept() -> None:
    configs = choices((2, 60))
    for size, stages in ((1024, {2}), (1000, {2, 60})):
        found = pruned(kernel(quiet(surrogate=FakeSurrogate(0.0)), configs=configs), size)
        assert {config.num_stages for config in found} == stages


@pytest.mark.parametrize("form", [lambda prune: prune, dict])
def test_a_failing_surrogate_costs_nothing_but_one_warning(form: Callable[[Any], Any]) -> None:
    class Broken(FakeSurrogate):
        def predict(self, problem: Any, texts: Sequence[str]) -> Prediction:
            raise RuntimeError("out of memory")

    tuned = kernel(form(quiet(surrogate=Broken(), top_k=5)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert [len(pruned(tuned, size)) for size in (1, 2, 3)] == [24] * 3
    assert len([w for w in caught if "out of memory" in str(w.message)]) == 1


@pytest.mark.filterwarnings("ignore:rlm_prune is not sure")
def test_a_surrogate_that_has_learnt_is_trusted_more() -> None:
    surrogate = FakeSurrogate(0.0)
    setattr(surrogate, "fingerprint", "before")  # noqa: B010
    tuned = kernel(quiet(surrogate=surrogate, device="Frobnicator 9"))
    assert len(pruned(tuned)) == 24
    surrogate.trust, surrogate.fingerprint = 1.0, "after"  # pyright: ignore[reportAttributeAccessIssue]
    assert len(pruned(tuned)) == 6


def test_little_trust_is_said_once() -> None:
    tuned = kernel(quiet(surrogate=FakeSurrogate(0.4), device="Frobnicator 9"))
    with pytest.warns(UserWarning, match=r"not sure of matmul_kernel on Frobnicator 9 \(trust 0.40\)") as caught:
        kept = [len(pruned(tuned, size)) for size in (64, 128)]
    assert len(caught) == 1
    assert 6 < kept[0] == kept[1] < 24


def test_switches(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("PRERANK_PRUNE", "0")
    assert len(pruned(kernel(quiet(top_k=5)))) == len(pruned(kernel(dict(quiet(top_k=5))))) == 24
    monkeypatch.delenv("PRERANK_PRUNE")
    monkeypatch.setenv("PRERANK_EXPLAIN", "1")
    monkeypatch.setenv("COLUMNS", "200")
    assert len(pruned(kernel(quiet(top_k=5), configs=choices((2, 60))))) == 5
    told = capsys.readouterr().err
    assert "matmul_kernel on NVIDIA A100: 5 of 24 configs kept" in told
    assert all(word in told for word in ("default", "predicted slower", "KB of shared memory", "90 % interval"))


def test_an_explanation_changes_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    with rlm_prune.record():
        best = launch(kernel(quiet(device=HERE), Bench()))
    monkeypatch.setenv("PRERANK_EXPLAIN", "1")
    bench, surrogate = Bench(), FakeSurrogate()
    assert str(launch(kernel(quiet(device=HERE, surrogate=surrogate), bench))) == str(best)
    again = Bench()
    assert str(launch(kernel(quiet(device=HERE, surrogate=surrogate), again))) == str(best)
    assert again.measured == []


def test_a_broken_explanation_keeps_the_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    surrogate = FakeSurrogate()
    before = pruned(kernel(quiet(surrogate=surrogate, top_k=5)))
    monkeypatch.setattr(surrogate, "predict", lambda *_: 1 / 0)
    monkeypatch.setenv("PRERANK_EXPLAIN", "1")
    with pytest.warns(UserWarning, match="cannot explain matmul_kernel"):
        assert pruned(kernel(quiet(surrogate=surrogate, top_k=5))) == before


def test_a_share_of_all_stays_all_after_it_was_measured() -> None:
    surrogate = FakeSurrogate()
    with rlm_prune.record():
        launch(kernel(quiet(device=HERE, top_k=1.0, surrogate=surrogate), Bench()))
    assert len(pruned(kernel(quiet(device=HERE, top_k=1.0, surrogate=surrogate)))) == 24


def test_a_kept_decision_tells_configurations_of_one_text_apart() -> None:
    hooked = triton.Config({"BLOCK_SIZE_M": 64, "BLOCK_SIZE_N": 64, "BLOCK_SIZE_K": 32}, pre_hook=lambda _: None)
    plain = triton.Config(dict(hooked.kwargs))
    prune = quiet(surrogate=FakeSurrogate(0.0), top_k=1, keep=lambda config: config.pre_hook is not None)
    for _ in range(2):
        assert pruned(kernel(prune, configs=[hooked, plain]))[0] is hooked


def test_a_decorated_kernel_comes_before_an_attached_one(tmp_path: Path) -> None:
    def other_kernel(x: Any) -> None: ...

    prune = quiet(top_k=5)
    prune.attach(other_kernel)
    pruned(kernel(prune))
    assert [file.name.partition("-")[0] for file in tmp_path.rglob("*.decisions.jsonl")] == ["matmul_kernel"]


def test_surrogates_without_a_fingerprint_are_told_apart() -> None:
    class Stranger(FakeSurrogate):
        def __init__(self, sign: int) -> None:
            super().__init__()
            del self.provenance
            self.sign = sign

        def predict(self, problem: Any, texts: Sequence[str]) -> Prediction:
            found = super().predict(problem, texts)
            value = self.sign * found.lower
            return Prediction(value, value, found.mass, found.p_fail, found.trust)

    kept = [pruned(kernel(quiet(surrogate=Stranger(sign), top_k=3))) for sign in (1, -1)]
    assert kept[0] != kept[1]


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


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("fails", [False, True])
def test_warnings_that_are_errors_end_nothing_and_change_no_choice(
    fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    surrogate = FakeSurrogate(0.4)
    if fails:
        monkeypatch.setattr(surrogate, "predict", lambda *_: 1 / 0)
    tuned = kernel(quiet(surrogate=surrogate, device="Frobnicator 9"))
    found = [len(pruned(tuned, size)) for size in (64, 128)]
    assert found == [24, 24] if fails else 6 < found[0] == found[1] < 24


@pytest.mark.parametrize("form", [lambda prune: prune, dict])
def test_an_autotuner_that_is_not_found_costs_nothing_but_one_warning(
    form: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost() -> None:
        raise RuntimeError("no such frame")

    for module in (host, triton_perf_model):
        monkeypatch.setattr(module, "calling_autotuner", lost)
    tuned = kernel(form(quiet()))
    with pytest.warns(UserWarning, match="no such frame") as caught:
        assert [len(pruned(tuned, size)) for size in (64, 128)] == [24, 24]
    assert len(caught) == 1


def test_recorded_timings_settle_the_launch_and_teach_the_next() -> None:
    bench, surrogate = Bench(), FakeSurrogate()
    with rlm_prune.record():
        best = launch(kernel(quiet(device=HERE, surrogate=surrogate), bench))
    assert len(bench.measured) == 6
    again = Bench()
    assert str(launch(kernel(quiet(device=HERE, surrogate=surrogate), again))) == str(best)
    assert again.measured == []
    launch(kernel(quiet(device=HERE, surrogate=surrogate), Bench()), 2048)
    problem, texts, values = surrogate.observed[-1]
    assert problem.metric == "latency_ms"
    assert "m=1024" in problem.context
    assert len(texts) == 6
    assert min(values) == pytest.approx(1 / best.kwargs["BLOCK_SIZE_M"] + 4e-5, rel=1e-3)
    nobody = Bench()
    launch(kernel(quiet(device=HERE, surrogate=surrogate), nobody), 512)
    assert len(recorded().read_text().splitlines()) == 6  # nothing is written after the statement


def recorded() -> Path:
    """The file of timings."""
    (file,) = (Path(os.environ["PRERANK_CACHE"]) / "triton").glob("*.measurements.jsonl")
    return file


def test_timings_are_those_of_what_ran_whatever_is_pruned_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "device_name", lambda: "NVIDIA L4")
    with rlm_prune.record():
        launch(kernel(quiet(device=A100), Bench()))
        launch(kernel(quiet(device=None), Bench()))
    rows = [json.loads(line) for line in recorded().read_text().splitlines()]
    assert {row["launch"]["device"] for row in rows} == {HERE}
    bench, surrogate = Bench(), FakeSurrogate()
    launch(kernel(quiet(device=None, surrogate=surrogate), bench))
    assert (len(bench.measured), surrogate.observed) == (6, [])


def test_another_triton_settles_nothing_and_teaches(monkeypatch: pytest.MonkeyPatch) -> None:
    surrogate = FakeSurrogate()
    with rlm_prune.record():
        launch(kernel(quiet(device=HERE, surrogate=surrogate), Bench()))
    asked, bench = len(surrogate.asked), Bench()
    monkeypatch.setattr(triton, "__version__", "99.0")
    launch(kernel(quiet(device=HERE, surrogate=surrogate), bench))
    assert len(bench.measured) > 1
    assert len(surrogate.asked) > asked
    assert len(surrogate.observed) == 1


def test_a_torn_line_of_a_crash_does_not_hurt() -> None:
    with rlm_prune.record():
        launch(kernel(quiet(device=HERE), Bench()))
    with recorded().open("a") as lines:
        lines.write('{"version": 1, "launch": {"ker')
    with rlm_prune.record():
        launch(kernel(quiet(device=HERE), Bench()), 4096)
    surrogate = FakeSurrogate()
    launch(kernel(quiet(device=HERE, surrogate=surrogate), Bench()), 8192)
    assert "m=4096" in surrogate.observed[-1][0].context


def test_shipped_tables_need_no_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoModel:
        def predict(self, *_: Any) -> Prediction:
            raise AssertionError

    with rlm_prune.record():
        best = launch(kernel(quiet(device=HERE), Bench()))
    (file,) = export(tmp_path / "table.json", kernel="matmul_kernel")
    (vllm,) = export(tmp_path / "vllm", format="vllm", experts=8, width=7168)
    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path / "other"))
    monkeypatch.setattr(triton_pruning, "_decisions", Decisions())
    for table in (file, vllm, vllm.parent):
        bench = Bench()
        assert str(launch(kernel(quiet(device=HERE, surrogate=NoModel(), table=table), bench))) == str(best)
        assert bench.measured == []
    assert vllm.name == "E=8,N=7168,device_name=interpreter.json"
    assert set(json.loads(vllm.read_text())["1024"]) == {*best.kwargs, "num_warps", "num_stages"}
    assert json.loads(file.read_text())["entries"][0]["ms"] > 0


def test_a_shipped_choice_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pruned(kernel(quiet()))
    (table,) = export(tmp_path / "table.json")
    monkeypatch.setenv("PRERANK_EXPLAIN", "1")
    monkeypatch.setenv("COLUMNS", "200")
    assert len(pruned(kernel(quiet(table=table)))) == 1
    told = capsys.readouterr().err
    assert "1 of 24 configs kept" in told
    assert told.count("shipped in the table") == 1
    assert told.count("the table holds another") == 23


def test_exports_say_what_they_lack(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing was decided for any kernel"):
        export(tmp_path / "table.json")
    pruned(kernel(quiet()))
    with pytest.raises(ValueError, match="experts="):
        export(tmp_path, format="vllm")
    (tmp_path / "odd.json").write_text("[]")
    with pytest.raises(ValueError, match=r"odd\.json is no table"):
        host.read_table(tmp_path / "odd.json")


def test_the_same_is_kept_100_times_of_100() -> None:
    kept = [pruned(kernel(quiet(surrogate=FakeSurrogate(), top_k=6))) for _ in range(100)]  # each asks anew
    assert len({str([str(config) for config in configs]) for configs in kept}) == 1


@pytest.mark.slow
def test_the_packaged_weights_choose_the_same_in_every_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import os; os.environ['TRITON_INTERPRET'] = '1'\n"
        "import test_triton as t\n"
        "print([str(c) for c in t.pruned(t.kernel(t.rlm_prune(device=t.A100, top_k=6)))])"
    )
    told = set[str]()
    for number in range(2):
        env = {**os.environ, "PRERANK_CACHE": str(tmp_path / str(number)), "PYTHONHASHSEED": str(number)}
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
        told.add(run.stdout)
    found = set[str]()
    for number in range(10):  # what was decided before is not looked up
        monkeypatch.setenv("PRERANK_CACHE", str(tmp_path / f"same-{number}"))
        monkeypatch.setattr(triton_pruning, "_decisions", Decisions())
        found.add(str([str(config) for config in pruned(kernel(rlm_prune(device=A100, top_k=6)))]))
    assert {text.strip() for text in told} == found
