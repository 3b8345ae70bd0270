"""rlm_prune inside the real Autotuner, interpreted or without a launch: what is kept, and its guards."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from prerank.surrogate import Prediction

triton = pytest.importorskip("triton")
import pruned_launches  # noqa: E402
import triton.language as tl  # noqa: E402
from pruned_launches import A100, HERE, Bench, FakeSurrogate, choices, kernel, launch, pruned, quiet  # noqa: E402

from prerank.integrations import triton as host  # noqa: E402
from prerank.integrations import triton_perf_model, triton_pruning  # noqa: E402
from prerank.integrations.triton import rlm_prune  # noqa: E402
from prerank.integrations.triton_decisions import Decisions  # noqa: E402

pytestmark = pytest.mark.usefixtures("interpreted")


@pytest.mark.filterwarnings("ignore:rlm_prune is not sure")
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


def test_what_spills_registers_is_benchmarked_last(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The surrogate expects most of small numbers, and one warp has the sums of 64 x 128 to hold."""
    monkeypatch.setenv("PRERANK_EXPLAIN", "1")
    monkeypatch.setenv("COLUMNS", "200")
    blocks = {"BLOCK_SIZE_M": 64, "BLOCK_SIZE_N": 128, "BLOCK_SIZE_K": 32}
    configs = [triton.Config(blocks, num_warps=warps) for warps in (8, 1, 4)]
    found = pruned(kernel(quiet(top_k=2), configs=configs))
    assert [config.num_warps for config in found] == [8, 4]
    assert "comes last: an accumulator of 256 registers a thread, of 255" in capsys.readouterr().err


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


@pytest.mark.filterwarnings("ignore:rlm_prune is not sure")
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


def test_the_same_is_kept_100_times_of_100() -> None:
    kept = [pruned(kernel(quiet(surrogate=FakeSurrogate(), top_k=6))) for _ in range(100)]  # each asks anew
    assert len({str([str(config) for config in configs]) for configs in kept}) == 1


@pytest.mark.slow
def test_the_packaged_weights_choose_the_same_in_every_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(Path(pruned_launches.__file__).parent)!r})\n"
        "import os; os.environ['TRITON_INTERPRET'] = '1'\n"
        "import pruned_launches as t\n"
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
