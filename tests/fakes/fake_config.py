"""A `triton.Config` without Triton, for what only reads one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class FakeConfig:
    """Is equal to itself alone, as Triton's is, so that it can be a key."""

    kwargs: dict[str, Any]
    num_warps: int = 4
    num_stages: int = 3
    pre_hook: Callable[..., None] | None = None

    def all_kwargs(self) -> dict[str, Any]:
        return {**self.kwargs, "num_warps": self.num_warps, "num_ctas": 1, "num_stages": self.num_stages}
