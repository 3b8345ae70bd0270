"""What this machine is called."""

from __future__ import annotations

import pytest

from prerank.integrations import onnxruntime_machine
from prerank.integrations.onnxruntime import Conditions
from prerank.integrations.onnxruntime_machine import machine

ARM = """processor\t: 0
BogoMIPS\t: 108.00
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: {}
"""
SERVER, PHONE = ARM.format("0xd0c") * 2, ARM.format("0xd41") + ARM.format("0xd05") * 3


@pytest.mark.parametrize(
    ("cpuinfo", "board", "name"),
    [
        ("model\t\t: 85\nmodel name\t: Intel(R) Xeon(R) CPU @ 2.20GHz\n", "", "Intel(R) Xeon(R) CPU @ 2.20GHz"),
        (f"{SERVER}\nModel\t\t: Raspberry Pi 4 Model B Rev 1.4\n", "another\0", "Raspberry Pi 4 Model B Rev 1.4"),
        (SERVER, "NVIDIA Jetson AGX Orin\0", "NVIDIA Jetson AGX Orin"),
        (SERVER, "", "arm 0x41 0xd0c"),
        (SERVER, "linux,dummy-virt\0", "arm 0x41 0xd0c"),
        (PHONE, "", "arm 0x41 0xd05 0xd41"),
        ("processor\t: 0\n", "", ""),
    ],
)
def test_a_processor_is_called_what_linux_says_of_it(cpuinfo: str, board: str, name: str) -> None:
    assert onnxruntime_machine.named_in(cpuinfo, board) == name


def test_a_board_is_the_device_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnxruntime_machine, "_processor_name", lambda: "Raspberry Pi 4 Model B Rev 1.4")
    machine.cache_clear()
    try:
        assert "raspberry-pi-4 cpu cortex-a72" in Conditions().problem("context").metric
    finally:
        machine.cache_clear()
