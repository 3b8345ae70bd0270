"""A kernel, found under its decorators: its name, arguments and source, and the functions that it calls.

Nothing of Triton is imported here: an Autotuner and a JITFunction are known by their attributes, which have been the
same from Triton 3.2 to 3.9.
"""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from typing import Any

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
    function = _function(decorated)
    if function is None:
        return None
    around = sorted({word for own in (function, *_helpers(function)) for word in _constants(own)})
    return replace(_kernel(function), unspecialised=tuple(_unspecialised(decorated)), around=tuple(around))


def is_interpreted(decorated: Any) -> bool:
    """Whether a kernel is run by Triton's interpreter, whatever devices there are."""
    return any(type(layer).__name__ == "InterpretedFunction" for layer in layers(decorated))


def function_word(value: Any) -> str | None:
    """A function as a word, its name and the hash of its sources; None if it is none, or its source is not known."""
    kernel = kernel_of(value)
    return f"{kernel.name}_{kernel.digest}" if kernel and kernel.source else None


def layers(decorated: Any) -> Iterator[Any]:
    """What is decorated, from the outside in: Autotuner, Heuristics, JITFunction, function."""
    return islice(_layers(decorated), _DECORATORS)


def _layers(decorated: Any) -> Iterator[Any]:
    while decorated is not None:
        yield decorated
        decorated = getattr(decorated, "fn", None)


def _unspecialised(decorated: Any) -> Iterator[str]:
    compiled: Any = next((layer.params for layer in layers(decorated) if hasattr(layer, "params")), ())
    for parameter in compiled:
        options = ("do_not_specialize", "do_not_specialize_on_alignment")
        if any(getattr(parameter, option, False) for option in options):
            yield parameter.name


def _function(decorated: Any) -> Callable[..., Any] | None:
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
    """Names and values of numbers, words and types outside of a function that it reads, as they are now."""
    for name, value in _read(function).items():
        value = value.value if type(value).__name__ == "constexpr" else value
        if isinstance(value, (int, float, str)) or type(value).__name__ == "dtype":
            yield f"{name}={value}"


def _called(function: Callable[..., Any]) -> set[Callable[..., Any]]:
    """Decorated functions that a function names, or names of a module."""
    called = [_function(own) for own in _read(function).values() if not inspect.isfunction(own)]
    return {own for own in called if own and not _is_tritons(own.__module__)}


def _read(function: Callable[..., Any]) -> dict[str, Any]:
    """What is outside of a function, or in a module there, by the names that it reads; but for Triton's own."""
    try:
        around = inspect.getclosurevars(function)
    except ValueError:  # a name around it has no value yet
        return {}
    found = {**around.globals, **around.nonlocals}
    modules = {name: own for name, own in found.items() if inspect.ismodule(own) and not _is_tritons(own.__name__)}
    attributes = function.__code__.co_names
    within = {f"{name}.{own}": getattr(module, own, None) for name, module in modules.items() for own in attributes}
    return found | within


def _is_tritons(module: object) -> bool:
    return f"{module}.".startswith("triton.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
