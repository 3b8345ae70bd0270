"""The current device, as its driver tells of it; torch is asked only where it is loaded already."""

from __future__ import annotations

import sys
from typing import Any

Target = tuple[str, int | str, int]
"""What Triton compiles for: backend, architecture, threads of a warp."""

_FAMILIES = {
    **{70: "volta", 72: "volta", 75: "turing", 80: "ampere", 86: "ampere", 87: "ampere", 89: "ada", 90: "hopper"},
    **dict.fromkeys((100, 101, 103, 110, 120, 121), "blackwell"),
}


def device_name() -> str:
    """The current device as its driver calls it; "" without one."""
    cuda = _cuda()
    return str(cuda.get_device_name()) if cuda else ""


def shared_memory() -> int | None:
    """Shared memory of a block of the current device, bytes; None without one."""
    cuda = _cuda()
    properties = cuda.get_device_properties(cuda.current_device()) if cuda else None
    return getattr(properties, "shared_memory_per_block_optin", None)


def current_target() -> Target | None:
    """What Triton compiles for on the current device; None without one."""
    cuda = _cuda()
    if cuda is None:
        return None
    properties = cuda.get_device_properties(cuda.current_device())
    if sys.modules["torch"].version.hip:
        return "hip", str(properties.gcnArchName).partition(":")[0], int(properties.warp_size)
    return "cuda", 10 * int(properties.major) + int(properties.minor), 32


def current_family() -> str:
    """The current device's family as `devices` calls it; "" without one, or if it is not known."""
    target = current_target()
    known: dict[Any, str] = _FAMILIES
    return known.get(target[1], "") if target else ""


def _cuda() -> Any | None:
    """`torch.cuda`, where it has a device."""
    torch: Any = sys.modules.get("torch")
    return torch.cuda if torch is not None and torch.cuda.is_available() else None
