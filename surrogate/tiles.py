"""How a configuration cuts its problem into tiles: what follows from both, and neither says alone.

A block of 64 along m, where m is 1,536, makes 24 tiles; how many there are of all, over the processors of the device,
decides how many of these wait while the last ones work. Who reads the two numbers has to divide and to round up.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache

_BLOCK = re.compile(r"block_(\w+)=(\d{1,15})")  # longer numbers are no sizes, and may be more than a float holds
_SIZE = re.compile(r"(\w+)=(\d{1,15})")
_PARALLEL = ("m", "n")  # axes whose tiles are worked on at once; along the others one program goes
_UNITS = "units"


def with_tiles(context: str, text: str) -> str:
    """A candidate's text, followed by what its blocks make of the sizes that the context states.

    These are the tiles along each axis that has both, ``tiles_m=24``; and where m and n have, the share of them that
    is ``used``, not filled up, the ``waves`` in which the device's units work on them, and how full of tiles the units
    are on average.
    """
    if "block_" not in text:  # as in all spaces but those of kernels
        return text
    sizes = _sizes(context)
    blocks = {match[1]: int(match[2]) for word in text.split() if (match := _BLOCK.fullmatch(word))}
    tiles = {axis: -(-sizes[axis] // block) for axis, block in sorted(blocks.items()) if block and sizes.get(axis, 0)}
    if not tiles:
        return text
    words = [f"tiles_{axis}={count}" for axis, count in tiles.items()]
    if tiles.keys() >= {*_PARALLEL}:
        used = math.prod(sizes[axis] / (tiles[axis] * blocks[axis]) for axis in _PARALLEL)
        words.append(f"used={used:.2f}")
        if units := sizes.get(_UNITS, 0):
            waves = math.prod(tiles[axis] for axis in _PARALLEL) / units
            words += [f"waves={waves:.2f}", f"filled={waves / math.ceil(waves):.2f}"]
    return " ".join([text, *words])


@lru_cache(maxsize=256)
def _sizes(context: str) -> Mapping[str, int]:
    """Whole numbers that a context states, the first of each name."""
    found = [match for word in context.split() if (match := _SIZE.fullmatch(word))]
    return {match[1]: int(match[2]) for match in reversed(found)}
