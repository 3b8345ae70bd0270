"""vLLM's files for fused mixtures of experts: batch size -> configuration, of one device, E and N.

E is the number of experts, N the width between their two products; both, and the type where it is not one of 16 bits,
stand in the name: ``E=8,N=7168,device_name=NVIDIA_H100,dtype=fp8_w8a8.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..surrogate.atomic import write_whole
from ..surrogate.once import Once
from .triton_launch import Launch

Batches = Mapping[str, Mapping[str, Any]]
"""Batch size -> configuration."""
_warn = Once()
_FIELD = re.compile(r"(\w+)=(\[[^\]]*\]|[^,]*)")


def batched(files: Mapping[str, Batches], launch: Launch) -> Mapping[str, Any] | None:
    """The configuration of the nearest batch size, as vLLM chooses, in the file for a launch; None: there is none.

    Of several files for the device it is the one of the launch's own E, N and type. Where that leaves several, none is
    taken, with a warning.

    Args:
        files: File name -> what it holds.
        launch: The launch.
    """
    m = batch_size(launch.scalars)
    device = launch.device.replace(" ", "_")
    own = [name for name in files if _fields(name).get("device_name") == device]
    own = own if len(own) < 2 else [name for name in own if _fits(_fields(name), launch)]
    if len(own) > 1:
        _warn(device, f"{own} are all for {device}, none is taken; give one of them as table=")
    if len(own) != 1 or m is None:
        return None
    batches = files[own[0]]
    return batches[min(batches, key=lambda batch: (abs(int(batch) - m), int(batch)))]


def batch_size(scalars: Mapping[str, Any]) -> int | None:
    """M, or of vLLM's own kernel, which has none, its valid tokens over the experts of each; None: neither is given."""
    named = {name.lower(): value for name, value in scalars.items() if type(value) is int}
    if "num_valid_tokens" in named and "m" not in named:
        return named["num_valid_tokens"] // max(named.get("top_k", 1), 1)
    return named.get("m")


def write(
    path: Path, entries: Sequence[Mapping[str, Any]], experts: int, width: int, batch: str | None
) -> Iterator[Path]:
    """Write a file for each device and type, as `vllm.model_executor.layers.fused_moe` reads them.

    Args:
        path: Their folder.
        entries: Decisions; where some multiply into the width, as the first of the two products does, they alone count.
        experts: E.
        width: N.
        batch: The argument that is the batch size; None: that of `batch_size`.

    Raises:
        ValueError: If a launch has no batch size, no launch has a device, or launches of another N or K have the same
            batch size.
    """
    files: dict[str, dict[int, Mapping[str, Any]]] = {}
    entries = [entry for entry in entries if entry["launch"]["device"]]
    if not entries:
        raise ValueError("all was decided on an unnamed device, of which vLLM reads no file; name it with device=")
    for entry in [entry for entry in entries if _into(width, entry["launch"]["scalars"])] or entries:
        launch = entry["launch"]
        size = batch_size(launch["scalars"]) if batch is None else launch["scalars"].get(batch)
        if not isinstance(size, int):
            raise ValueError(f"{launch['kernel']} has no argument {batch or 'M'}; name the batch size with batch=")
        sizes = files.setdefault(_ending(launch["device"], launch["scalars"]), {})
        _check(sizes.get(size, entry), entry, size)
        sizes[size] = entry
    for ending, sizes in files.items():
        file = path / f"E={experts},N={width},{ending}.json"
        told = {str(size): sizes[size]["config"] for size in sorted(sizes)}
        write_whole(file, (json.dumps(told, indent=4) + "\n").encode())
        yield file


def _ending(device: str, scalars: Mapping[str, Any]) -> str:
    """What a file's name says after E and N."""
    return ",".join([f"device_name={device.replace(' ', '_')}", *(f"dtype={dtype}" for dtype in _types(scalars))])


def _types(scalars: Mapping[str, Any]) -> list[str]:
    """The type that is used, as in vLLM's names of files; none where it is one of 16 bits."""
    used = [name.removeprefix("use_") for name, value in scalars.items() if value is True]
    return [name for name in used if re.search(r"_w\d+a\d+$", name)]


def _check(one: Mapping[str, Any], other: Mapping[str, Any], batch: int) -> None:
    """See that two decisions may have one place in a file."""
    sizes, others = _sizes(one["launch"]["scalars"]), _sizes(other["launch"]["scalars"])
    if sizes != others and one["config"] != other["config"]:
        told = f"{other['launch']['kernel']} has two launches of batch size {batch}, {sizes} and {others}"
        raise ValueError(f"{told}; give width= the N of one of them, or format='json'")


def _fields(name: str) -> dict[str, str]:
    return dict(_FIELD.findall(name.removesuffix(".json")))


def _fits(fields: Mapping[str, str], launch: Launch) -> bool:
    """Whether a file is for as many experts, such a width and such a type."""
    experts = {tensor.shape[0] for tensor in launch.tensors.values() if len(tensor.shape) == 3}
    of_experts = not experts or fields.get("E") in {str(number) for number in experts}
    of_type = _types(launch.scalars) == ([fields["dtype"]] if "dtype" in fields else [])
    width = int(fields.get("N", 0))
    return of_experts and of_type and (_into(width, launch.scalars) or _sizes(launch.scalars).get("k") == width)


def _into(width: int, scalars: Mapping[str, Any]) -> bool:
    """Whether a product is into a width, or into twice as much: gate and rest at once."""
    return _sizes(scalars).get("n") in (width, 2 * width)


def _sizes(scalars: Mapping[str, Any]) -> dict[str, int]:
    return {name.lower(): value for name, value in scalars.items() if name.lower() in ("n", "k")}
