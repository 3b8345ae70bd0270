"""rlm_prune after timings were recorded, or shipped as a table."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from prerank.surrogate import Prediction

triton = pytest.importorskip("triton")

from pruned_launches import A100, HERE, Bench, FakeSurrogate, choices, kernel, launch, pruned, quiet  # noqa: E402

from prerank.integrations import triton as host  # noqa: E402
from prerank.integrations import triton_pruning  # noqa: E402
from prerank.integrations.triton import export, rlm_prune  # noqa: E402
from prerank.integrations.triton_decisions import Decisions  # noqa: E402

pytestmark = pytest.mark.usefixtures("interpreted")


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


@pytest.mark.parametrize(("options", "again"), [({}, 0), ({"top_k": 5}, 5), ({"top_k": 0.25}, 6), ({"top_k": 1}, 0)])
def test_how_many_are_measured_again_is_what_top_k_says(options: dict[str, Any], again: int) -> None:
    surrogate = FakeSurrogate()
    with rlm_prune.record():
        for bench in (Bench(), last := Bench()):
            launch(kernel(quiet(device=HERE, surrogate=surrogate, **options), bench))
    assert len(last.measured) == again


@pytest.mark.filterwarnings("ignore:rlm_prune is not sure")
@pytest.mark.parametrize(("trust", "top_k"), [(1.0, 4), (1.0, 3), (0.0, 4), (0.0, 2)])
def test_what_was_the_fastest_of_few_is_kept_at_the_next_shapes(trust: float, top_k: int) -> None:
    """The surrogate expects least of large blocks, which are the fastest."""

    def best(size: int, **options: Any) -> int:
        prune = quiet(device=HERE, surrogate=FakeSurrogate(trust), top_k=top_k, **options)
        return launch(kernel(prune, Bench()), size).kwargs["BLOCK_SIZE_M"]

    with rlm_prune.record():
        assert best(1024) < 128
        assert best(1100, keep=lambda config: config.kwargs["BLOCK_SIZE_M"] == 128) == 128
        assert [best(size) for size in (1200, 1300, 1400)] == [128] * 3


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_recorders_stop_in_any_order_and_leave_nothing_behind(order: Sequence[int]) -> None:
    before = triton.runtime.Autotuner._bench
    recordings = [rlm_prune.record() for _ in order]
    for place in order:
        recordings[place].stop()
        recordings[place].stop()
    assert triton.runtime.Autotuner._bench is before


def test_what_wraps_a_recorder_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    autotuner, before = triton.runtime.Autotuner, triton.runtime.Autotuner._bench
    recording = rlm_prune.record()
    hook = autotuner._bench
    with monkeypatch.context() as patched:
        patched.setattr(autotuner, "_bench", lambda *args, **meta: hook(*args, **meta))
        recording.stop()
        assert autotuner._bench is not before
        launch(kernel(quiet(device=HERE), Bench()))
        assert not [*Path(os.environ["PRERANK_CACHE"]).rglob("*.measurements.jsonl")]
    rlm_prune.record().stop()
    assert autotuner._bench is before


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


def test_what_times_have_settled_is_explained_by_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    configs, surrogate = choices(), FakeSurrogate()
    configs.append(triton.Config(dict(configs[3].kwargs), num_warps=8, num_stages=3))
    with rlm_prune.record():
        launch(kernel(quiet(device=HERE, surrogate=surrogate), Bench(), configs))
    monkeypatch.setenv("PRERANK_EXPLAIN", "1")
    monkeypatch.setenv("COLUMNS", "200")
    launch(kernel(quiet(device=HERE, surrogate=surrogate), Bench(), configs))
    told = capsys.readouterr().err
    assert told.count("default, measured the fastest: 0.0") == 1
    assert told.count("measured slower") == 5
    assert told.count("equal to another") == 1
    assert "predicted among the best" not in told


def test_exports_say_what_they_lack(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing was decided for any kernel"):
        export(tmp_path / "table.json")
    pruned(kernel(quiet()))
    with pytest.raises(ValueError, match="experts="):
        export(tmp_path, format="vllm")
    (tmp_path / "odd.json").write_text("[]")
    with pytest.raises(ValueError, match=r"odd\.json is no table"):
        host.read_table(tmp_path / "odd.json")
    (tmp_path / "odd.json").write_text("[" * 100_000)
    with pytest.raises(ValueError, match=r"odd\.json cannot be read"):
        host.read_table(tmp_path / "odd.json")
