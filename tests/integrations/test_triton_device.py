"""What is read of a current device that no list has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch  # noqa: F401  # pyright: ignore[reportUnusedImport] (it is asked only where it is loaded)

from prerank.integrations.triton_device import current_family, current_target, device_name, shared_memory
from prerank.integrations.triton_static import compiler_of, target_of


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Puts a card, with properties as torch tells them, in the place of the current device."""

    def put(name: str, **properties: Any) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: True)
        monkeypatch.setattr("torch.cuda.current_device", lambda: 0)
        monkeypatch.setattr("torch.cuda.get_device_name", lambda: name)
        monkeypatch.setattr("torch.cuda.get_device_properties", lambda _: SimpleNamespace(**properties))

    return put


@pytest.mark.parametrize(
    ("capability", "target", "family"),
    [((8, 9), 89, "ada"), ((9, 0), 90, "hopper"), ((12, 0), 120, "blackwell"), ((6, 1), 61, "")],
)
def test_a_card_is_compiled_for_as_its_driver_says(
    current: Any, capability: tuple[int, int], target: int, family: str
) -> None:
    current("NVIDIA L20", major=capability[0], minor=capability[1], shared_memory_per_block_optin=101376)
    assert current_target() == ("cuda", target, 32)
    assert current_family() == family
    assert shared_memory() == 101376
    assert target_of(device_name()) == ("cuda", target, 32)
    assert target_of("NVIDIA A100") == ("cuda", 80, 32)
    assert target_of("Frobnicator 9") is None  # it is not the current one


def test_a_listed_card_that_is_the_current_one_is_compiled_for_as_its_driver_says(
    current: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triton.__version__", "9.9")
    assert (compiler_of("NVIDIA H100"), compiler_of("Frobnicator 9")) == ("9.9 cuda:90", "9.9")
    current("NVIDIA B200", major=10, minor=3)
    assert compiler_of("NVIDIA B200") == "9.9 cuda:103"


def test_a_card_of_amds_is_compiled_for_as_its_driver_says(current: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.version.hip", "6.2")
    current("AMD Radeon RX 7900 XTX", gcnArchName="gfx1100:sramecc-", warp_size=32)
    assert target_of("AMD Radeon RX 7900 XTX") == current_target() == ("hip", "gfx1100", 32)
    assert current_family() == ""
    assert shared_memory() is None


def test_without_a_device_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert (device_name(), shared_memory(), current_target(), current_family()) == ("", None, None, "")
    assert target_of("") is None
