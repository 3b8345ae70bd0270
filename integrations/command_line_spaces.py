"""The search spaces that the command line knows by the names of their modules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Protocol

from .. import search_spaces
from ..surrogate import Question


class SpaceModule(Protocol):
    """A module of `search_spaces` that holds candidates; that of ONNX files has no `sample`."""

    sample: Callable[..., Sequence[Any]]
    to_text: Callable[[Any], str]
    from_record: Callable[..., Any]
    problem: Callable[..., Question]


def spaces() -> list[str]:
    """Names of the spaces that can be drawn from."""
    return [name for name in _modules() if drawn_from(_module(name))]


def drawn_from(space: SpaceModule) -> bool:
    """Whether candidates are drawn from a space; ONNX files are there, or not."""
    return hasattr(space, "sample")


def chosen(sources: Sequence[str]) -> SpaceModule:
    """The space that is named, or that of ONNX files; a folder with the name of a space is written ``./name``.

    Raises:
        ValueError: If the sources are neither one space nor files.
    """
    if not sources:
        where = "name ONNX files (piped paths by xargs), a folder of them, a space, or a --context"
        raise ValueError(f"there is nothing to compare; {where}")
    if len(sources) == 1 and sources[0] in _modules() and drawn_from(_module(sources[0])):
        return _module(sources[0])
    if all(Path(source).exists() for source in sources):
        return _module("onnx_graph")
    absent = next(source for source in sources if not Path(source).exists())
    if absent in spaces():
        raise ValueError(f"{absent!r} is a space, whose candidates are compared alone; leave the other sources out")
    others = "" if absent.endswith(".onnx") else f", nor a space of that name: {', '.join(spaces())}"
    raise ValueError(f"there is no file {absent!r}{others}")


def _modules() -> list[str]:
    return [module.name for module in iter_modules(search_spaces.__path__)]


def _module(name: str) -> Any:
    return import_module(f"{search_spaces.__name__}.{name}")
