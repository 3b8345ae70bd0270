"""Configurations compiled on the CPU for a device that is not there."""

# pyright: reportMissingParameterType=false, reportUnknownParameterType=false
# Triton's kernels are not annotated: an annotation would fix the type of an argument.

from __future__ import annotations

import runpy
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

triton = pytest.importorskip("triton")
import triton.language as tl  # noqa: E402

from prerank.integrations import triton_static  # noqa: E402
from prerank.integrations.triton_kernel import kernel_of  # noqa: E402
from prerank.integrations.triton_launch import Tensor, read_tuning  # noqa: E402
from prerank.integrations.triton_loop import pipelined  # noqa: E402
from prerank.integrations.triton_operands import is_aligned  # noqa: E402
from prerank.integrations.triton_static import Resources, resources, target_of  # noqa: E402
from prerank.search_spaces.launch_limits import limits, obstacle  # noqa: E402

TWO = tl.constexpr(2)


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)


def compiled(blocks: tuple[int, ...], device: str, body: str = "sum") -> dict[int, Resources]:
    @triton.jit
    def sum_kernel(x_ptr, y_ptr, n, one, BLOCK: tl.constexpr):  # noqa: N803
        tl.static_assert(BLOCK < 8192)
        place = tl.arange(0, BLOCK)
        tl.store(y_ptr, tl.sum(tl.load(x_ptr + place * one, mask=place < n)))

    configs = [triton.Config({"BLOCK": block}) for block in blocks]
    named = {"x_ptr": Tensor("float32", (4096,)), "y_ptr": Tensor("float32", (1,)), "n": 4096, "one": 1}
    tuning = read_tuning(kernel_of(sum_kernel), configs, named, {}, device)
    return resources(sum_kernel, tuning, range(len(configs)))


def test_the_compiler_tells_what_each_needs_and_what_it_refuses() -> None:
    found = compiled((256, 4096, 8192), "NVIDIA A100")
    small, large, refused = found[0], found[1], found[2]
    assert small.error is None
    assert 0 < small.shared <= 1024
    assert small.registers is not None and large.registers is not None
    assert small.registers < large.registers
    assert small.spills == 0
    assert set(small.words) == {"shared_kb", "registers", "spills"}
    assert refused.words == {}
    assert "not compiled" in (refused.obstacle(None) or "")


def compiled_once(kernel: Any, named: dict[str, Any], config: Any) -> dict[int, Resources]:
    return resources(kernel, read_tuning(kernel_of(kernel), [config], named, {}, "NVIDIA A100"), [0])


def test_defaults_types_and_heuristics_are_compiled_in() -> None:
    @triton.heuristics({"EVEN": lambda values: values["n"] % values["BLOCK"] == 0})
    @triton.jit
    def cast_kernel(x_ptr, n, OUT: tl.constexpr, EVEN: tl.constexpr, BLOCK: tl.constexpr, SCALE: tl.constexpr = TWO):  # noqa: N803
        place = tl.arange(0, BLOCK)
        mask = None if EVEN else place < n
        tl.store(x_ptr + place, (SCALE * tl.load(x_ptr + place, mask=mask)).to(OUT), mask=mask)

    named = {"x_ptr": Tensor("float32", (64,)), "n": 64, "OUT": tl.float16}
    assert compiled_once(cast_kernel, named, triton.Config({"BLOCK": 64}))[0].error is None


