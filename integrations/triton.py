"""Prune the configurations of `triton.autotune` before any is compiled: ``prune_configs_by=rlm_prune``.

For each new key of a kernel: launch -> what cannot run is dropped -> one batched question to the surrogate -> the
configurations worth a benchmark, the user's default among them, in the user's order. How many is the surrogate's
trust: where it does not know the kernel or the device, all are kept. What was decided is kept on disk, what was
measured (`RLMPrune.record`) teaches the next shape.

``PRERANK_PRUNE=0`` (or ``off``) switches pruning off, ``PRERANK_EXPLAIN=1`` prints what was kept and why,
``PRERANK_CACHE`` names the folder of decisions and measurements.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import triton  # noqa: F401  # pyright: ignore[reportUnusedImport] (the host; without it there is nothing to prune)

from ..surrogate.once import Once
from .triton_autotuner import (
    Decorated,
    benchmark_again,
    benchmark_none,
    calling_autotuner,
    decorated_kernel,
    traced_kernel,
)
from .triton_device import device_name
from .triton_experience import Learner
from .triton_forecast import Forecast
from .triton_kernel import function_of, is_interpreted, kernel_of
from .triton_launch import Launch, Tuning, read_tuning
from .triton_measurements import Recording
from .triton_options import count, kept_first, opened, pruner
from .triton_perf_model import Kept, PerfModel, switched_off, their_top_k
from .triton_pruning import Pruning
from .triton_selection import Keep
from .triton_static import compiler_of
from .triton_tables import export, read_table
from .triton_tracing import traceable

__all__ = ["RLMPrune", "export", "read_table", "rlm_prune"]

Prune = Callable[..., "Sequence[Any]"]
_INTERPRETER = "interpreter"  # stands for a device where Triton's interpreter runs a kernel


class RLMPrune(Mapping[str, Any]):
    """Pruner for ``triton.autotune(..., prune_configs_by=...)``; `rlm_prune` is one, calling it makes another.

    Example::

        @triton.autotune(configs, key=["M", "N", "K"], prune_configs_by=rlm_prune)
        @triton.autotune(configs, key=["M", "N", "K"], prune_configs_by=rlm_prune(top_k=8))
        @triton.autotune(configs, key=["M", "N", "K"], prune_configs_by=rlm_prune | {"early_config_prune": mine})

    Args:
        top_k: How many configurations are kept, the default included, or what share of them if it is a float. 1: the
            predicted best (the default where trust is low), which is launched without any benchmark. None: the more,
            the less the surrogate knows of kernel and device.
        keep: What is kept first: a config, a list of them, or a function that says of each. None, or where the launch
            has none of them: the first.
        device: Name of the device; None: the current one.
        surrogate: What predicts, or the folder of a checkpoint; None: the packaged one. Forks of it learn, it does not.
        early_config_prune: The user's own pruner, which is called first.
        table: Decisions shipped in a file (see `export`), or a folder of vLLM's; what they hold is not predicted.
        compile: Compile what may run on the CPU, for the device, before it is ranked: about half a second each. What
            needs too much is dropped, and of a kernel that the weights do not know the surrogate reads the rest.

    Raises:
        ValueError: If top_k is not positive, or a share above 1, or the table cannot be read.
        TypeError: If an option is of another kind.
    """

    def __init__(
        self,
        *,
        top_k: int | float | None = None,
        keep: Keep | None = None,
        device: str | None = None,
        surrogate: Learner | str | Path | None = None,
        early_config_prune: Prune | None = None,
        table: str | Path | None = None,
        compile: bool = False,
    ) -> None:
        if device is not None and not isinstance(device, str):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"device is {device!r}; give its name, such as 'NVIDIA A100'")
        top_k, keep, surrogate = count(top_k), kept_first(keep), opened(surrogate)
        early_config_prune = pruner(early_config_prune)
        self._options: dict[str, Any] = {
            "top_k": top_k,
            "keep": keep,
            "device": device,
            "surrogate": surrogate,
            "early_config_prune": early_config_prune,
            "table": table,
            "compile": compile,
        }
        self._top_k, self._device = top_k, device
        shipped = read_table(table) if table is not None else None
        self._pruning = Pruning(Forecast(surrogate), keep, shipped, compile=compile, here=not device)
        self._theirs = early_config_prune
        self._kernel: Any | None = None
        self._warn = Once()
        self.perf_model = PerfModel(self._tuning, self._order, self._failed)

    def __repr__(self) -> str:
        given = {name: own for name, own in self._options.items() if own is not None and own is not False}
        return f"rlm_prune({', '.join(f'{name}={own!r}' for name, own in given.items())})" if given else "rlm_prune"

    def __call__(self, **options: Any) -> RLMPrune:
        """A copy with other options, those of the class."""
        return RLMPrune(**(self._options | options))

    def get(self, key: str, default: Any = None) -> Any:
        """What Triton reads of the pruner itself: an ``early_config_prune`` and no more."""
        return self[key] if key == "early_config_prune" else default

    def __getitem__(self, name: str) -> Any:
        """What goes into a dict; if a user's own pruner takes the place of ours there, Triton asks ``perf_model``."""
        if name == "early_config_prune":
            return self._pruner(decorated_kernel())
        return {"perf_model": self.perf_model, "top_k": Kept(self.perf_model.wanted)}[name]

    def _pruner(self, of: Decorated) -> Callable[..., Any]:
        """`prune`, which torch.compile may trace where torch is loaded; of nothing: of what is then found."""
        if "torch" not in sys.modules:
            return self.prune

        def known() -> Decorated:
            return traced_kernel() if of.kernel is None else of

        def names() -> tuple[tuple[str, ...], tuple[str, ...]]:
            kernel, keys, tuned = known()
            found = kernel_of(kernel)
            return (*keys, *(found.constants if found else ())), tuple(tuned)

        def places(configs: Sequence[Any], named: Mapping[str, Any]) -> tuple[int, ...]:
            kernel, keys, _ = known()
            return self._traced(kernel, keys, configs, named)

        return traceable(self.prune, places, self._theirs, names)

    def __iter__(self) -> Iterator[str]:
        return iter(("early_config_prune", "perf_model", "top_k"))

    def __len__(self) -> int:
        return 3

    def __or__(self, other: Mapping[str, Any]) -> RLMPrune:
        """A copy that calls the other's ``early_config_prune`` first, with its ``top_k``; it may have nothing else."""
        unknown = sorted(other.keys() - {"early_config_prune", "top_k"})
        if unknown:
            raise ValueError(f"rlm_prune takes early_config_prune and top_k from a dict, and was given {unknown}")
        return self(**other)

    def __ror__(self, other: Mapping[str, Any]) -> RLMPrune:
        return self | ({**other} if self._top_k is None else {**other, "top_k": self._top_k})

    def attach(self, kernel: Any) -> Any:
        """Say which kernel is pruned, where it is not `triton.autotune` that calls; returns the kernel."""
        self._kernel = kernel
        return kernel

    def record(self) -> Recording:
        """Write down what Triton measures, of all kernels, from now on or within a ``with`` statement."""

        def read(autotuner: Any, keywords: Mapping[str, Any]) -> Launch:  # of what runs it, whatever is pruned for
            device = _INTERPRETER if is_interpreted(autotuner) else device_name()
            return self._tuning(autotuner, autotuner.nargs or {}, keywords, device=device).launch

        return Recording(read)

    def prune(self, configs: Sequence[Any], named_args: Mapping[str, Any], **kwargs: Any) -> list[Any]:
        """The configurations worth a benchmark, as Triton's ``early_config_prune``: the same objects in their order.

        Whatever fails here, all configurations are kept and a warning is given once.
        """
        configs = list(self._theirs(configs, named_args, **kwargs) if self._theirs else configs)
        try:
            calling = calling_autotuner()
            autotuner = calling[0] if calling else None
            if autotuner is not None and autotuner.perf_model is self.perf_model:
                autotuner.perf_model = None  # it would prune again what is kept on purpose
            if len(configs) < 2 or switched_off():
                return configs
            return self._prune(autotuner, configs, named_args, kwargs)
        except Exception as error:  # a kernel must run, whatever happens to its pruner
            self._failed(error, f"all {len(configs)} configurations are kept")
            return configs

    def _prune(
        self, autotuner: Any, configs: list[Any], named: Mapping[str, Any], keywords: Mapping[str, Any]
    ) -> list[Any]:
        benchmark_again(autotuner)
        kept = self._kept(self._tuning(autotuner, named, keywords, configs), autotuner)
        if len(kept) == 1 and autotuner is not None:
            benchmark_none(autotuner, configs[kept[0]])
        return [configs[place] for place in kept]

    def _traced(
        self, kernel: Any, keys: Sequence[str], configs: Sequence[Any], named: Mapping[str, Any]
    ) -> tuple[int, ...]:
        """Places that are kept where torch.compile traces the launch of a kernel."""
        if len(configs) < 2 or switched_off():
            return tuple(range(len(configs)))
        try:
            return tuple(self._kept(self._tuning(kernel, named, {}, configs, keys), kernel))
        except Exception as error:  # as in `prune`
            self._failed(error, f"all {len(configs)} configurations are kept")
            return tuple(range(len(configs)))

    def _tuning(
        self,
        decorated: Any,
        named: Mapping[str, Any],
        keywords: Mapping[str, Any],
        configs: Sequence[Any] = (),
        keys: Sequence[str] = (),
        device: str | None = None,
    ) -> Tuning:
        """Read a launch of a decorated kernel; without configurations or device, with those that it is pruned for."""
        kernel, keys = kernel_of(decorated) or kernel_of(self._kernel), keys or getattr(decorated, "keys", None) or ()
        device = self._device or device_name() if device is None else device
        return read_tuning(kernel, configs or decorated.configs, named, keywords, device, keys, compiler_of(device))

    def _kept(self, tuning: Tuning, decorated: Any) -> list[int]:
        """Places of what is kept, in the user's order."""
        kernel = self._kernel_of(decorated)
        decision = self._pruning.decide(tuning, kernel, self._top_k)
        self._pruning.explain(tuning, kernel, decision)
        return sorted(decision.kept)

    def _order(self, tuning: Tuning, autotuner: Any) -> tuple[list[int], int]:
        """Places: what is kept, then the others; and how many are kept. All as they stand where that fails."""
        benchmark_again(autotuner)
        kernel, theirs, decision = self._kernel_of(autotuner), their_top_k(autotuner), None
        try:
            decision = self._pruning.decide(tuning, kernel, self._top_k if theirs is None else theirs)
            self._pruning.explain(tuning, kernel, decision)
        except Exception as error:  # as in `prune`
            self._failed(error)
        order = self._pruning.order(tuning, decision)
        wanted = len(decision.kept if decision else order)
        if wanted == 1:
            benchmark_none(autotuner, tuning.configs[order[0]])
        return order, wanted

    def _kernel_of(self, decorated: Any) -> Any:
        """What is decorated, if there is a kernel in it, or what was attached."""
        return decorated if function_of(decorated) else self._kernel

    def _failed(self, error: Exception, instead: str = "configurations are kept as they stand") -> None:
        self._warn("failed", f"rlm_prune failed ({error!r}); {instead}")


rlm_prune = RLMPrune()
"""The pruner with the packaged checkpoint, for the current device."""
