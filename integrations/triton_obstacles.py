"""What of a launch's configurations cannot run, or only slowly: told from numbers, arguments and the source."""

from __future__ import annotations

from collections.abc import Mapping

from ..search_spaces.launch_limits import Limits, obstacle, spill
from .triton_launch import Tuning
from .triton_loop import pipelined
from .triton_operands import has_wide_operand, is_aligned, operand_sizes
from .triton_sums import sum_size


def obstacles_of(tuning: Tuning, device: Limits) -> dict[int, str]:
    """Places of what cannot run, with the reason.

    Args:
        tuning: The launch and its configurations.
        device: What a block may have.
    """
    launch, operands = tuning.launch, operand_sizes(tuning.launch, tuning.words)
    wide, aligned = has_wide_operand(launch), is_aligned(launch, tuning.fields)
    size = sum_size(launch, tuning.words)
    loops = zip(tuning.fields, pipelined(launch, tuning.fields, device.descriptors), strict=True)
    reasons = [obstacle(own, device, operands, wide, aligned, staged, size) for own, staged in loops]
    found = {place: reason for place, reason in enumerate(reasons) if reason is not None}
    return found if len(found) < len(tuning.configs) else {}  # a bound that leaves nothing is wrong


def spills_of(tuning: Tuning, device: Limits) -> dict[int, str]:
    """Places of what runs slowly, with the reason: the sums of a product do not fit in registers."""
    if operand_sizes(tuning.launch, tuning.words) is None:
        return {}
    size = sum_size(tuning.launch, tuning.words)
    reasons = [spill(own, device, size) for own in tuning.fields]
    return {place: reason for place, reason in enumerate(reasons) if reason is not None}


def possible(tuning: Tuning, obstacles: Mapping[int, str], named: set[int]) -> list[int]:
    """Places of what may run, of equal ones the first, and of what is kept in any case."""
    return [n for n, first in enumerate(tuning.firsts) if n in named or (n not in obstacles and first == n)]
