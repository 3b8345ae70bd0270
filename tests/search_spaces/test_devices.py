from typing import Any

import pytest

from prerank.search_spaces import devices


@pytest.mark.parametrize(
    ("name", "device"),
    [
        ("NVIDIA GeForce RTX 2080 Ti", "nvidia-rtx-2080-ti"),
        ("2080ti", "nvidia-rtx-2080-ti"),
        ("rtx_2080_ti", "nvidia-rtx-2080-ti"),
        ("NVIDIA A100-PCIE-40GB", "nvidia-a100"),
        ("NVIDIA A100-SXM4-40GB", "nvidia-a100"),
        ("NVIDIA A100-SXM4-80GB", "nvidia-a100-80gb"),
        ("NVIDIA A100-SXM-80GB", "nvidia-a100-80gb"),
        ("A100 80 GB", "nvidia-a100-80gb"),
        ("a100_80gb", "nvidia-a100-80gb"),
        ("a10080gb", "nvidia-a100-80gb"),
        ("NVIDIA A100 80GB PCIe", "nvidia-a100-80gb-pcie"),
        ("NVIDIA A100-PCIE-80GB", "nvidia-a100-80gb-pcie"),
        ("NVIDIA H100 80GB HBM3", "nvidia-h100"),
        ("NVIDIA H100 PCIe", "nvidia-h100-pcie"),
        ("H100 PCIe 80GB", "nvidia-h100-pcie"),
        ("NVIDIA H100 NVL", "nvidia-h100-nvl"),
        ("NVIDIA H200", "nvidia-h200"),
        ("NVIDIA H200 NVL", "nvidia-h200-nvl"),
        ("Tesla V100-PCIE-16GB", "nvidia-v100"),
        ("NVIDIA B200 180GB", "nvidia-b200"),
        ("AMD Instinct MI50/MI60", "amd-mi50"),
        ("AMD Instinct MI250X / MI250", "amd-mi250x"),
        ("raspi4", "raspberry-pi-4"),
        ("raspberry pi 4", "raspberry-pi-4"),
        ("gold_6226", "xeon-gold-6226"),
        ("Intel Xeon Gold 6240 CPU", "xeon-gold-6240"),
        ("Intel(R) Xeon(R) Gold 6226 CPU @ 2.70GHz", "xeon-gold-6226"),
        ("Intel(R) Xeon(R) Silver 4114 CPU @ 2.20GHz", "xeon-silver-4114"),
        ("Raspberry Pi 4 Model B Rev 1.4", "raspberry-pi-4"),
        ("essential_ph_1", "essential-ph-1"),
        ("tpuv3", "tpu-v3"),
        ("titanx", "nvidia-titan-x"),
        ("NVIDIA TITAN X (Pascal)", "nvidia-titan-x"),
        ("NVIDIA GeForce GTX TITAN X", "nvidia-gtx-titan-x"),
        ("NVIDIA TITAN RTX", "nvidia-titan-rtx"),
        ("titan_rtx", "nvidia-titan-rtx"),
    ],
)
def test_spellings_of_a_device_are_one(name: str, device: str) -> None:
    found = devices.find(name)
    assert found is not None
    assert found.name == device
    assert device.startswith(devices.describe(name).partition(" ")[0])


def test_versions_of_a_card_share_its_word_and_differ_in_numbers() -> None:
    large, small = devices.describe("NVIDIA A100-SXM4-80GB"), devices.describe("NVIDIA A100")
    assert large == small.replace("gbs=1555", "gbs=2039")


def test_listed_names_find_themselves() -> None:
    assert [devices.find(device.name) for device in devices.DEVICES] == list(devices.DEVICES)


def test_unknown_device_is_read_as_text() -> None:
    assert devices.find("Foo Bar 9000") is None
    assert devices.describe("Foo Bar 9000") == "foo-bar-9000"
    assert devices.describe("!") == "unknown"
    assert devices.describe("Intel(R) Xeon(R) CPU @ 2.20GHz") == devices.describe("intel xeon cpu") == "intel-xeon-cpu"
    assert devices.find("NVIDIA GeForce GTX TITAN") is None


@pytest.mark.parametrize(
    ("name", "begin"),
    [
        ("1080ti_32", "batch=32 nvidia-gtx-1080-ti "),
        ("1080ti", "batch=1 nvidia-gtx-1080-ti "),
        ("essential_ph_1", "batch=1 essential-ph-1 "),
        ("gold_6226", "batch=1 xeon-gold-6226 "),
        ("my_board_64", "batch=64 my-board"),
        ("my_board_1", "batch=1 my-board"),
        ("a100_80gb_32", "batch=32 nvidia-a100 gpu ampere units=108 ghz=1.41 gbs=2039 "),
        ("h100_pcie_32", "batch=32 nvidia-h100 gpu hopper units=114 "),
        ("1080ti_3", "batch=3 nvidia-gtx-1080-ti "),
        ("iphone_13", "batch=1 iphone-13"),
        ("pixel_4", "batch=1 pixel-4"),
    ],
)
def test_batch_size_is_read_off_the_end(name: str, begin: str) -> None:
    assert devices.measured_on(name).startswith(begin)


def test_a_batch_size_that_is_given_is_not_read_off_the_name() -> None:
    assert devices.measured_on("my board 64", 1024) == "batch=1024 my-board-64"
    assert devices.measured_on("iphone_64", 1) == "batch=1 iphone-64"


def test_versions_of_a_card_have_facts_of_their_own() -> None:
    names = ("A100", "A100 80GB", "A100 80GB PCIe", "H100", "H100 PCIe", "H100 NVL")
    found = [devices.describe(name).split() for name in names]
    bandwidths = [next(word for word in words if word.startswith("gbs=")) for words in found]
    assert bandwidths == ["gbs=1555", "gbs=2039", "gbs=1935", "gbs=3350", "gbs=2039", "gbs=3938"]
    assert "units=114" in found[4]


@pytest.mark.parametrize("name", [None, 5, float("nan")])
def test_what_is_no_name_is_refused(name: Any) -> None:
    for function in (devices.find, devices.describe, devices.measured_on):
        with pytest.raises(ValueError, match=f"device is {name!r}"):
            function(name)


def test_words_of_a_metric_fit() -> None:
    assert max(len(devices.measured_on(device.name).split()) for device in devices.DEVICES) <= 15
