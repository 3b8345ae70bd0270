"""What is read of a launch before its kernel is compiled: kernel, source, arguments, grid, device.

Nothing of Triton is imported here: a type and a constant are known by their attributes and names, which have been the
same from Triton 3.2 to 3.9.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from .triton_config import Config, assignments, spelt, tuned_words, worded
from .triton_kernel import Kernel
from .triton_values import are_equal, elements, words

ALIGNED = 16
"""Bytes, and the number, by which Triton specialises pointers and whole numbers."""
_LAUNCH_OPTIONS = ("grid", "warmup", "stream", "num_warps", "num_stages", "num_ctas", "maxnreg")


@dataclass(frozen=True)
class Tensor:
    """A tensor argument: its type as torch spells it, sizes, strides in elements, whether 16 divides its address."""

    dtype: str
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    aligned: bool = True

    def to_json(self) -> dict[str, Any]:
        """As plain lists; what is aligned, as nearly all is, says nothing of it."""
        found = asdict(self)
        return found if not self.aligned else {name: own for name, own in found.items() if name != "aligned"}


@dataclass(frozen=True)
class Launch:
    """A kernel with its arguments on a device.

    Args:
        kernel: The kernel.
        tensors: Argument -> tensor, in the kernel's order.
        scalars: Argument -> number, switch, word, type or function (as a word) that is not tuned.
        device: Name of the device, "" if unknown.
        counted: Names of the numbers that tell launches apart; None: all whole ones do.
        compiler: Triton's version and what it compiles for, "" if unknown.
        unread: Names of arguments that tell launches apart and could not be read; nothing settles such a launch.

    Elements of a tuple are arguments of their own: ``shape.0``.
    """

    kernel: Kernel
    tensors: Mapping[str, Tensor]
    scalars: Mapping[str, int | float | bool | str]
    device: str = ""
    counted: tuple[str, ...] | None = None
    compiler: str = ""
    unread: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain lists and mappings; the source stands as its hash."""
        tensors = {name: tensor.to_json() for name, tensor in self.tensors.items()}
        return {"kernel": self.kernel.name, "source": self.kernel.digest, "device": self.device} | {
            "tensors": tensors,
            "scalars": dict(self.scalars),
            **({} if self.counted is None else {"counted": list(self.counted)}),
            **({"compiler": self.compiler} if self.compiler else {}),
        }

    @classmethod
    def from_json(cls, kernel: Kernel, found: Mapping[str, Any]) -> Launch:
        """Read what `to_json` wrote of a kernel."""
        tensors = {
            name: Tensor(tensor["dtype"], tuple(tensor["shape"]), tuple(tensor["strides"]), tensor.get("aligned", True))
            for name, tensor in found["tensors"].items()
        }
        counted = tuple(found["counted"]) if "counted" in found else None
        return cls(kernel, tensors, found["scalars"], found["device"], counted, found.get("compiler", ""))

    @property
    def key(self) -> str:
        """Tells launches apart: equal for equal kernels, devices, compilers and arguments that count."""
        kernel, deciding = self.kernel, counting(self.scalars, self.counted)
        return repr((kernel.name, kernel.digest, self.device, self.compiler, self.tensors, deciding, *self.unread))


@dataclass(frozen=True, eq=False)
class Tuning:
    """A launch with the configurations to choose among.

    Args:
        launch: The launch.
        configs: Its configurations.
        arguments: All arguments by name, grid and launch options among them, as they were given.
        facts: Place of a configuration -> what its compilation told.
    """

    launch: Launch
    configs: Sequence[Config]
    arguments: Mapping[str, Any]
    facts: Mapping[int, Mapping[str, int]] = field(default_factory=dict[int, Mapping[str, int]])

    @cached_property
    def _written(self) -> list[dict[str, Any]]:
        return [tuned_words(config) for config in self.configs]

    @cached_property
    def words(self) -> list[dict[str, Any]]:
        """Names and values of each configuration; a value without a word is left out."""
        return [worded(written) for written in self._written]

    @cached_property
    def fields(self) -> list[dict[str, Any]]:
        """The same, the names as `kernel_configs.field` spells them."""
        return spelt(self.words)

    @cached_property
    def keys(self) -> list[str]:
        """Each configuration as text."""
        return [assignments(written) for written in self._written]

    @cached_property
    def firsts(self) -> list[int]:
        """Of each configuration the place of the first that is equal to it, by its values and its hook."""
        alike: defaultdict[tuple[str, int], list[int]] = defaultdict(list)  # of one text there are few
        found: list[int] = []
        for place, (key, config) in enumerate(zip(self.keys, self.configs, strict=True)):
            others = alike[key, id(config.pre_hook)]
            found.append(next((other for other in others if self._have_equal_values(other, place)), place))
            if found[-1] == place:
                others.append(place)
        return found

    @cached_property
    def is_told(self) -> bool:
        """Whether texts tell the launch from others, and its configurations from each other, but for their hooks."""
        if self.launch.unread or any(None in written.values() for written in self._written):
            return False
        first = {key: place for place, key in reversed(list(enumerate(self.keys)))}
        return all(self._have_equal_values(first[key], place) for place, key in enumerate(self.keys))

    def _have_equal_values(self, one: int, other: int) -> bool:
        return one == other or are_equal(self.configs[one].all_kwargs(), self.configs[other].all_kwargs())

    def programs(self, place: int) -> int | None:
        """Programs that a configuration starts; None if the grid does not tell."""
        return _programs(self.arguments, self.configs[place])