LOOPS = {
    "plain": "for start in range(0, K, BLOCK_K):",
    "counted rounds": "rounds = tl.cdiv(K, BLOCK_K)\n    for round in range(rounds):\n        start = round * BLOCK_K",
    "while": "start = 0\n    while start < K:\n        start += BLOCK_K",
    "unrolled": "for start in tl.static_range(0, 128, BLOCK_K):",
    "stages of its own": "for start in tl.range(0, K, BLOCK_K, num_stages=1):",
    "no loop": "start = tl.program_id(0)\n    if True:",
    "a barrier": "for start in range(0, K, BLOCK_K):\n        tl.debug_barrier()",
    "an odd start": "for start in range(1, K, BLOCK_K):",
    "a condition": "for start in range(0, K, BLOCK_K):\n      if start != tl.program_id(0):",
}
PRODUCT = """
import triton
import triton.language as tl

@triton.jit(do_not_specialize={unspecialised})
def product_kernel(
    a_ptr, b_ptr, c_ptr, K{constant}, stride_am, stride_bk,
    BLOCK_M: tl.constexpr, BLOCK_N: tl.constexpr, BLOCK_K: tl.constexpr,
):
    row, column = tl.arange(0, BLOCK_M)[:, None], tl.arange(0, BLOCK_N)[None, :]
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.float32)
    {loop}
        inner = start + tl.arange(0, BLOCK_K)
        a = tl.load(a_ptr + row * stride_am + inner[None, :], mask=inner[None, :] < K, other=0.0)
        total += tl.dot(a, tl.load(b_ptr + inner[:, None] * stride_bk + column, mask=inner[:, None] < K, other=0.0))
    tl.store(c_ptr + row * BLOCK_N + column, total)
"""


def product(folder: Path, loop: str, constant: bool = False, unspecialised: Sequence[str] = ()) -> Any:
    """A matrix product around such a loop; Triton reads its source in a file."""
    file = folder / "product.py"
    constants = ": tl.constexpr" * constant
    file.write_text(PRODUCT.format(loop=LOOPS[loop], constant=constants, unspecialised=list(unspecialised)))
    return runpy.run_path(str(file))["product_kernel"]


@pytest.mark.parametrize(
    ("loop", "constant", "k", "n", "runs"),
    [
        ("plain", False, 1024, 4096, False),
        ("plain", False, 1000, 4096, True),
        ("plain", False, 1024, 1000, True),
        ("plain", False, 1000, 1000, True),
        ("plain", True, 1024, 4096, False),
        ("plain", True, 128, 4096, False),
        ("plain", True, 64, 4096, True),
        ("counted rounds", False, 1024, 4096, False),
        ("counted rounds", True, 64, 4096, True),
        *((loop, False, 1024, 4096, True) for loop in ("while", "unrolled", "stages of its own", "no loop")),
        *((loop, False, 1024, 4096, True) for loop in ("a condition", "a barrier", "an odd start")),
    ],
)
def test_what_the_compiler_needs_is_no_less_than_the_bound(
    tmp_path: Path, loop: str, constant: bool, k: int, n: int, runs: bool
) -> None:
    kernel = product(tmp_path, loop, constant)
    config = triton.Config({"BLOCK_M": 128, "BLOCK_N": 256, "BLOCK_K": 64}, num_stages=5, num_warps=8)
    fields = {"block_m": 128, "block_n": 256, "block_k": 64, "stages": 5, "warps": 8}
    named: dict[str, Any] = {name: Tensor("float16") for name in ("a_ptr", "b_ptr", "c_ptr")}
    named |= {"K": k, "stride_am": k, "stride_bk": n}
    launch, a100 = read_tuning(kernel_of(kernel), [config], named, {}, "").launch, limits("NVIDIA A100")
    assert (compiled_once(kernel, named, config)[0].obstacle(a100.shared) is None) == runs
    (staged,) = pipelined(launch, [fields])
    assert runs == (obstacle(fields, a100, (2, 2), aligned=is_aligned(launch, [fields]), pipelined=staged) is None)


@pytest.mark.parametrize(
    ("unspecialised", "aligned"), [((), False), (("K", "stride_am", "stride_bk"), True), (("stride_am",), True)]
)
def test_what_the_compiler_is_not_to_know_or_cannot_is_not_bounded(
    tmp_path: Path, unspecialised: Sequence[str], aligned: bool
) -> None:
    kernel = product(tmp_path, "plain", unspecialised=unspecialised)
    config = triton.Config({"BLOCK_M": 128, "BLOCK_N": 256, "BLOCK_K": 64}, num_stages=5, num_warps=8)
    named: dict[str, Any] = {name: Tensor("float16", aligned=aligned) for name in ("a_ptr", "b_ptr", "c_ptr")}
    named |= {"K": 1024, "stride_am": 1024, "stride_bk": 4096}
    launch = read_tuning(kernel_of(kernel), [config], named, {}, "").launch
    assert compiled_once(kernel, named, config)[0].obstacle(limits("NVIDIA A100").shared) is None
    assert not is_aligned(launch)


