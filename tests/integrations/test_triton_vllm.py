"""vLLM's files: which one is taken for a launch, and what is written to one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from prerank.integrations.triton_kernel import Kernel
from prerank.integrations.triton_launch import Launch, Tensor
from prerank.integrations.triton_vllm import batched, write

BATCHES = {"1": {"BLOCK_SIZE_M": 16}, "64": {"BLOCK_SIZE_M": 64}}


def moe(tokens: int, device: str = "NVIDIA L4", experts: int = 8, n: int = 1024, k: int = 512, **beside: Any) -> Launch:
    """A launch of vLLM's kernel, which has no M."""
    tensors = {"a_ptr": Tensor("float16", (tokens, k)), "b_ptr": Tensor("float16", (experts, n, k))}
    scalars = {"N": n, "K": k, "EM": 4096, "num_valid_tokens": 2 * tokens, "top_k": 2, "use_fp8_w8a8": False}
    return Launch(Kernel("fused_moe_kernel"), tensors, scalars | beside, device)


def test_the_batch_of_vllms_kernel_is_its_tokens() -> None:
    files = {"E=8,N=512,device_name=NVIDIA_L4.json": BATCHES}
    assert [batched(files, moe(tokens)) for tokens in (2, 60)] == [BATCHES["1"], BATCHES["64"]]


def test_a_device_is_meant_by_its_whole_name() -> None:
    files = {"E=8,N=512,device_name=NVIDIA_L40S.json": BATCHES}
    assert batched(files, moe(2)) is None
    assert batched(files, moe(2, device="")) is None
    assert batched(files, moe(2, "NVIDIA L40S")) == BATCHES["1"]


def test_of_several_files_the_one_of_the_launch_is_taken() -> None:
    names = ("E=8,N=512", "E=16,N=512", "E=8,N=2048")
    files = {f"{name},device_name=NVIDIA_L4.json": {"1": {"file": name}} for name in names}
    files["E=8,N=512,device_name=NVIDIA_L4,dtype=fp8_w8a8.json"] = {"1": {"file": "fp8"}}
    assert batched(files, moe(1)) == {"file": "E=8,N=512"}
    assert batched(files, moe(1, experts=16)) == {"file": "E=16,N=512"}
    assert batched(files, moe(1, n=4096, k=64)) == {"file": "E=8,N=2048"}
    assert batched(files, moe(1, n=64, k=2048)) == {"file": "E=8,N=2048"}  # the second of the two products
    assert batched(files, moe(1, use_fp8_w8a8=True)) == {"file": "fp8"}


def test_files_that_cannot_be_told_apart_are_named() -> None:
    files = {f"E=8,N=512,device_name=NVIDIA_L4{end}.json": BATCHES for end in ("", ",block_shape=[128,128]")}
    with pytest.warns(UserWarning, match=r"block_shape=\[128,128\].* none is taken; give one of them"):
        assert batched(files, moe(1)) is None


def entry(launch: Launch, block: int) -> dict[str, Any]:
    return {"launch": launch.to_json(), "config": {"BLOCK_SIZE_M": block}}


def test_launches_of_other_widths_do_not_overwrite_each_other(tmp_path: Path) -> None:
    entries = [entry(moe(4), 16), entry(moe(4, n=4096), 64), entry(moe(4, EM=8192), 32)]
    (file,) = write(tmp_path, entries, 8, 512, None)
    assert json.loads(file.read_text()) == {"4": {"BLOCK_SIZE_M": 32}}
    (file,) = write(tmp_path, entries, 8, 2048, None)
    assert json.loads(file.read_text()) == {"4": {"BLOCK_SIZE_M": 64}}
    with pytest.raises(ValueError, match=r"two launches of batch size 4, .*1024.* and .*4096.*; give width="):
        list(write(tmp_path, entries, 8, 7, None))


def test_types_of_their_own_have_files_of_their_own(tmp_path: Path) -> None:
    launches = {16: moe(4), 64: moe(4, use_fp8_w8a8=True)}
    written = sorted(write(tmp_path, [entry(launch, block) for block, launch in launches.items()], 8, 512, None))
    files = {file.name: json.loads(file.read_text()) for file in written}
    assert list(files) == [
        "E=8,N=512,device_name=NVIDIA_L4,dtype=fp8_w8a8.json",
        "E=8,N=512,device_name=NVIDIA_L4.json",
    ]
    for block, launch in launches.items():
        assert batched(files, launch) == {"BLOCK_SIZE_M": block}


def test_a_launch_on_an_unnamed_device_has_no_file(tmp_path: Path) -> None:
    unnamed = entry(moe(4, device=""), 16)
    with pytest.raises(ValueError, match=r"unnamed device.*device="):
        list(write(tmp_path, [unnamed], 8, 512, None))
    (file,) = write(tmp_path, [unnamed, entry(moe(4), 64)], 8, 512, None)
    assert json.loads(file.read_text()) == {"4": {"BLOCK_SIZE_M": 64}}
