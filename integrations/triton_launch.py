"""What is read of a launch before its kernel is compiled: kernel, source, arguments, grid, device.

Nothing of Triton is imported here: an Autotuner, a JITFunction and a Config are known by their attributes, which have
been the same from Triton 3.2 to 3.9.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any, Protocol

_LAUNCH_OPTIONS = ("grid", "warmup", "stream", "num_warps", "num_stages", "num_ctas", "maxnreg")
_FRAMES = 8  # callers that are looked at for the Autotuner: its method, a user's own pruner, a wrapper or two


class Config(Protocol):
    """A `triton.Config`, as far as it is read."""

    @property
    def kwargs(self) -> dict[str, Any]: ...
    @property
    def num_warps(self) -> int: ...
    @property
    def num_stages(self) -> int: ...
    @property
    def pre_hook(self) -> Callable[..., Any] | None: ...
    def all_kwargs(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Tensor:
    """A tensor argument: its type as torch spells it, sizes, strides in elements."""

    dtype: str
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()


@dataclass(frozen=True)
class Kernel:
    """A kernel: its name, the names of its arguments in order, its source ("" if unknown)."""

    name: str
    arguments: tuple[str, ...] = ()
    source: str = ""

    @property
    def digest(self) -> str:
        """Short hash of name and source."""
        return _digest(f"{self.name}\n{self.source}")


@dataclass(frozen=True)
class Launch:
    """A kernel with its arguments on a device.

    Args:
        kernel: The kernel.
        tensors: Argument -> tensor, in the kernel's order.
        scalars: Argument -> number, switch or word that is not tuned.
        device: Name of the device, "" if unknown.
    """

    kernel: Kernel
    tensors: Mapping[str, Tensor]
    scalars: Mapping[str, int | float | bool | str]
    device: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain lists and mappings; the source stands as its hash."""
        tensors = {name: asdict(tensor) for name, tensor in self.tensors.items()}
        return {"kernel": self.kernel.name, "source": self.kernel.digest, "device": self.device} | {
            "tensors": tensors,
            "scalars": dict(self.scalars),
        }

    @classmethod
    def from_json(cls, kernel: Kernel, found: Mapping[str, Any]) -> Launch:
        """Read what `to_json` wrote of a kernel."""
        tensors = {
            name: Tensor(tensor["dtype"], tuple(tensor["shape"]), tuple(tensor["strides"]))
            for name, tensor in found["tensors"].items()
        }
        return cls(kernel, tensors, found["scalars"], found["device"])

    @property
    def key(self) -> str:
        """Tells launches apart: equal for equal kernels, arguments and devices. Floats do not count."""
        whole = {name: value for name, value in self.scalars.items() if not isinstance(value, float)}
        return repr((self.kernel.name, self.kernel.digest, self.device, self.tensors, whole))


def read_launch(
    kernel: Kernel | None, named: Mapping[str, Any], keywords: Mapping[str, Any], tuned: Sequence[str], device: str
) -> Launch:
    """Read a launch.

    Args:
        kernel: The kernel, if it was found.
        named: Positional arguments by name.
        keywords: Keyword arguments of the launch and its options.
        tuned: Names that the configurations set.
        device: Name of the device.
    """
    kernel = kernel or Kernel("kernel", tuple(named))
    given = {name: value for name, value in {**named, **keywords}.items() if name not in (*_LAUNCH_OPTIONS, *tuned)}
    order = [name for name in kernel.arguments if name in given] or list(given)
    tensors = {name: tensor for name in order if (tensor := _tensor(given[name])) is not None}
    scalars = {name: given[name] for name in order if isinstance(given[name], (int, float, str))}
    return Launch(kernel, tensors, scalars, device)


def grid_size(keywords: Mapping[str, Any], named: Mapping[str, Any], config: Config) -> int | None:
    """Programs that a configuration starts; None if the grid does not tell. The user's grid may raise, and is asked."""
    grid = keywords.get("grid")
    try:
        sizes = grid({**named, **keywords, **config.all_kwargs()}) if callable(grid) else grid
        programs = 1
        for size in sizes if isinstance(sizes, (tuple, list)) else (sizes,):
            programs *= int(size)
    except Exception:  # a grid that needs more than its arguments is no reason to stop
        return None
    return programs


def calling_autotuner() -> tuple[Any, dict[str, Any]] | None:
    """The Autotuner that is calling, with the keyword arguments of its launch, if one is among the callers."""
    for frame in _callers():
        candidate = frame.f_locals.get("self")
        if all(hasattr(candidate, name) for name in ("configs", "arg_names", "fn", "prune_configs")):
            return candidate, dict(frame.f_locals.get("kwargs") or {})
    return None


def _callers() -> Iterator[Any]:
    frame = sys._getframe(2)  # pyright: ignore[reportPrivateUsage]
    for _ in range(_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def kernel_of(decorated: Any) -> Kernel | None:
    """The kernel inside Autotuner, Heuristics and JITFunction, or a plain function; None if there is none."""
    function = decorated
    for _ in range(_FRAMES):
        if inspect.isfunction(function):
            return _kernel(function)
        function = getattr(function, "fn", None)
    return None


@lru_cache(maxsize=256)
def _kernel(function: Callable[..., Any]) -> Kernel:
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):  # made by exec, or in a shell
        source = ""
    return Kernel(function.__name__, tuple(inspect.signature(function).parameters), source)


def device_name() -> str:
    """The current device as its driver calls it; "" without one."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return ""
    return str(torch.cuda.get_device_name())


def shared_memory() -> int | None:
    """Shared memory of a block of the current device, bytes, as its driver says; None without one."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_available():
        return None
    properties: Any = torch.cuda.get_device_properties(torch.cuda.current_device())
    return getattr(properties, "shared_memory_per_block_optin", None)


def config_words(config: Config) -> dict[str, Any]:
    """Names and values of a configuration; options at their defaults are left out, as in the measured tables."""
    words = {name: value for name, value in config.all_kwargs().items() if isinstance(value, (int, float, str))}
    return words if words.get("num_ctas") != 1 else {name: v for name, v in words.items() if name != "num_ctas"}


def _tensor(argument: Any) -> Tensor | None:
    """What is known of a tensor, or of the tensor that a descriptor describes."""
    argument = argument.base if hasattr(argument, "block_shape") else argument
    if not hasattr(argument, "dtype") or not hasattr(argument, "shape"):
        return None
    strides = argument.stride() if callable(getattr(argument, "stride", None)) else ()
    dtype = str(argument.dtype).removeprefix("torch.")
    return Tensor(dtype, tuple(int(size) for size in argument.shape), tuple(int(stride) for stride in strides))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
