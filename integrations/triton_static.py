"""Compiling configurations on the CPU for a device that need not be there: what each needs, before any is launched."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..search_spaces.devices import find
from .triton_config import Config
from .triton_device import Target, current_target, device_name
from .triton_kernel import jit_function, layers
from .triton_launch import ALIGNED, Tensor, Tuning

_TARGETS: dict[str, Target] = {
    "volta": ("cuda", 70, 32),
    "turing": ("cuda", 75, 32),
    "ampere": ("cuda", 86, 32),
    "ada": ("cuda", 89, 32),
    "hopper": ("cuda", 90, 32),
    "blackwell": ("cuda", 120, 32),
    "cdna2": ("hip", "gfx90a", 64),
    "cdna3": ("hip", "gfx942", 64),
}
_OF_DATA_CENTRES: dict[str, Target] = {"ampere": ("cuda", 80, 32), "blackwell": ("cuda", 100, 32)}
_DESKTOPS_SHARED_KB = 100  # cards of data centres have more, and are other targets than those of desktops
_BLACKWELL = 100  # compute capability from which on Triton has an assembler of its own
_TYPES = {
    **{"float16": "fp16", "bfloat16": "bf16", "float32": "fp32", "float64": "fp64", "bool": "i1"},
    **{"float8_e4m3fn": "fp8e4nv", "float8_e5m2": "fp8e5"},
    **{"float8_e4m3fnuz": "fp8e4b8", "float8_e5m2fnuz": "fp8e5b16"},  # AMD's
}

Signature = tuple[dict[str, str], dict[tuple[int, ...], Any], dict[tuple[int, ...], Any]]


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


def resources(
    decorated: Any, tuning: Tuning, places: Sequence[int], untold: Callable[[str], None] | None = None
) -> dict[int, Resources]:
    """Compile some of the configurations; none for an unknown device, or where the interpreter stands for a compiler.

    Where none of them compiles, the arguments were not understood, and nothing is said of any; nor is it of one whose
    arguments cannot be told before the launch.

    Args:
        decorated: The kernel, decorated by `triton.jit` and more.
        tuning: The launch and its configurations.
        places: Which of them.
        untold: Is told why, where none of them compiles for a known device.
    """
    from rich.console import Console
    from rich.progress import track

    function, target = jit_function(decorated), target_of(tuning.launch.device)
    if target is None:
        return {}
    about, console = f"compiling {tuning.launch.kernel.name}", Console(stderr=True, emoji=False)
    found: dict[int, Resources] = {}
    for place in track(places if function else (), about, transient=True, console=console):
        signature = _signature(decorated, function, tuning, tuning.configs[place])
        if signature is not None:
            found[place] = _compiled(function, signature, tuning.configs[place], target)
    if any(own.error is None for own in found.values()):
        return found
    if places and untold is not None:
        untold(_why_none(function, found))
    return {}


def _why_none(function: Any, found: Mapping[int, Resources]) -> str:
    if function is None:
        return "no kernel that Triton compiles is known; rlm_prune.attach(kernel) names it"
    return next((str(own.error) for own in found.values()), "its arguments are known at the launch alone")


def _compiled(function: Any, signature: Signature, config: Config, target: Target) -> Resources:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    compiler: Any = triton
    source: Any = ASTSource(function, *signature)
    names = ("num_warps", "num_stages", "num_ctas", "maxnreg")
    options = {name: value for name, value in config.all_kwargs().items() if name in names}
    try:
        kernel: Any = compiler.compile(source, target=GPUTarget(*target), options=options)
    except Exception as error:  # the compiler's own; what it refuses cannot run
        return Resources(error=(str(error).strip().splitlines() or [repr(error)])[-1][:80])
    registers, spills = _ptxas(kernel.asm["ptx"], int(target[1])) if "ptx" in kernel.asm else (None, None)
    return Resources(int(kernel.metadata.shared), registers, spills)


def _signature(decorated: Any, function: Any, tuning: Tuning, config: Config) -> Signature | None:
    """Types, constants and alignments of the arguments, as Triton specialises them; None: not to be told."""
    types: dict[str, str] = {}
    constants: dict[tuple[int, ...], Any] = {}
    aligned: dict[tuple[int, ...], Any] = {}
    values = _values(decorated, function, tuning, config)
    for place, parameter in enumerate(function.params):
        if values is None or parameter.name not in values:
            return None
        value = values[parameter.name]
        kind = parameter.annotation_type or _kind(value, tuning.launch.tensors.get(parameter.name))
        kind = "constexpr" if _is_fixed(parameter, value) else kind
        if kind is None or (kind.startswith("tensordesc") and config.pre_hook is not None):
            return None  # such a hook gives the descriptor its block
        types[parameter.name] = kind
        if kind == "constexpr":
            constants[place,] = value
        elif _is_known_to_divide(parameter, kind, value, tuning.launch.tensors.get(parameter.name)):
            aligned[place,] = [["tt.divisibility", ALIGNED]]
    return types, constants, aligned


def _is_known_to_divide(parameter: Any, kind: str, value: Any, tensor: Tensor | None) -> bool:
    """Whether Triton looks at an argument's address or number, and 16 divides it."""
    if getattr(parameter, "do_not_specialize_on_alignment", False):
        return False
    if kind.startswith("*"):
        return tensor is None or tensor.aligned
    return type(value) is int and value % ALIGNED == 0 and not parameter.do_not_specialize


