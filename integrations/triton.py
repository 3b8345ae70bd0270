"""Prune the configurations of `triton.autotune` before any is compiled: ``prune_configs_by=rlm_prune``.

For each new key of a kernel: launch -> what cannot run is dropped -> one batched question to the surrogate -> the
configurations worth a benchmark, the user's default among them, in the user's order. How many is the surrogate's
trust: where it does not know the kernel or the device, all are kept. What was decided is kept on disk, what was
measured (`RLMPrune.record`) teaches the next shape.

``PRERANK_PRUNE=0`` switches pruning off, ``PRERANK_EXPLAIN=1`` prints what was kept and why, ``PRERANK_CACHE`` names
the folder of decisions and measurements.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import triton  # noqa: F401  # pyright: ignore[reportUnusedImport] (the host; without it there is nothing to prune)

from ..search_spaces import kernel_configs
from ..search_spaces.launch_limits import Limits, limits, obstacle
from ..surrogate import RLMSurrogate
from .triton_decisions import Decisions, config_key
from .triton_experience import Surrogate, nearest, taught
from .triton_launch import (
    Config,
    Launch,
    calling_autotuner,
    config_words,
    device_name,
    grid_size,
    kernel_of,
    read_launch,
    shared_memory,
)
from .triton_measurements import Recording, log_of
from .triton_reading import Reading, operand_sizes, readings
from .triton_report import Verdict, show
from .triton_selection import Outlook, outlook, select
from .triton_tables import Table, export, read_table

__all__ = ["RLMPrune", "export", "read_table", "rlm_prune"]

Prune = Callable[..., "Sequence[Any]"]
Keep = Config | Sequence[Config] | Callable[[Any], bool]
_decisions = Decisions()


class RLMPrune(dict[str, Any]):
    """Pruner for ``triton.autotune(..., prune_configs_by=...)``; `rlm_prune` is one, calling it makes another.

    Example::

        @triton.autotune(configs, key=["M", "N", "K"], prune_configs_by=rlm_prune)
        @triton.autotune(configs, key=["M", "N", "K"], prune_configs_by=rlm_prune(top_k=8))
        @triton.autotune(configs, key=["M", "N", "K"], prune_configs_by=rlm_prune | {"early_config_prune": mine})

    Args:
        top_k: How many configurations are kept, the default included, or what share of them if it is a float. 1: the
            predicted best (the default where trust is low), which is launched without any benchmark. None: the more,
            the less the surrogate knows of kernel and device.
        keep: What is always kept besides: a config, several, or a function that says of each. None: the first.
        device: Name of the device; None: the current one.
        surrogate: What predicts; None: the packaged checkpoint. Forks of it learn, it does not.
        early_config_prune: The user's own pruner, which is called first.
        table: Decisions shipped in a file (see `export`), or a folder of vLLM's; what they hold is not predicted.
        compile: Compile the candidates for the device, on the CPU, and drop those that need too much.

    Raises:
        ValueError: If top_k is not positive, or a share above 1.
    """

    def __init__(
        self,
        *,
        top_k: int | float | None = None,
        keep: Keep | None = None,
        device: str | None = None,
        surrogate: Surrogate | None = None,
        early_config_prune: Prune | None = None,
        table: str | Path | None = None,
        compile: bool = False,
    ) -> None:
        if top_k is not None and (top_k <= 0 or (isinstance(top_k, float) and top_k > 1)):
            raise ValueError(f"top_k is {top_k!r}; give a number of configs from 1, or a share of them up to 1.0")
        # Where a user's early_config_prune replaces ours in a plain dict, Triton asks the model for the rest.
        super().__init__(
            early_config_prune=self.prune, perf_model=self.perf_model, top_k=1.0 if top_k is None else top_k
        )
        self._options: dict[str, Any] = {
            "top_k": top_k,
            "keep": keep,
            "device": device,
            "surrogate": surrogate,
            "early_config_prune": early_config_prune,
            "table": table,
            "compile": compile,
        }
        self._top_k, self._keep, self._device, self._given = top_k, keep, device, surrogate
        self._theirs, self._table_path, self._compile = early_config_prune, table, compile
        self._kernel: Any | None = None
        self._places: tuple[str, dict[str, int]] = ("", {})
        self._warned: set[str] = set()

    def __call__(self, **options: Any) -> RLMPrune:
        """A copy with other options, those of the class."""
        return RLMPrune(**(self._options | options))

    def __or__(self, other: Mapping[str, Any]) -> RLMPrune:  # type: ignore[override]
        """A copy that calls the other's ``early_config_prune`` first."""
        return self(early_config_prune=other["early_config_prune"])

    __ror__ = __or__  # type: ignore[assignment]

    def attach(self, kernel: Any) -> Any:
        """Say which kernel is pruned, where it is not `triton.autotune` that calls; returns the kernel."""
        self._kernel = kernel
        return kernel

    def record(self) -> Recording:
        """Write down what Triton measures, of all kernels, from now on or within a ``with`` statement."""
        return Recording(lambda autotuner, keywords: self._launch(autotuner, autotuner.nargs or {}, keywords))

    def prune(self, configs: Sequence[Any], named_args: Mapping[str, Any], **kwargs: Any) -> list[Any]:
        """The configurations worth a benchmark, as Triton's ``early_config_prune``: the same objects in their order.

        Whatever fails here, all configurations are kept and a warning is given once.
        """
        configs = list(self._theirs(configs, named_args, **kwargs) if self._theirs else configs)
        if len(configs) < 2 or os.environ.get("PRERANK_PRUNE") == "0":
            return configs
        try:
            return self._prune(configs, named_args, kwargs)
        except Exception as error:  # a kernel must run, whatever happens to its pruner
            self._warn("failed", f"rlm_prune failed ({error!r}); all {len(configs)} configurations are kept")
            return configs

    def perf_model(self, **arguments: Any) -> float:
        """Place of one configuration among all of its kernel's, as Triton's ``perf_model``; the default is first."""
        calling = calling_autotuner()
        if calling is None:
            self._warn("perf_model", "rlm_prune is not called by triton.autotune; it ranks nothing")
            return 0.0
        autotuner, kwargs = calling
        launch = self._launch(autotuner, autotuner.nargs, kwargs)
        if self._places[0] != launch.key:
            configs: list[Config] = list(autotuner.configs)
            order = self._order(launch, configs, autotuner.nargs, kwargs)
            self._places = launch.key, {config_key(configs[index]): place for place, index in enumerate(order)}
        same = [c for c in autotuner.configs if c.all_kwargs().items() <= arguments.items()]
        return float(self._places[1].get(config_key(same[0]), len(autotuner.configs))) if same else 0.0

    def _prune(self, configs: list[Any], named: Mapping[str, Any], kwargs: Mapping[str, Any]) -> list[Any]:
        calling = calling_autotuner()
        autotuner = calling[0] if calling else None
        launch = self._launch(autotuner, named, kwargs, configs)
        keys = [config_key(config) for config in configs]
        _benchmark_again(autotuner)
        kept = self._settled(launch, configs, keys)
        if kept is None:
            kept = self._decide(launch, configs, keys, named, kwargs)
        if len(kept) == 1 and autotuner is not None:
            _benchmark_none(autotuner, configs[kept[0]])
        return [configs[place] for place in sorted(kept)]

    def _launch(
        self, autotuner: Any, named: Mapping[str, Any], kwargs: Mapping[str, Any], configs: Sequence[Config] = ()
    ) -> Launch:
        kernel = kernel_of(self._kernel) or kernel_of(autotuner)
        tuned = {name for config in configs or getattr(autotuner, "configs", ()) for name in config.all_kwargs()}
        return read_launch(kernel, named, kwargs, sorted(tuned), self._device or device_name())

    def _settled(self, launch: Launch, configs: Sequence[Config], keys: Sequence[str]) -> list[int] | None:
        """What needs no prediction: a shipped decision, one that was taken before, the best of those measured."""
        shipped = self._table.find(launch, configs) if self._table else None
        if shipped is not None:
            return [shipped]
        kept = None if _explaining() else _decisions.find(launch, keys, self._beside(configs))
        return self._fastest(launch, keys, kept) if kept else None

    def _fastest(self, launch: Launch, keys: Sequence[str], kept: list[int]) -> list[int]:
        """The fastest of those kept, if all of them were measured and the user does not ask for a number."""
        times = log_of(launch.kernel).times
        measured = {place: ms for place in kept if (ms := times.get((launch.key, keys[place]))) is not None}
        running = {place: ms for place, ms in measured.items() if ms == ms}
        settled = len(measured) == len(kept) and running and self._top_k in (None, 1)
        return [min(running, key=lambda place: running[place])] if settled else kept

    def _decide(
        self,
        launch: Launch,
        configs: Sequence[Config],
        keys: Sequence[str],
        named: Mapping[str, Any],
        kwargs: Mapping[str, Any],
    ) -> list[int]:
        obstacles = self._obstacles(launch, configs)
        found = self._outlook(launch, configs, named, kwargs)
        defaults = self._defaults(configs)
        kept = select(found.order, set(obstacles), defaults, self._top_k, found.trust)
        self._say(launch, len(configs), len(kept), found.trust)
        if _explaining():
            show(
                launch, found, [Verdict(key, n in kept, obstacles.get(n), n in defaults) for n, key in enumerate(keys)]
            )
        ordered = [place for place in found.order if place in kept]
        _decisions.add(launch, keys, self._beside(configs), ordered)
        return ordered

    def _order(
        self, launch: Launch, configs: Sequence[Config], named: Mapping[str, Any], kwargs: Mapping[str, Any]
    ) -> list[int]:
        """Places: the defaults, then best first, then what cannot run."""
        obstacles, defaults = self._obstacles(launch, configs), self._defaults(configs)
        order = self._outlook(launch, configs, named, kwargs).order
        return sorted(order, key=lambda place: (place not in defaults, place in obstacles))

    def _outlook(
        self, launch: Launch, configs: Sequence[Config], named: Mapping[str, Any], kwargs: Mapping[str, Any]
    ) -> Outlook:
        """What the surrogate, and its fork that has seen measurements of the kernel, predict."""
        words = [config_words(config) for config in configs]
        reading, trust = self._reading(launch, words)
        if reading.source:  # a kernel that the weights do not know is described by its grid too
            sizes = [grid_size(kwargs, named, config) for config in configs]
            words = [w | ({"programs": size} if size else {}) for w, size in zip(words, sizes, strict=True)]
        texts = [reading.to_text(own) for own in words]
        measured = nearest(launch, log_of(launch.kernel))
        if not measured:
            return outlook(
                [self._surrogate.predict(reading.problem("slowdown"), texts)], reading.likeness, "x the best"
            )
        student = taught(self._surrogate, launch.kernel, measured, reading)
        predictions = [student.predict(reading.problem("latency_ms"), texts)]
        if trust * reading.likeness > 0.5:
            predictions.append(self._surrogate.predict(reading.problem("slowdown"), texts))
        return outlook(predictions, 1.0, "ms")

    def _reading(self, launch: Launch, words: Sequence[Mapping[str, Any]]) -> tuple[Reading, float]:
        """The way to read the launch that the surrogate trusts most, and that trust."""
        best: tuple[Reading, float] | None = None
        for reading in readings(launch, words):
            trust = float(self._surrogate.predict(reading.problem("slowdown"), [reading.to_text(words[0])]).trust[0])
            if best is None or trust * reading.likeness > best[1] * best[0].likeness:
                best = reading, trust
        assert best is not None
        return best

    def _obstacles(self, launch: Launch, configs: Sequence[Config]) -> dict[int, str]:
        """Places of what cannot run, with the reason."""
        device = limits(launch.device, None if self._device else shared_memory())
        found: dict[int, str] = {}
        for place, config in enumerate(configs):
            reason = _obstacle(launch, config, device)
            if reason is not None:
                found[place] = reason
        return found

    def _defaults(self, configs: Sequence[Any]) -> set[int]:
        """Places of what is always kept; the first one if none of the configurations is named."""
        keep: Any = self._keep
        if keep is None:
            return {0}
        if callable(keep):
            named = {place for place, config in enumerate(configs) if keep(config)}
        else:
            wanted = list(cast("Sequence[Any]", keep)) if isinstance(keep, (list, tuple)) else [keep]
            named = {place for place, config in enumerate(configs) if any(config == other for other in wanted)}
        return named or {0}

    @cached_property
    def _surrogate(self) -> Surrogate:
        return self._given if self._given is not None else RLMSurrogate.load()

    @cached_property
    def _table(self) -> Table | None:
        return read_table(self._table_path) if self._table_path is not None else None

    @cached_property
    def _checkpoint(self) -> str:
        """Tells surrogates apart by their training."""
        provenance = getattr(self._surrogate, "provenance", type(self._surrogate).__name__)
        return hashlib.sha256(json.dumps(provenance, sort_keys=True, default=str).encode()).hexdigest()[:12]

    def _beside(self, configs: Sequence[Any]) -> str:
        """What a decision depends on beside launch and configurations."""
        return f"{self._checkpoint} {self._top_k} {sorted(self._defaults(configs))} {self._compile}"

    def _say(self, launch: Launch, n: int, kept: int, trust: float) -> None:
        if self._top_k is None and trust < 0.5:
            about = f"{launch.kernel.name} on {launch.device or 'an unnamed device'}"
            self._warn(about, f"rlm_prune knows little of {about} (trust {trust:.2f}): {kept} of {n} configs are kept")

    def _warn(self, once: str, message: str) -> None:
        if once not in self._warned:
            warnings.warn(message, stacklevel=4)
        self._warned.add(once)


rlm_prune = RLMPrune()
"""The pruner with the packaged checkpoint, for the current device."""


def _obstacle(launch: Launch, config: Config, device: Limits) -> str | None:
    words = config_words(config)
    fields = {kernel_configs.field(name): value for name, value in words.items()}
    return obstacle(fields, device, operand_sizes(launch, words))


def _explaining() -> bool:
    return os.environ.get("PRERANK_EXPLAIN") == "1"


def _benchmark_none(autotuner: Any, config: Config) -> None:
    """Let the only configuration left go without a benchmark, as Triton itself does since 3.8."""
    measure = autotuner._bench

    def bench(*args: Any, config: Any, **meta: Any) -> Any:
        _benchmark_again(autotuner)
        return [0.0] * 3 if config is only else measure(*args, config=config, **meta)

    only, autotuner.__dict__["_bench"] = config, bench


def _benchmark_again(autotuner: Any) -> None:
    """Take back `_benchmark_none`, which a cache of Triton's may have left unused."""
    vars(autotuner).pop("_bench", None) if autotuner is not None else None
