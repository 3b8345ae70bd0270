"""What this machine is: its processor's name, as metrics name devices, and how many of them there are."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

from ..search_spaces.devices import plain


@cache
def machine() -> str:
    """What this machine's processor is called, in words that a device name may have."""
    return plain(_processor_name() or platform.machine() or "unknown") + " cpu"


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def named_in(cpuinfo: str, board: str) -> str:
    """What Linux calls a processor: its model, on 64-bit ARM its board, else the numbers of its cores, or nothing.

    Args:
        cpuinfo: What ``/proc/cpuinfo`` says.
        board: What the device tree says, if there is one.
    """
    found = re.search(r"^(?:model name|Model)[ \t]*:[ \t]*(\S.*)$", cpuinfo, re.MULTILINE)
    board = board.strip("\0 \n")
    if found or board not in ("", "linux,dummy-virt"):  # which is what QEMU calls every machine
        return found[1] if found else board
    codes = {key: re.findall(rf"^CPU {key}\s*:\s*(\S+)$", cpuinfo, re.MULTILINE) for key in ("implementer", "part")}
    cores = [code for found in codes.values() for code in sorted(set(found))]  # a phone's are of several kinds
    return " ".join(["arm", *cores]) if cores else ""


def _processor_name() -> str:
    """The processor's name as the system tells it; empty where it does not."""
    file, board = Path("/proc/cpuinfo"), Path("/proc/device-tree/model")
    if file.exists():
        return named_in(file.read_text(), board.read_text(errors="replace") if board.exists() else "")
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return platform.processor()
