"""Launch configurations of Triton kernels that cannot run on a device, told from their numbers alone.

A lower bound of what a launch needs is held against what a block may have, so that no configuration that runs is
dropped; many that do not run may pass. What is unknown (a device, a kernel that is no matrix product) is not bounded.

Shared memory of a matrix product: the loop keeps ``stages - 1`` copies of the tiles of both operands, if the compiler
pipelines it and the device copies asynchronously (NVIDIA from Ampere on). An operand is copied so only if each thread
has 4 bytes of it to copy, the least that ``cp.async`` moves (PTX ISA), which of narrow elements lie side by side only
if it is known what the sizes and strides divide by. A loop of one stage, or none, may hold one operand after the
other. On Hopper, 32-bit operands are counted once: whether they are pipelined there depends on layouts and strides.

Registers: an accumulator that needs more than two times the 255 registers that a thread can have (CUDA programming
guide, technical specifications) is dropped too; a register holds 32 bits. It might be compiled, in minutes, and would
live in memory: none of 4,800 such launches of a measured table ran. One that takes all registers of its threads, of the
65,536 that a unit has for a block, runs, but has to `spill` the rest: the best such launch of each size of that table
took four times as long as the best of all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .devices import find

_ASYNCHRONOUS = ("ampere", "ada", "hopper", "blackwell")
_ACCUMULATE_IN_REGISTERS = ("ampere", "ada", "hopper")
_CLUSTERS = ("hopper", "blackwell")  # which have the tensor memory accelerator, too
_RESERVED_KB = 1  # of the shared memory of a unit, for the system, from Ampere on
_LEAST_COPY = 4  # bytes
_WIDE = 4  # bytes of an element
_REGISTERS, _REGISTERS_OF_BLOCK = 255, 2**16  # a thread, and all of a block's
_REGISTER_BYTES = 4
_MOST_ACCUMULATOR = 2 * _REGISTERS
_MOST_ELEMENTS = 2**20  # of a Triton tensor
_MOST_THREADS = 1024
_DEFAULTS = (("warps", 4), ("stages", 3), ("ctas", 1))  # those of triton.Config


@dataclass(frozen=True)
class Limits:
    """What a block of a device may have.

    Args:
        architecture: The device's family (see `devices`).
        shared: Shared memory of a block, bytes; None: not known.
        warp: Threads of a warp.
    """

    architecture: str
    shared: int | None = None
    warp: int = 32

    @property
    def asynchronous(self) -> bool:
        """Whether tiles are copied while others are multiplied."""
        return self.architecture in _ASYNCHRONOUS

    @property
    def descriptors(self) -> bool:
        """Whether tiles that a descriptor describes are copied so, too."""
        return self.architecture in _CLUSTERS


def limits(device: str, shared: int | None = None, architecture: str = "") -> Limits:
    """Limits of a device's name; those of an unknown one bound nothing but the threads.

    Args:
        device: Its name, read as in `devices`.
        shared: Shared memory of a block in bytes, where the driver tells it.
        architecture: Its family, if it is known of a device that is not listed.
    """
    found = find(device)
    if found is None:
        return Limits(architecture, shared)
    reserved = _RESERVED_KB if found.architecture in _ASYNCHRONOUS else 0
    known = (found.shared - reserved) * 1024 if found.shared else None
    return Limits(found.architecture, shared or known, 64 if found.name.startswith("amd-mi") else 32)


def obstacle(
    fields: Mapping[str, object],
    device: Limits,
    itemsizes: tuple[int, int] | None = None,
    wide: bool = False,
    aligned: bool = True,
    pipelined: bool = True,
    sum_size: int = 4,
) -> str | None:
    """Why a configuration cannot run; None: nothing speaks against it.

    Args:
        fields: Name -> value, as `kernel_configs.field` spells the names: ``block_m``, ``stages``, ``warps``, ``ctas``.
        device: Where it shall run.
        itemsizes: Least bytes of an element of each operand of a matrix product; None: the kernel is another one.
        wide: Whether an operand may all the same have elements of 32 bits or more.
        aligned: Whether the compiler knows that rows begin at multiples of several elements.
        pipelined: Whether the compiler keeps the stages of the product's loop; if it has none, it keeps none.
        sum_size: Bytes of a sum of a matrix product.
    """
    warps, stages, ctas = _options(fields)
    if min(warps, ctas) < 1:
        return f"{warps} warps in {ctas} blocks"
    if warps * device.warp > _MOST_THREADS:
        return f"{warps * device.warp} threads of {_MOST_THREADS}"
    if ctas > 1 and device.architecture and device.architecture not in _CLUSTERS:
        return f"{ctas} blocks a cluster; {device.architecture} has none"
    blocks = _blocks(fields)
    if itemsizes is None or min(blocks) < 1:
        return None
    if not pipelined or (not aligned and min(itemsizes) < _LEAST_COPY):
        stages = 1  # of what is not aligned a thread may have one element to copy at a time
    widest = max(*itemsizes, _WIDE * wide)
    threads = warps * device.warp * ctas
    held = _memory_obstacle(blocks, stages, threads, ctas, device, itemsizes, widest)
    registers, fits = _sum_registers(blocks, threads, sum_size), device.architecture not in _ACCUMULATE_IN_REGISTERS
    if held is not None or registers <= _MOST_ACCUMULATOR or fits:
        return held
    return f"an accumulator of {registers} registers a thread, of {_REGISTERS}"


def _memory_obstacle(
    blocks: tuple[int, int, int],
    stages: int,
    threads: int,
    ctas: int,
    device: Limits,
    itemsizes: tuple[int, int],
    widest: int,
) -> str | None:
    m, n, k = blocks
    if max(m * n, m * k, k * n) > _MOST_ELEMENTS:
        return f"a tile of {max(m * n, m * k, k * n)} elements; Triton allows {_MOST_ELEMENTS}"
    tiles = m * k * itemsizes[0], k * n * itemsizes[1]
    needed = _shared_bytes(tiles, stages, threads, device, widest) // ctas
    if device.shared is not None and needed > device.shared:
        return f"{needed // 1024} KB of shared memory; a block has {device.shared // 1024}"
    return None


def spill(fields: Mapping[str, object], device: Limits, sum_size: int = 4) -> str | None:
    """Why a configuration of a matrix product that runs is slow: its sums alone fill the registers of its threads.

    Args:
        fields: Name -> value, as of `obstacle`.
        device: Where it shall run.
        sum_size: Bytes of a sum.

    Returns:
        The reason; None: nothing speaks against it.
    """
    warps, _, ctas = _options(fields)
    if min(warps, ctas) < 1 or device.architecture not in _ACCUMULATE_IN_REGISTERS:
        return None
    threads = warps * device.warp
    registers = _sum_registers(_blocks(fields), threads * ctas, sum_size)
    most = min(_REGISTERS, _REGISTERS_OF_BLOCK // threads)
    return f"an accumulator of {registers} registers a thread, of {most}" if registers >= most else None


def _sum_registers(blocks: tuple[int, int, int], threads: int, size: int) -> int:
    """Registers of 32 bits that the sums of a product take of each thread."""
    m, n, _ = blocks
    return m * n * size // (_REGISTER_BYTES * threads)


def _shared_bytes(tiles: tuple[int, int], stages: int, threads: int, device: Limits, itemsize: int) -> int:
    """Least shared memory of a matrix product whose operands have tiles of so many bytes."""
    unsure = device.architecture == "hopper" and itemsize >= _WIDE
    if stages < 2 or not device.asynchronous or unsure:
        return max(tiles)
    copies = [stages - 1 if tile >= _LEAST_COPY * threads else 1 for tile in tiles]
    return sum(count * tile for count, tile in zip(copies, tiles, strict=True))


def _options(fields: Mapping[str, object]) -> tuple[int, int, int]:
    """Warps, stages and blocks of a cluster."""
    warps, stages, ctas = (_whole(fields.get(name), default) for name, default in _DEFAULTS)
    return warps, stages, ctas


def _blocks(fields: Mapping[str, object]) -> tuple[int, int, int]:
    """A tile's sizes along m, n and k, 0 where they are not told."""
    m, n, k = (_whole(fields.get(name), 0) for name in ("block_m", "block_n", "block_k"))
    return m, n, k


def _whole(value: object, default: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else default