def _values(decorated: Any, function: Any, tuning: Tuning, config: Config) -> dict[str, Any] | None:
    """All arguments: defaults, as they were given, tuned, or by `triton.heuristics`; None if one of these raises."""
    given = {**tuning.arguments, **config.all_kwargs()}
    for layer in layers(decorated):
        values: Any = getattr(layer, "values", None)
        heuristics = cast("dict[str, Any]", values if isinstance(values, dict) else {})
        for name, heuristic in heuristics.items():
            try:
                given[name] = given[name] if name in config.kwargs else heuristic(given)
            except Exception:  # it may ask for more of a tensor than is known of it
                return None
    return {parameter.name: parameter.default for parameter in function.params if parameter.has_default} | given


def _is_fixed(parameter: Any, value: Any) -> bool:
    """Whether Triton compiles a value in."""
    one = type(value) is int and value == 1 and not parameter.do_not_specialize and not parameter.annotation_type
    return parameter.is_constexpr or value is None or one


def _kind(value: Any, tensor: Tensor | None) -> str | None:
    """Type of an argument as Triton writes it; None: another one than is known here."""
    if hasattr(value, "block_shape"):
        return f"tensordesc<{_type(tensor.dtype)}{list(value.block_shape)}>" if tensor else None
    if tensor is not None:
        return f"*{_type(tensor.dtype)}"
    return _scalar(value) if isinstance(value, (int, float)) else None


def _scalar(value: Any) -> str:
    if isinstance(value, float):
        return "fp32"
    return "i1" if isinstance(value, bool) else "i32" if abs(value) < 2**31 else "i64"


def _type(dtype: str) -> str:
    """``float8_e4m3fn`` is ``fp8e4nv``; whole numbers are called by their bits: ``i32``, ``u32``."""
    return _TYPES.get(dtype) or re.sub(r"(?:(u)|\b)int(?=\d)", lambda found: found[1] or "i", dtype)


def _ptxas(ptx: str, architecture: int) -> tuple[int | None, int | None]:
    """Registers and bytes of spills, as NVIDIA's assembler tells them; None: it does not, or cannot be run."""
    name = f"sm_{architecture}{'a' * (architecture >= 90)}"
    try:
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder) / "kernel.ptx"
            source.write_text(ptx)
            command = [_assembler(architecture), "-v", f"--gpu-name={name}", source, "-o", "/dev/null"]
            told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    except (OSError, RuntimeError):  # RuntimeError: Triton finds none
        return None, None
    registers, spills = re.search(r"Used (\d+) registers", told), re.search(r"(\d+) bytes spill stores", told)
    return (int(registers[1]) if registers else None), (int(spills[1]) if spills else None)


def _assembler(architecture: int) -> str:
    """NVIDIA's assembler: the one that Triton takes, where it says so, or is told to take, or comes with."""
    import triton

    nvidia: Any = getattr(getattr(triton, "knobs", None), "nvidia", None)
    newest = getattr(nvidia, "ptxas_blackwell", None) if architecture >= _BLACKWELL else None
    tool = newest or getattr(nvidia, "ptxas", None)
    bundled = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "ptxas"
    return str(tool.path) if tool else os.environ.get("TRITON_PTXAS_PATH", str(bundled))


def compiler_of(device: str) -> str:
    """Triton's version, and what it compiles for where that is known: ``3.7.1 cuda:90``."""
    import triton

    version, target = str(triton.__version__), target_of(device)
    return f"{version} {target[0]}:{target[1]}" if target else version


def target_of(device: str) -> Target | None:
    """What is compiled for a device: as its driver says if it is the current one, or as it is listed; None: unknown."""
    current = current_target() if device == device_name() else None
    if current is not None:
        return current
    found = find(device)
    if found is None:
        return None
    large = _OF_DATA_CENTRES.get(found.architecture) if (found.shared or 0) > _DESKTOPS_SHARED_KB else None
    return large or _TARGETS.get(found.architecture)
