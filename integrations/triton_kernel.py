"""A kernel, found under its decorators: its name, arguments and source, and the functions that it calls.

Nothing of Triton is imported here: an Autotuner and a JITFunction are known by their attributes, which have been the
same from Triton 3.2 to 3.9.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import islice
from types import CellType, ModuleType
from typing import Any

Read = Callable[[], Any]
_DECORATORS = 8  # around a kernel


@dataclass(frozen=True)
class Kernel:
    """A kernel.

    Args:
        name: Its name.
        arguments: Names of its arguments, in order.
        source: Its source; "" if it is not known.
        constants: Names of the arguments that are compiled in.
        helpers: Sources of all functions that it calls.
        unspecialised: Names of the arguments of which the compiler shall not know what they divide by.
        around: Names and values of the constants outside of it that it, or such a function, reads.
    """

    name: str
    arguments: tuple[str, ...] = ()
    source: str = ""
    constants: tuple[str, ...] = ()
    helpers: str = ""
    unspecialised: tuple[str, ...] = ()
    around: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Short hash of name, sources and constants."""
        return _digest("\n".join([self.name, self.source + self.helpers, *self.around]))


def kernel_of(decorated: Any) -> Kernel | None:
    """The kernel inside Autotuner, Heuristics and JITFunction, or a plain function; None if there is none."""
    function = function_of(decorated)
    if function is None:
        return None
    around = sorted({word for own in (function, *_helpers(function)) for word in _constants(own)})
    return replace(_kernel(function), unspecialised=tuple(_unspecialised(decorated)), around=tuple(around))


def is_interpreted(decorated: Any) -> bool:
    """Whether a kernel is run by Triton's interpreter, whatever devices there are."""
    return any(type(layer).__name__ == "InterpretedFunction" for layer in layers(decorated))


def function_word(value: Any) -> str | None:
    """A function as a word, its name and the hash of its sources; None if it is none, or its source is not known.

    Nor is that of a lambda: Python has its whole line, where others may stand.
    """
    kernel = kernel_of(value)
    return f"{kernel.name}_{kernel.digest}" if kernel and kernel.source and kernel.name.isidentifier() else None


def layers(decorated: Any) -> Iterator[Any]:
    """What is decorated, from the outside in: Autotuner, Heuristics, JITFunction, function."""
    return islice(_layers(decorated), _DECORATORS)


def _layers(decorated: Any) -> Iterator[Any]:
    while decorated is not None:
        yield decorated
        decorated = getattr(decorated, "fn", None)


def _unspecialised(decorated: Any) -> Iterator[str]:
    compiled = jit_function(decorated)
    for parameter in compiled.params if compiled is not None else ():
        options = ("do_not_specialize", "do_not_specialize_on_alignment")
        typed = str(getattr(parameter, "annotation_type", ""))  # a number of a written type is not compiled in as 1
        if (typed and not typed.startswith("*")) or any(getattr(parameter, option, False) for option in options):
            yield parameter.name


def jit_function(decorated: Any) -> Any | None:
    """What Triton compiles, inside Autotuner and Heuristics; None if there is nothing."""
    return next((layer for layer in layers(decorated) if hasattr(layer, "params")), None)


def unwrapped(value: Any) -> Any:
    """What a `tl.constexpr` holds; anything else as it is."""
    return value.value if type(value).__name__ == "constexpr" else value


def function_of(decorated: Any) -> Callable[..., Any] | None:
    """The function inside Autotuner, Heuristics and JITFunction; None if there is none."""
    return next(filter(inspect.isfunction, layers(decorated)), None)


@lru_cache(maxsize=256)
def _kernel(function: Callable[..., Any]) -> Kernel:
    parameters = inspect.signature(function).parameters
    constants = tuple(name for name, own in parameters.items() if "constexpr" in str(own.annotation))
    helpers = "".join(sorted(map(_source, _helpers(function))))
    return Kernel(function.__name__, tuple(parameters), _source(function), constants, helpers)


def _source(function: Callable[..., Any]) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):  # made by exec, or in a shell
        return ""


@lru_cache(maxsize=256)
def _helpers(function: Callable[..., Any]) -> frozenset[Callable[..., Any]]:
    """All decorated functions that a kernel calls, and that these call; what comes with Triton is none."""
    found, waiting = {function}, [function]
    while waiting:
        called = _called(waiting.pop()) - found
        found |= called
        waiting += called
    return frozenset(found - {function})


def _constants(function: Callable[..., Any]) -> Iterator[str]:
    """Names and values of the constants outside of a function that it reads, as they are now."""
    return (f"{name}={_constant(read())}" for name, read in _read_constants(function))


@lru_cache(maxsize=256)
def _read_constants(function: Callable[..., Any]) -> tuple[tuple[str, Read], ...]:
    """Their names, and what reads their values: it is done at each launch, also of those that are decided."""
    named = _outside(function)
    for name, own in _modules(named):
        attributes = function.__code__.co_names
        named |= {f"{name}.{attribute}": partial(getattr, own, attribute, None) for attribute in attributes}
    return tuple((name, read) for name, read in named.items() if _constant(read()) is not None)


def _outside(function: Callable[..., Any]) -> dict[str, Read]:
    """What is outside of a function, by the names that it reads."""
    code = function.__code__
    found: dict[str, Read] = {name: partial(function.__globals__.get, name) for name in code.co_names}
    cells = zip(code.co_freevars, function.__closure__ or (), strict=True)
    return found | {name: partial(_held, cell) for name, cell in cells}


def _held(cell: CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # no value yet
        return None


def _modules(named: Mapping[str, Read]) -> list[tuple[str, ModuleType]]:
    """Those among some names that are modules, but for Triton's."""
    found = [(name, read()) for name, read in named.items()]
    return [(name, own) for name, own in found if inspect.ismodule(own) and not _is_tritons(own.__name__)]


def _constant(value: Any) -> str | None:
    """A number, a word or a type as a text; None of anything else."""
    value = unwrapped(value)
    return str(value) if isinstance(value, (int, float, str)) or type(value).__name__ == "dtype" else None


def _called(function: Callable[..., Any]) -> set[Callable[..., Any]]:
    """Decorated functions that a function names, or names of a module."""
    named, attributes = _outside(function), function.__code__.co_names
    values = [read() for read in named.values()]
    values += [getattr(own, name, None) for _, own in _modules(named) for name in attributes]
    called = [function_of(own) for own in values if not inspect.isfunction(own)]
    return {own for own in called if own and not _is_tritons(own.__module__)}


def _is_tritons(module: object) -> bool:
    return f"{module}.".startswith("triton.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