def test_a_descriptor_is_compiled_unless_a_hook_is_to_give_its_block() -> None:
    @triton.jit
    def copy_kernel(x_desc, y_ptr, BLOCK: tl.constexpr):  # noqa: N803
        row = tl.arange(0, BLOCK)[:, None] * BLOCK + tl.arange(0, BLOCK)[None, :]
        tl.store(y_ptr + row, x_desc.load([0, 0]))

    descriptor = SimpleNamespace(base=torch.zeros(64, 64), block_shape=[32, 32])
    named = {"x_desc": descriptor, "y_ptr": Tensor("float32", (64, 64))}
    assert compiled_once(copy_kernel, named, triton.Config({"BLOCK": 32}))[0].error is None
    assert compiled_once(copy_kernel, named, triton.Config({"BLOCK": 32}, pre_hook=lambda _: None)) == {}


def test_where_nothing_compiles_nothing_is_said() -> None:
    assert compiled((8192, 16384), "NVIDIA A100") == {}


def test_what_needs_too_much_is_told() -> None:
    needy = Resources(shared=200 * 1024)
    assert needy.obstacle(227 * 1024) is None
    assert needy.obstacle(163 * 1024) == "compiled, 200 KB of shared memory; a block has 163"


@pytest.mark.parametrize("error", [FileNotFoundError("ptxas"), PermissionError("ptxas"), RuntimeError("none found")])
def test_without_an_assembler_registers_are_not_known(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def missing(architecture: int) -> str:
        raise error

    monkeypatch.setattr(triton_static, "_assembler", missing)
    found = compiled((256,), "NVIDIA A100")[0]
    assert (found.error, found.registers, found.spills) == (None, None, None)
    assert set(found.words) == {"shared_kb"}


def test_the_assembler_is_the_one_that_triton_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    tools = SimpleNamespace(ptxas=SimpleNamespace(path="/old"), ptxas_blackwell=SimpleNamespace(path="/new"))
    monkeypatch.setattr(triton, "knobs", SimpleNamespace(nvidia=tools))
    assert [triton_static._assembler(architecture) for architecture in (90, 100)] == ["/old", "/new"]
    monkeypatch.setattr(triton, "knobs", None)
    assert Path(triton_static._assembler(90)).parent.parent.name == "nvidia"
    monkeypatch.setenv("TRITON_PTXAS_PATH", "/told")
    assert triton_static._assembler(100) == "/told"


@pytest.mark.parametrize(
    ("device", "architecture"),
    [("NVIDIA GeForce RTX 5090", 120), ("NVIDIA B200", 100), ("NVIDIA A30", 80), ("NVIDIA A10", 86)],
)
def test_desktops_are_other_targets_than_data_centres(device: str, architecture: int) -> None:
    assert target_of(device) == ("cuda", architecture, 32)


def test_what_runs_on_a_desktop_of_blackwell_is_not_refused(tmp_path: Path) -> None:
    """Compiled for data centres' Blackwell, this product has one pair of tiles more in shared memory."""
    config = triton.Config({"BLOCK_M": 128, "BLOCK_N": 128, "BLOCK_K": 64}, num_stages=4, num_warps=8)
    named: dict[str, Any] = {name: Tensor("float16") for name in ("a_ptr", "b_ptr", "c_ptr")}
    named |= {"K": 1024, "stride_am": 1024, "stride_bk": 4096}
    kernel, device = product(tmp_path, "plain"), "RTX 5090"
    found = resources(kernel, read_tuning(kernel_of(kernel), [config], named, {}, device), [0])[0]
    assert found.obstacle(limits(device).shared) is None


@pytest.mark.parametrize(
    ("dtype", "device"),
    [
        *((dtype, "AMD Instinct MI300X") for dtype in ("float8_e4m3fnuz", "float8_e5m2fnuz")),
        *((dtype, "NVIDIA A100") for dtype in ("uint8", "uint16", "uint32", "uint64", "int8", "int64", "bool")),
    ],
)
def test_tensors_of_all_types_are_compiled(dtype: str, device: str) -> None:
    @triton.jit
    def copy_kernel(x_ptr, y_ptr, BLOCK: tl.constexpr):  # noqa: N803
        place = tl.arange(0, BLOCK)
        tl.store(y_ptr + place, tl.load(x_ptr + place))

    named = {name: Tensor(dtype, (64,)) for name in ("x_ptr", "y_ptr")}
    tuning = read_tuning(kernel_of(copy_kernel), [triton.Config({"BLOCK": 64})], named, {}, device)
    assert [own.error for own in resources(copy_kernel, tuning, [0]).values()] == [None]


def test_why_nothing_is_compiled_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pruned_launches import FakeSurrogate, quiet

    @triton.jit
    def copy_kernel(x_ptr, n, BLOCK: tl.constexpr):  # noqa: N803
        tl.store(x_ptr + tl.arange(0, BLOCK), 1.0)

    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path))
    configs = [triton.Config({"BLOCK": block}) for block in (64, 128, 256)]
    prune = quiet(compile=True, top_k=2, surrogate=FakeSurrogate())
    prune.attach(copy_kernel)
    with pytest.warns(UserWarning, match=r"compiles nothing of copy_kernel for NVIDIA A100: .*complex64") as caught:
        kept = [prune.prune(configs, {"x_ptr": Tensor("complex64", (64,)), "n": n}) for n in (64, 128)]
    assert (len(caught), kept) == (1, [configs[:2]] * 2)
    with pytest.warns(UserWarning, match="copy_kernel for NVIDIA H100: its arguments are known at the launch alone"):
        on_another = prune(device="NVIDIA H100")
        on_another.attach(copy_kernel)
        on_another.prune(configs, {"x_ptr": object(), "n": 64})
    with pytest.warns(UserWarning, match=r"kernel for NVIDIA A100: no kernel .*rlm_prune\.attach\(kernel\) names it"):
        quiet(compile=True).prune(configs, {"x_ptr": Tensor("float16", (64,)), "n": 64})


