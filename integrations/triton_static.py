"""Compiling configurations on the CPU for a device that need not be there: what each needs, before any is launched."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..search_spaces.devices import find
from .triton_launch import Config, Launch, Tuning

_TARGETS = {
    "volta": ("cuda", 70, 32),
    "turing": ("cuda", 75, 32),
    "ampere": ("cuda", 86, 32),
    "ada": ("cuda", 89, 32),
    "hopper": ("cuda", 90, 32),
    "blackwell": ("cuda", 100, 32),
    "cdna2": ("hip", "gfx90a", 64),
    "cdna3": ("hip", "gfx942", 64),
}
_A100_SHARED_KB = 164  # the ampere of data centres is another target than that of desktops
_TYPES = {"float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64", "bool": "i1", "uint8": "u8"}
_ALIGNED = 16  # bytes, and the number that Triton specialises whole numbers by


@dataclass(frozen=True)
class Resources:
    """What a compiled configuration needs.

    Args:
        shared: Shared memory of a block, bytes.
        registers: Registers of a thread; None: the target does not tell.
        spills: Bytes that a thread spills; None: the target does not tell.
        error: Why it was not compiled.
    """

    shared: int = 0
    registers: int | None = None
    spills: int | None = None
    error: str | None = None

    @property
    def words(self) -> dict[str, int]:
        """Names and values for a text."""
        found = {"shared_kb": self.shared // 1024, "registers": self.registers, "spills": self.spills}
        return {} if self.error else {name: value for name, value in found.items() if value is not None}

    def obstacle(self, shared: int | None) -> str | None:
        """Why it cannot run where a block has so much shared memory; None: nothing speaks against it."""
        if self.error is not None:
            return f"not compiled: {self.error}"
        if shared is not None and self.shared > shared:
            return f"compiled, {self.shared // 1024} KB of shared memory; a block has {shared // 1024}"
        return None


def resources(decorated: Any, tuning: Tuning, places: Sequence[int]) -> dict[int, Resources]:
    """Compile some of the configurations; none for an unknown device, or where the interpreter stands for a compiler.

    Args:
        decorated: The kernel, decorated by `triton.jit` and more.
        tuning: The launch and its configurations.
        places: Which of them.
    """
    from rich.console import Console
    from rich.progress import track

    function, target = _jit_function(decorated), _target(tuning.launch.device)
    if function is None or target is None:
        return {}
    about, console = f"compiling {tuning.launch.kernel.name}", Console(stderr=True)
    steps = track(places, about, transient=True, console=console)
    return {place: _compiled(function, tuning.launch, tuning.configs[place], target) for place in steps}


def _compiled(function: Any, launch: Launch, config: Config, target: tuple[str, int | str, int]) -> Resources:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    compiler: Any = triton
    source: Any = ASTSource(function, *_signature(function, launch, config))
    names = ("num_warps", "num_stages", "num_ctas", "maxnreg")
    options = {name: value for name, value in config.all_kwargs().items() if name in names}
    try:
        kernel: Any = compiler.compile(source, target=GPUTarget(*target), options=options)
    except Exception as error:  # the compiler's own; what it refuses cannot run
        return Resources(error=(str(error).strip().splitlines() or [repr(error)])[-1][:80])
    registers, spills = _ptxas(kernel.asm["ptx"], int(target[1])) if "ptx" in kernel.asm else (None, None)
    return Resources(int(kernel.metadata.shared), registers, spills)


def _signature(
    function: Any, launch: Launch, config: Config
) -> tuple[dict[str, str], dict[tuple[int, ...], Any], dict[tuple[int, ...], Any]]:
    """Types, constants and alignments of the arguments, as Triton specialises them."""
    types: dict[str, str] = {}
    constants: dict[tuple[int, ...], Any] = {}
    aligned: dict[tuple[int, ...], Any] = {}
    values: Mapping[str, Any] = {**launch.scalars, **config.kwargs}
    for place, parameter in enumerate(function.params):
        tensor, value = launch.tensors.get(parameter.name), values.get(parameter.name)
        fixed = tensor is None and (parameter.is_constexpr or value is None or value == 1)
        types[parameter.name] = f"*{_type(tensor.dtype)}" if tensor else "constexpr" if fixed else _scalar(value)
        if fixed:
            constants[place,] = value
        elif tensor is not None or (isinstance(value, int) and value % _ALIGNED == 0):
            aligned[place,] = [["tt.divisibility", _ALIGNED]]
    return types, constants, aligned


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        return "fp32"
    return "i1" if isinstance(value, bool) else "i32" if abs(value) < 2**31 else "i64"


def _type(dtype: str) -> str:
    """``float8_e4m3fn`` is ``fp8e4nv``; whole numbers are called by their bits."""
    eights = {"float8_e4m3fn": "fp8e4nv", "float8_e5m2": "fp8e5"}
    return _TYPES.get(dtype) or eights.get(dtype) or re.sub(r"int(\d+)", r"i\1", dtype)


def _ptxas(ptx: str, architecture: int) -> tuple[int | None, int | None]:
    """Registers and bytes of spills, as NVIDIA's assembler tells them; it comes with Triton."""
    import triton

    program = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "ptxas"
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "kernel.ptx"
        source.write_text(ptx)
        command = [
            program,
            "-v",
            f"--gpu-name=sm_{architecture}{'a' * (architecture == 90)}",
            source,
            "-o",
            "/dev/null",
        ]
        told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    registers, spills = re.search(r"Used (\d+) registers", told), re.search(r"(\d+) bytes spill stores", told)
    return (int(registers[1]) if registers else None), (int(spills[1]) if spills else None)


def _target(device: str) -> tuple[str, int | str, int] | None:
    found = find(device)
    if found is not None and found.architecture == "ampere" and found.shared == _A100_SHARED_KB:
        return "cuda", 80, 32
    return _TARGETS.get(found.architecture) if found else None


def _jit_function(decorated: Any) -> Any | None:
    return next((layer for layer in _layers(decorated) if hasattr(layer, "params")), None)


def _layers(decorated: Any) -> Iterator[Any]:
    while decorated is not None:
        yield decorated
        decorated = getattr(decorated, "fn", None)
