"""Devices: what a name stands for, as words that a context or a metric carries.

A model that knows devices by name knows nothing of the next one; facts are shared. Names are read leniently ("NVIDIA
GeForce RTX 2080 Ti", "2080ti" and "rtx_2080_ti" are one device), and a name that is not listed is kept as text.

Sources: NVIDIA's Ampere, Hopper, Turing, Volta and Pascal architecture whitepapers, CUDA programming guide (shared
memory an SM), Ada and Blackwell whitepapers of its GeForce cards, and product briefs and data sheets (clocks and
bandwidths of the A100 80GB, H100 PCIe, H100 NVL, H200 NVL, A10, A30, A40 and L40), AMD's product pages and CDNA
whitepapers, Intel ARK, the Arm and Qualcomm product pages, Google's Cloud TPU system architecture pages, AMD Xilinx's
ZCU102 and ZC706 guides, Eyeriss (Chen et al. 2016). Clocks are boost clocks for accelerators and base clocks for
processors of servers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from .problem import lower

Kind = Literal["gpu", "cpu", "phone", "fpga", "asic", "tpu"]


@dataclass(frozen=True)
class Device:
    """Facts of a device; None where they are not public or make no sense.

    Args:
        name: Words joined by hyphens.
        kind: What it is.
        architecture: Its family.
        units: Streaming multiprocessors, compute units or cores.
        ghz: Clock, GHz.
        bandwidth: Of the main memory, GB/s.
        cache: Last level, MB.
        shared: Shared memory a unit, KB.
    """

    name: str
    kind: Kind
    architecture: str
    units: int
    ghz: float
    bandwidth: float | None = None
    cache: float | None = None
    shared: int | None = None


DEVICES = (
    Device("nvidia-a100", "gpu", "ampere", 108, 1.41, 1555, 40, 164),
    Device("nvidia-a100-80gb", "gpu", "ampere", 108, 1.41, 2039, 40, 164),  # SXM4, of the HGX and DGX
    Device("nvidia-a100-80gb-pcie", "gpu", "ampere", 108, 1.41, 1935, 40, 164),
    Device("nvidia-h100", "gpu", "hopper", 132, 1.98, 3350, 50, 228),
    Device("nvidia-h100-pcie", "gpu", "hopper", 114, 1.755, 2039, 50, 228),
    Device("nvidia-h100-nvl", "gpu", "hopper", 132, 1.785, 3938, 50, 228),
    Device("nvidia-h200", "gpu", "hopper", 132, 1.98, 4800, 50, 228),
    Device("nvidia-h200-nvl", "gpu", "hopper", 132, 1.785, 4800, 50, 228),
    Device("nvidia-a10", "gpu", "ampere", 72, 1.695, 600, 6, 100),
    Device("nvidia-a30", "gpu", "ampere", 56, 1.44, 933, 24, 164),
    Device("nvidia-a40", "gpu", "ampere", 84, 1.74, 696, 6, 100),
    Device("nvidia-l40", "gpu", "ada", 142, 2.49, 864, 96, 100),
    Device("nvidia-v100", "gpu", "volta", 80, 1.53, 900, 6, 96),
    Device("nvidia-t4", "gpu", "turing", 40, 1.59, 320, 4, 64),
    Device("nvidia-l4", "gpu", "ada", 58, 2.04, 300, 48, 100),
    Device("nvidia-l40s", "gpu", "ada", 142, 2.52, 864, 96, 100),
    Device("nvidia-b200", "gpu", "blackwell", 148, 1.97, 8000, 126, 228),
    Device("nvidia-rtx-4090", "gpu", "ada", 128, 2.52, 1008, 72, 100),
    Device("nvidia-rtx-5090", "gpu", "blackwell", 170, 2.41, 1792, 96, 100),
    Device("nvidia-rtx-4080", "gpu", "ada", 76, 2.51, 717, 64, 100),
    Device("nvidia-rtx-3080", "gpu", "ampere", 68, 1.71, 760, 5, 100),
    Device("nvidia-rtx-3090", "gpu", "ampere", 82, 1.70, 936, 6, 100),
    Device("nvidia-rtx-3060-laptop", "gpu", "ampere", 30, 1.43, 336, 3, 100),
    Device("nvidia-rtx-2080-ti", "gpu", "turing", 68, 1.55, 616, 5.5, 64),
    Device("nvidia-titan-rtx", "gpu", "turing", 72, 1.77, 672, 6, 64),
    Device("nvidia-titan-x", "gpu", "pascal", 28, 1.53, 480, 3, 96),
    Device("nvidia-gtx-titan-x", "gpu", "maxwell", 24, 1.08, 336, 3, 96),
    Device("nvidia-titan-xp", "gpu", "pascal", 30, 1.58, 548, 3, 96),
    Device("nvidia-gtx-1080-ti", "gpu", "pascal", 28, 1.58, 484, 2.75, 96),
    Device("nvidia-rtx-a4000", "gpu", "ampere", 48, 1.56, 448, 4, 100),
    Device("nvidia-rtx-a6000", "gpu", "ampere", 84, 1.80, 768, 6, 100),
    Device("amd-mi50", "gpu", "vega20", 60, 1.73, 1024, 4, 64),
    Device("amd-mi250x", "gpu", "cdna2", 110, 1.70, 1638, 8, 64),  # one of its two dies, which is what a program sees
    Device("amd-mi300x", "gpu", "cdna3", 304, 2.10, 5300, 256, 64),
    Device("amd-w6600", "gpu", "rdna2", 28, 2.90, 224, 32, 64),
    Device("amd-w7800", "gpu", "rdna3", 70, 2.50, 576, 64, 64),
    Device("xeon-gold-6226", "cpu", "cascadelake", 12, 2.7, 141, 19.25),
    Device("xeon-gold-6240", "cpu", "cascadelake", 18, 2.6, 141, 24.75),
    Device("xeon-silver-4114", "cpu", "skylake", 10, 2.2, 115, 13.75),
    Device("xeon-silver-4210r", "cpu", "cascadelake", 10, 2.4, 115, 13.75),
    Device("raspberry-pi-4", "cpu", "cortex-a72", 4, 1.5, 4, 1),
    Device("samsung-a50", "phone", "cortex-a73", 8, 2.3),
    Device("samsung-s7", "phone", "exynos-m1", 8, 2.6),
    Device("pixel-2", "phone", "cortex-a73", 8, 2.35),
    Device("pixel-3", "phone", "cortex-a75", 8, 2.5),
    Device("essential-ph-1", "phone", "cortex-a73", 8, 2.45),
    Device("fpga-zc706", "fpga", "zynq7000", 900, 0.2, 13),
    Device("fpga-zcu102", "fpga", "zynq-ultrascale", 2520, 0.3, 19),
    Device("eyeriss", "asic", "eyeriss", 168, 0.2, None, 0.1),
    Device("tpu-v2", "tpu", "tpu", 2, 0.7, 700, None),
    Device("tpu-v3", "tpu", "tpu", 2, 0.94, 900, None),
)
_OTHER_NAMES = {
    "raspi4": "raspberry-pi-4",
    "fpga": "fpga-zc706",
    "zcu102": "fpga-zcu102",
    "titanrtx": "nvidia-titan-rtx",
    "gtxtitanx": "nvidia-gtx-titan-x",
    "titanxpascal": "nvidia-titan-x",
    "nvidiatitanxpascal": "nvidia-titan-x",
    "geforcegtxtitanx": "nvidia-gtx-titan-x",
    "nvidiageforcegtxtitanx": "nvidia-gtx-titan-x",
    "a800": "nvidia-a100-80gb",  # these two differ in their links alone
    "h800": "nvidia-h100",
    "h10080gbpcie": "nvidia-h100-pcie",
    "mi60": "amd-mi50",
    "mi50mi60": "amd-mi50",
    "mi250xmi250": "amd-mi250x",
    "gold6226": "xeon-gold-6226",
    "gold6240": "xeon-gold-6240",
    "silver4114": "xeon-silver-4114",
    "silver4210r": "xeon-silver-4210r",
}
_MAKERS = re.compile(
    r"nvidia|geforce|gtx|rtx|amd|instinct|radeon|pro|intel|xeon|google|tesla|gpu|cpu|pcie|sxm\d?|nvl|hbm\d?|\d+[ _-]?gb"
)
_VERSIONS = re.compile(r"pcie|nvl|(?<!\d)80[ _-]?gb")  # what tells cards of one name apart
_TRIMMINGS = re.compile(r"\((r|tm|c)\)|@.*|\b(cpu|processor|\d+-core|model [ab]|rev [\d.]+)\b")
_PROCESSOR = re.compile(r"\b(cpu|processor)\b", re.IGNORECASE)
_BATCH = re.compile(r"(.+)_(\d{1,4})")
_BATCHES = {"1", *(str(2**power) for power in range(5, 13))}  # what an unknown name may end with; phones are numbered


def describe(name: str) -> str:
    """A device's facts in words, as in ``nvidia-v100 gpu volta units=80 ghz=1.53 gbs=900 cache_mb=6 shared_kb=96``.

    Of one that is not listed the name, less what systems add to it.
    """
    device = find(name)
    if device is None:
        return "-".join(_words(plain(name)) + ["cpu"] * bool(_PROCESSOR.search(name)))
    facts = {
        "units": device.units,
        "ghz": device.ghz,
        "gbs": device.bandwidth,
        "cache_mb": device.cache,
        "shared_kb": device.shared,
    }
    known = [f"{key}={value:g}" for key, value in facts.items() if value is not None]
    card = _VERSIONS.sub("", device.name).strip("-")  # one word for all its versions, which the numbers tell apart
    return " ".join([card, device.kind, device.architecture, *known])


def find(name: str) -> Device | None:
    """The device of a name; None if it is not listed.

    Raises:
        ValueError: If the name is no text.
    """
    trimmed = plain(name)
    return _KNOWN.get(_key(name)) or _KNOWN.get(_version(trimmed)) or _KNOWN.get(_card(trimmed))


def plain(name: str) -> str:
    """A name in lower case without what systems add to it: trademarks, clock, number of cores, revision of the board.

    Raises:
        ValueError: If the name is no text.
    """
    return " ".join(_TRIMMINGS.sub(" ", lower("device", name)).split())


def measured_on(name: str, batch: int | None = None) -> str:
    """Words for a metric: the batch size, then the facts.

    Args:
        name: The device; without batch it may end with the batch size, as in ``1080ti_32``.
        batch: The batch size; None: 1, if the name has none.
    """
    if batch is not None:
        return f"batch={batch} {describe(name)}"
    found = None if find(name) else _BATCH.fullmatch(name)
    sized = found and (find(found[1]) or found[2] in _BATCHES)
    return f"batch={found[2]} {describe(found[1])}" if found and sized else f"batch=1 {describe(name)}"


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.lower()) or ["unknown"]


def _key(name: str) -> str:
    return "".join(_words(name))


def _card(name: str) -> str:
    return _key(_MAKERS.sub("", name))


def _version(name: str) -> str:
    """A card, and what its name says of memory and slot."""
    return _card(name) + "".join(sorted(map(_key, set(_VERSIONS.findall(name)))))


_NEVER_SHORTENED = ("nvidia-titan-rtx", "nvidia-gtx-titan-x")  # several cards are called Titan, or Titan X
_KNOWN = (
    {_version(device.name): device for device in DEVICES if device.name not in _NEVER_SHORTENED}
    | {_key(device.name): device for device in DEVICES}
    | {key: device for key, name in _OTHER_NAMES.items() for device in DEVICES if device.name == name}
)
