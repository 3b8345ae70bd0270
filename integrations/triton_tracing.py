"""Pruning inside torch.compile: Dynamo sees a constant where the surrogate is asked, so that graphs stay whole.

Dynamo traces a kernel's ``early_config_prune`` as it does any function of the user's. What it traces here only writes
the arguments down as plain numbers and words; what is then asked with them is marked as constant, so that it is called,
not traced (`torch.compiler.assume_constant_result`). A size that torch.compile takes for dynamic is made static.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from operator import index  # makes a dynamic size static, which int() does not
from typing import Any, cast

from .triton_launch import Tensor

Places = Callable[[Sequence[Any], Mapping[str, Any]], "tuple[int, ...]"]


@dataclass(frozen=True)
class TracedConfig:
    """A configuration as Dynamo wrote it down."""

    kwargs: dict[str, Any]
    options: dict[str, Any]
    pre_hook: None = None

    @property
    def num_warps(self) -> int:
        """Warps of a block."""
        return self.options["num_warps"]

    @property
    def num_stages(self) -> int:
        """Stages of the pipeline."""
        return self.options["num_stages"]

    def all_kwargs(self) -> dict[str, Any]:
        """All names and values, as `triton.Config.all_kwargs` has them."""
        return self.kwargs | {name: value for name, value in self.options.items() if value is not None}


def traceable(
    eager: Callable[..., list[Any]],
    places: Places,
    theirs: Callable[..., Any] | None,
    names: Callable[[], tuple[tuple[str, ...], tuple[str, ...]]],
) -> Callable[..., Any]:
    """An ``early_config_prune`` for both: called by Triton, or traced by Dynamo.

    Args:
        eager: The pruner as Triton calls it.
        places: Configurations and named arguments, plain -> places that are kept.
        theirs: The user's own pruner, which is traced first.
        names: Says which arguments tell launches apart, and which ones configurations give values to. Dynamo puts what
            heuristics give beside these, and would guard on what is not there. Where it says none, what is decorated is
            not known, and all are taken that configurations have.
    """
    import torch
    import triton.language

    # Others are no constants to Dynamo. A float that does not tell launches apart would be compiled anew each time.
    readable = (int, float, str, torch.Tensor, torch.dtype, triton.language.dtype)
    choosable = (*readable, Enum, tuple)
    torch_compiler: Any = torch.compiler

    @torch_compiler.assume_constant_result
    def constant(names: tuple[str, ...], values: tuple[Any, ...], configs: tuple[Any, ...]) -> tuple[int, ...]:
        named = {name: _argument(value) for name, value in zip(names, values, strict=True)}
        return places([TracedConfig(_values(kwargs), dict(options)) for kwargs, options in configs], named)

    told = torch_compiler.assume_constant_result(names)
    called = torch_compiler.disable(eager)

    def early_config_prune(configs: Any, named_args: Any, **kwargs: Any) -> Any:
        if not torch.compiler.is_compiling():
            return called(configs, named_args, **kwargs)
        if theirs is not None:
            configs = theirs(configs, named_args, **kwargs)
        deciding, tuned = told()
        given = {**named_args, **kwargs}  # torch passes on by name what is so given
        named = {name: value for name, value in given.items() if name in deciding or not isinstance(value, float)}
        plain = tuple([_plain(value, torch.Tensor, readable) for value in named.values()])
        kept = constant(tuple(named), plain, tuple([_written(config, tuned, choosable) for config in configs]))
        return [configs[place] for place in kept]

    return early_config_prune


def _plain(value: Any, tensor: Any, readable: Any) -> Any:
    """An argument as Dynamo can make a constant of it; nothing, in a tuple, where it cannot. This is traced."""
    if isinstance(value, tensor):
        strides = tuple([index(stride) for stride in value.stride()])
        return "tensor", str(value.dtype), tuple([index(size) for size in value.shape]), strides
    return _static(value) if value is None or isinstance(value, readable) else ()


def _written(config: Any, tuned: Sequence[str], choosable: Any) -> Any:
    """A configuration as Dynamo can make a constant of it; no value where it cannot of one. This is traced."""
    options = ("num_warps", config.num_warps), ("num_ctas", config.num_ctas), ("num_stages", config.num_stages)
    all_options = (*options, ("maxnreg", config.maxnreg))
    own = [(name, config.kwargs[name]) for name in tuned or config.kwargs if name in config.kwargs]
    fields = [
        (name, _static(value)) if value is None or isinstance(value, choosable) else (name,) for name, value in own
    ]
    return tuple(fields), tuple([(name, _static(value)) for name, value in all_options])


def _values(fields: Sequence[tuple[Any, ...]]) -> dict[str, Any]:
    """Names and values of a configuration; one that could not be written is equal to nothing."""
    return {name: value[0] if value else object() for name, *value in fields}


def _static(value: Any) -> Any:
    """A number that torch.compile does not take for dynamic. This is traced."""
    return index(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _argument(value: Any) -> Any:
    """An argument as it is read of a launch."""
    if isinstance(value, tuple):
        if not value:
            return object()  # of which nothing can be read
        _, dtype, shape, strides = cast("tuple[str, str, tuple[int, ...], tuple[int, ...]]", value)
        return Tensor(dtype.removeprefix("torch."), shape, strides)
    return value  # a number, a switch, a word
