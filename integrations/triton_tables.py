"""Decisions that can be read and shipped: a plain JSON table, and vLLM's files for fused mixtures of experts.

A shipped table needs no model. What it holds of a kernel's name, arguments and device is taken as it stands, even if
the kernel's source has changed since; where it holds several such kernels, that of the same source alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ..surrogate.atomic import write_whole
from .triton_cache import VERSION, folder, lines_from
from .triton_config import Config, config_words
from .triton_decisions import is_decision
from .triton_launch import Launch, identity
from .triton_measurements import is_measurement, tells_launch
from .triton_vllm import Batches, batched, write


@dataclass(frozen=True)
class Table:
    """Configurations of launches.

    Args:
        entries: ``launch`` (see `Launch.to_json`), ``config``, and ``ms`` if it was measured.
        batches: vLLM's: file name -> batch size -> configuration.
    """

    entries: Sequence[Mapping[str, Any]]
    batches: Mapping[str, Batches]

    def find(self, launch: Launch, configs: Sequence[Config]) -> int | None:
        """Place of the configuration that the table holds for a launch; None: it holds none of these."""
        wanted = self._config(launch) or batched(self.batches, launch)
        if wanted is None:
            return None
        words = list(map(config_words, configs))
        same = [place for place, own in enumerate(words) if _covers(own, wanted)]
        return min(same, key=lambda place: len(words[place]), default=None)  # another may say more besides

    def _config(self, launch: Launch) -> Mapping[str, Any] | None:
        if launch.unread:  # it would be taken for one without these arguments
            return None
        own = identity(json.loads(json.dumps(launch.to_json())), launch.counted)
        held = [entry for entry in self.entries if identity(entry["launch"], launch.counted) == own]
        of = {entry["launch"].get("source"): entry["config"] for entry in reversed(held)}
        return of.get(launch.kernel.digest) if len(of) > 1 else next(iter(of.values()), None)


def read_table(path: str | Path) -> Table:
    """Read what `export` wrote: a JSON table, one of vLLM's files, or a folder of them.

    Raises:
        ValueError: If a file is neither, or cannot be read.
    """
    path = Path(path)
    entries: list[Mapping[str, Any]] = []
    batches: dict[str, Batches] = {}
    for file in sorted(path.glob("*.json")) if path.is_dir() else [path]:
        read = _read(file)
        found = cast("dict[str, Any]", read if isinstance(read, dict) else {})
        if found.get("version") == VERSION and "entries" in found:
            entries += _checked(found["entries"], file)
        elif any(name.isdigit() for name in found):
            batches[file.name] = {name: config for name, config in found.items() if name.isdigit()}
        else:
            raise ValueError(f"{file} is no table of version {VERSION} and no file of vLLM's; write it with export()")
    return Table(entries, batches)


def _checked(entries: Any, file: Path) -> list[Mapping[str, Any]]:
    """The entries of a table.

    Raises:
        ValueError: If one is no decision on a launch.
    """
    listed = cast("list[Mapping[str, Any]]", entries if isinstance(entries, list) else [entries])
    for place, entry in enumerate(listed):
        if not hasattr(entry, "keys") or not tells_launch(entry):
            raise ValueError(f"entry {place} of {file} is {str(entry)[:60]!r}; write tables with export()")
    return listed


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"the table {file} cannot be read ({error}); write one with export()") from error


def export(
    path: str | Path,
    *,
    kernel: str | None = None,
    format: str = "json",
    experts: int | None = None,
    width: int | None = None,
    batch: str | None = None,
) -> list[Path]:
    """Write what was decided, the measured best where there is one, to files that can be shipped.

    Args:
        path: The file of a JSON table; a folder for vLLM's format.
        kernel: Name of a kernel; None: all.
        format: ``json`` or ``vllm``.
        experts: E of vLLM's file name.
        width: N of vLLM's file name.
        batch: The argument that is the batch size, the key in vLLM's files; None: M, or what vLLM's kernel has instead.

    Returns:
        The files written.

    Raises:
        ValueError: If the format is another one, vLLM's lacks experts or width, or nothing was decided; or if launches
            of other sizes would have one place in a file of vLLM's.
    """
    entries = [entry for entry in _decided() if kernel in (None, entry["launch"]["kernel"])]
    if not entries:
        raise ValueError(f"nothing was decided for {kernel or 'any kernel'} in {folder()}; launch it with rlm_prune")
    if format == "json":
        if Path(path).is_dir():
            raise ValueError(f"{path} is a folder; name a file, as in {Path(path) / 'tuned.json'}")
        write_whole(Path(path), (json.dumps({"version": VERSION, "entries": entries}, indent=1) + "\n").encode())
        return [Path(path)]
    if format != "vllm" or experts is None or width is None:
        raise ValueError(f"format is {format!r}; give 'json', or 'vllm' with experts= and width=")
    return list(write(Path(path), entries, experts, width, batch))


def _decided() -> Iterator[dict[str, Any]]:
    """All decisions of the cache folder, each with the measured best or else the predicted best."""
    for file in sorted(folder().glob("*.decisions.jsonl")):
        measured = _fastest(file.with_name(f"{file.name.removesuffix('decisions.jsonl')}measurements.jsonl"))
        for decision in _newest(file):
            launch = decision["launch"]
            best = measured.get(_text(launch, launch.get("compiler")))
            found = {"launch": launch, "config": best["config"] if best else decision["best"]}
            yield found | ({"ms": best["ms"]} if best else {})


def _newest(file: Path) -> Iterable[Mapping[str, Any]]:
    """The last decision of each launch, whatever options and version of Triton it was taken under."""
    rows, _ = lines_from(file, 0)
    return {_text(row["launch"]): row for row in rows if is_decision(row) and "best" in row}.values()


def _fastest(file: Path) -> dict[str, Mapping[str, Any]]:
    """The fastest of each launch and version of Triton, by the newest time of each configuration."""
    newest: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in filter(is_measurement, lines_from(file, 0)[0]):
        launch = row["launch"]
        newest.setdefault(_text(launch, launch.get("compiler")), {})[row["config_key"]] = row
    running = {key: [row for row in own.values() if row["ms"] is not None] for key, own in newest.items()}
    return {key: min(rows, key=lambda row: row["ms"]) for key, rows in running.items() if rows}


def _text(launch: Mapping[str, Any], *beside: str | None) -> str:
    """What tells launches apart, as a text."""
    return json.dumps([identity(launch, launch.get("counted")), *beside], sort_keys=True)


def _covers(config: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    """Whether a configuration says all that is wanted of it."""
    return all(config.get(name) == value for name, value in wanted.items())