def test_unknown_devices_are_not_compiled_for() -> None:
    assert compiled((256,), "Frobnicator 9") == {}


def test_nothing_is_compiled_for_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert compiled((256,), "NVIDIA A100") == {}


def test_a_pruner_that_compiles_drops_what_does_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import numpy as np

    from prerank.integrations.triton import rlm_prune
    from prerank.surrogate import Prediction

    asked: list[str] = []

    class Fake:
        def predict(self, problem: Any, texts: list[str]) -> Prediction:
            asked.extend(texts)
            ones = np.ones(len(texts))
            return Prediction(ones[:, None], ones[:, None], ones[:, None], 0 * ones, ones)

    monkeypatch.setenv("PRERANK_CACHE", str(tmp_path))
    prune = rlm_prune(surrogate=Fake(), device="NVIDIA A100", compile=True, top_k=3)
    configs = [triton.Config({"BLOCK": block}) for block in (64, 128, 32)]

    @triton.autotune(configs, key=["n"], prune_configs_by=prune)
    @triton.jit
    def copy_kernel(x_ptr, n, BLOCK: tl.constexpr):  # noqa: N803
        tl.static_assert(BLOCK < 128)
        tl.store(x_ptr + tl.arange(0, BLOCK), 1.0)

    copy_kernel.nargs = {"x_ptr": Tensor("float32", (64,)), "n": 64}
    assert copy_kernel.prune_configs({"grid": (1,)}) == [configs[0], configs[2]]
    assert any("registers=" in text for text in asked)