def read_tuning(
    kernel: Kernel | None,
    configs: Sequence[Config],
    named: Mapping[str, Any],
    keywords: Mapping[str, Any],
    device: str,
    keys: Sequence[str] = (),
    compiler: str = "",
) -> Tuning:
    """Read a launch that is to be tuned.

    Args:
        kernel: The kernel, if it was found.
        configs: The configurations.
        named: Positional arguments by name.
        keywords: Keyword arguments of the launch and its options.
        device: Name of the device.
        keys: Names of the arguments that the kernel is tuned anew for, if they are told.
        compiler: Triton's version and what it compiles for, "" if unknown.
    """
    tuned = {name for config in configs for name in config.kwargs}
    arguments = {**named, **keywords}
    given = {name: value for name, value in arguments.items() if name not in tuned and name not in _LAUNCH_OPTIONS}
    kernel = kernel or Kernel("kernel", tuple(given))
    return Tuning(_read_launch(kernel, given, device, keys, compiler), configs, arguments)


def _read_launch(kernel: Kernel, given: Mapping[str, Any], device: str, keys: Sequence[str], compiler: str) -> Launch:
    order = [name for name in kernel.arguments if name in given] or list(given)
    read = elements({name: given[name] for name in order})
    tensors = {name: tensor for name, value in read.items() if (tensor := _tensor(value)) is not None}
    scalars = words(read)
    deciding = (*keys, *kernel.constants)
    counted = _counted(scalars, deciding) if keys else None
    others = [name for name, value in read.items() if value is not None and name not in {*tensors, *scalars}]
    unread = tuple(name for name in others if not keys or argument_of(name) in deciding)
    return Launch(kernel, tensors, scalars, device, counted, compiler, unread)


def _counted(scalars: Mapping[str, Any], deciding: Sequence[str]) -> tuple[str, ...]:
    """Numbers that are keys or compiled in, and whole ones that are strides; any other (a seed) is incidental."""
    told = [name for name, value in scalars.items() if type(value) in (int, float) and argument_of(name) in deciding]
    strides = [name for name, value in scalars.items() if type(value) is int and "stride" in name.lower()]
    return tuple(name for name in scalars if name in told or name in strides)


def argument_of(name: str) -> str:
    """The argument that an element of a launch is part of: ``shape`` of ``shape.0``."""
    return name.partition(".")[0]


def counting(scalars: Mapping[str, Any], counted: Sequence[str] | None) -> dict[str, Any]:
    """Of scalar arguments those that tell launches apart: all but numbers that do not count."""
    kinds = (float,) if counted is None else (int, float)
    return {name: value for name, value in scalars.items() if type(value) not in kinds or name in (counted or ())}


def identity(launch: Mapping[str, Any], counted: Sequence[str] | None) -> tuple[Any, ...]:
    """What tells launches apart, as `Launch.to_json` writes them, whatever the kernel's source and the compiler."""
    return launch["kernel"], launch["device"], launch["tensors"], counting(launch["scalars"], counted)


def _programs(arguments: Mapping[str, Any], config: Config) -> int | None:
    """Programs that a configuration starts. The user's grid may raise, and is asked all the same."""
    grid = arguments.get("grid")
    try:
        sizes: Any = grid({**arguments, **config.all_kwargs()}) if callable(grid) else grid
        return math.prod(int(size) for size in (sizes if hasattr(sizes, "__len__") else (sizes,)))
    except Exception:  # a grid that needs more than its arguments is no reason to stop
        return None


def _tensor(argument: Any) -> Tensor | None:
    """What is known of a tensor, or of the tensor that a descriptor describes."""
    if isinstance(argument, Tensor):
        return argument
    argument = argument.base if hasattr(argument, "block_shape") else argument
    if not hasattr(argument, "dtype") or not hasattr(argument, "shape"):
        return None
    strides = argument.stride() if callable(getattr(argument, "stride", None)) else ()
    dtype = str(argument.dtype).removeprefix("torch.")
    shape, steps = tuple(int(size) for size in argument.shape), tuple(int(stride) for stride in strides)
    return Tensor(dtype, shape, steps, _is_aligned(argument))


def _is_aligned(tensor: Any) -> bool:
    """Whether a tensor begins at a multiple of 16 bytes; one without an address, that is traced say, does."""
    try:
        return tensor.data_ptr() % ALIGNED == 0
    except Exception:  # each kind of tensor without an address raises its own
        return True
